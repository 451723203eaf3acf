"""Networks learn faces, take raw pixels, start from weights learnt elsewhere, and state what they cost."""

from pathlib import Path

import numpy as np
import pytest

from mien._io.errors import InputError
from mien.aus.facs import AUS
from mien.config import TrainingConfig, Transfer, Variation
from mien.emotions import FER2013
from mien.models.complexity import layers, summary
from mien.models.export import export_onnx
from mien.models.keras_backend import keras
from mien.models.metadata import Metadata
from mien.models.registry import NETWORKS, build
from mien.models.serialization import load_best
from mien.rendering import draw_face
from mien.training.fine_tuning import fit_in_phases
from mien.training.trainer import Batches, fit, seed_everything, smoothed_loss

PLAN = TrainingConfig(
    epochs=6, patience=6, batch_size=16, optimizer="adam", learning_rate=0.001, weight_decay=0.0, precision="float32"
)
ANEW = Transfer(weights="none", input_size=32, frozen_epochs=0)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, np.ndarray]:
    """Return 200 drawn faces, happy and surprised ones, and their targets."""
    labels = np.arange(200) % 2
    strong = ((6, 12), (2, 5, 26))
    variation = Variation(identity=0.2, pose=0.2, scale=0.2, light=0.2, noise=0.2, occlusion=0.0)
    intensities = [[100.0 * (au in strong[label]) for au in AUS] for label in labels]
    return np.stack([draw_face(row, variation, RNG) for row in intensities]), np.eye(2, dtype=np.float32)[labels]


@pytest.mark.parametrize("network", ["mien", "mien_small", "three_block", "four_conv", "small_cnn"])
def test_a_network_learns_faces(network: str, faces: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    images, targets = faces
    seed_everything(0)
    fit(
        build(network, 48, 2, ANEW),
        smoothed_loss(0.1),
        Batches(images[:160], targets[:160], 16, seed=0),
        (images[160:], targets[160:]),
        ["happy", "surprise"],
        tmp_path,
        PLAN,
        checkpoints=tmp_path / "checkpoints",
        on_epoch=lambda _: None,
    )
    model, _ = load_best(tmp_path)
    right = model.predict(images[160:], verbose=0).argmax(axis=1) == targets[160:].argmax(axis=1)
    assert right.mean() > 0.9


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_takes_raw_pixels_and_gives_probabilities(network: str, tmp_path: Path) -> None:
    seed_everything(0)
    model = build(network, 48, 7, ANEW)
    images = RNG.integers(0, 256, (2, 48, 48), dtype=np.uint8)
    probabilities = keras.ops.convert_to_numpy(model(images))
    assert probabilities.shape == (2, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    tolerance = 0 if network == "efficientnet_b0" else 1e-5  # before training, its batch norm lets little through
    assert not np.allclose(probabilities[0], probabilities[1], rtol=tolerance)
    export_onnx(model, tmp_path / "best.onnx", Metadata.of_faces(FER2013, 48))  # which compares it with Keras


@pytest.mark.parametrize(("network", "module"), [("vgg16", "vgg16"), ("resnet50v2", "resnet_v2")])
def test_a_backbone_sees_faces_as_it_was_trained_on_images(network: str, module: str) -> None:
    model = build(network, 48, 7, Transfer(weights="none", input_size=48, frozen_epochs=0))
    before = keras.Model(model.input, model.get_layer("preprocessed").output)
    images = RNG.integers(0, 256, (2, 48, 48), dtype=np.uint8)
    colour = np.repeat(images[..., None], 3, axis=-1).astype(np.float32)
    expected = getattr(keras.applications, module).preprocess_input(colour)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(before(images)), expected, atol=1e-3)


def test_efficientnet_scales_by_itself() -> None:
    model = build("efficientnet_b0", 48, 7, ANEW)
    before = keras.Model(model.input, model.get_layer("preprocessed").output)
    images = np.full((1, 48, 48), 255, np.uint8)
    assert keras.ops.convert_to_numpy(before(images)).max() == pytest.approx(255)
    scales = [layer for layer in model.get_layer("backbone").layers if isinstance(layer, keras.layers.Rescaling)]
    assert scales[0].scale == pytest.approx(1 / 255)


def test_a_backbone_takes_weights_from_a_file(tmp_path: Path) -> None:
    source = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "vgg16_notop.weights.h5"
    source.save_weights(path)
    model = build("vgg16", 48, 7, Transfer(weights=str(path), input_size=32, frozen_epochs=0))
    for ours, theirs in zip(model.get_layer("backbone").get_weights(), source.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(("weights", "found"), [("no/such.h5", "which is no file"), ("damaged", "cannot be had")])
def test_weights_that_cannot_be_had_are_an_error_with_the_way_out(tmp_path: Path, weights: str, found: str) -> None:
    (tmp_path / "damaged").write_bytes(b"not weights")
    path = str(tmp_path / "damaged") if weights == "damaged" else weights
    with pytest.raises(InputError, match=rf"transfer\.weights: .*{found}.*(none|file)"):
        build("vgg16", 48, 7, Transfer(weights=path, input_size=32, frozen_epochs=0))


def test_a_download_that_fails_is_an_error_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("URL fetch failure on https://storage.example: Connection refused")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", refuse)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: "/nowhere")
    with pytest.raises(InputError, match=r"imagenet weights of vgg16 cannot be had .*notop\.h5"):
        build("vgg16", 48, 7, Transfer(weights="imagenet", input_size=32, frozen_epochs=0))


def test_a_frozen_backbone_learns_nothing_until_it_is_tuned(
    faces: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    images, targets = faces
    seed_everything(0)
    model = build("efficientnet_b0", 48, 2, ANEW)
    kernels = [weight for weight in model.get_layer("backbone").trainable_weights if weight.name == "kernel"]
    moved = []
    before = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]

    def watch(_: dict[str, float]) -> None:
        now = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]
        moved.append(not all(np.array_equal(a, b) for a, b in zip(before, now, strict=True)))

    history = fit_in_phases(
        model,
        smoothed_loss(0.1),
        Batches(images[:32], targets[:32], 16, seed=0),
        (images[:32], targets[:32]),
        ["happy", "surprise"],
        tmp_path,
        PLAN.model_copy(update={"epochs": 3}),
        frozen_epochs=2,
        checkpoints=tmp_path / "checkpoints",
        on_epoch=watch,
    )
    assert moved == [False, False, True]
    assert list(history["epoch"]) == [1, 2, 3]


def test_the_cost_of_a_network_is_what_its_layers_say(tmp_path: Path) -> None:
    model = build("four_conv", 48, 7, ANEW)
    costs = layers(model)
    hand_written = (
        9 * 32 * 46**2 + 9 * 32 * 64 * 44**2 + 9 * 64 * 128 * 20**2 + 9 * 128 * 128 * 8**2 + 2048 * 1024 + 1024 * 7
    )
    assert costs["macs"].sum() == hand_written
    assert costs["weights"].sum() == model.count_params()
    (tmp_path / "best.keras").write_bytes(b"0" * 1_500_000)
    (tmp_path / "best.onnx").write_bytes(b"0" * 500_000)
    assert summary(costs, tmp_path) == {
        "weights": model.count_params(), "mega_macs": round(hand_written / 1e6, 2), "keras_mb": 1.5, "onnx_mb": 0.5
    }  # fmt: skip


def test_mien_keeps_to_its_size(tmp_path: Path) -> None:
    for network, mega_macs in (("mien", 150), ("mien_small", 10)):
        model = build(network, 48, 7, ANEW)
        export_onnx(model, tmp_path / "best.onnx", Metadata.of_faces(FER2013, 48))  # which compares it with Keras
        assert layers(model)["macs"].sum() <= mega_macs * 1e6
        assert (tmp_path / "best.onnx").stat().st_size <= 10e6
