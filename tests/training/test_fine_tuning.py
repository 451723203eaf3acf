"""Fine-tuning starts from what a network knows, leaves all but its last layer alone at first, then trains all of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.faces import happy_and_surprised_faces
from helpers.training import CONFIG, contents

from mien._io.classes import save_classes
from mien._io.errors import InputError
from mien.config import TrainCnn, Transfer, load_params
from mien.data.arrays import Images
from mien.inference.networks.face_classifier import FaceClassifier
from mien.models.batch_norm import update_batch_norm
from mien.models.keras_backend import keras
from mien.models.registry import build
from mien.models.serialization import load_best
from mien.models.small_cnn import small_cnn
from mien.models.transfer import transfer
from mien.training import cnn
from mien.training.batches import Batches
from mien.training.fine_tuning import StartWeights, fit_in_phases
from mien.training.inputs import Inputs
from mien.training.trainer import TrainingJob, seed_everything, smoothed_loss

ROOT = Path(__file__).parents[2]
FACES, TARGETS = happy_and_surprised_faces(32)
NOTHING = Transfer.from_weights(input_size=32)


def started_from(weights: str) -> Transfer:
    return Transfer.from_weights(weights, 32)


def trained_network(folder: Path, network: str, size: int, classes: list[str]) -> keras.Model:
    """Write a network with random weights as train_cnn writes trained ones."""
    folder.mkdir()
    seed_everything(7)
    model = build(network, size, len(classes), NOTHING)
    for layer in model.layers:
        layer.set_weights([weight + 0.25 for weight in layer.get_weights()])
    model.save(folder / "best.keras")
    save_classes(folder, classes)
    return model


def test_equal_classes_keep_what_they_know_and_others_start_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = trained_network(tmp_path / "own", "small_cnn", 48, ["bored", "happy", "sad"])
    start = StartWeights.load("small_cnn", started_from(str(tmp_path / "own")), FACES)
    assert start
    seed_everything(0)
    model = build("small_cnn", 48, 4, NOTHING)
    kernel, bias = model.layers[-1].get_weights()
    start.apply(model, ["happy", "engaged", "bored", "tired"])
    for layer, theirs in zip(model.layers[:-1], source.layers[:-1], strict=True):
        for weight, expected in zip(layer.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)
    old_kernel, old_bias = source.layers[-1].get_weights()
    merged_kernel, merged_bias = model.layers[-1].get_weights()
    np.testing.assert_array_equal(merged_kernel[:, [0, 2]], old_kernel[:, [1, 0]])
    np.testing.assert_array_equal(merged_bias[[0, 2]], old_bias[[1, 0]])
    np.testing.assert_array_equal(merged_kernel[:, [1, 3]], kernel[:, [1, 3]])
    np.testing.assert_array_equal(merged_bias[[1, 3]], bias[[1, 3]])
    message = f"from {tmp_path}/own; of the last layer it keeps happy, bored; new: engaged, tired"
    assert message in capsys.readouterr().err


def test_a_pretrained_network_starts_with_its_own_answers() -> None:
    start = StartWeights.load("mien_small", started_from("mien_small"), FACES)
    assert start
    classes = ["happy", "surprise", "neutral"]
    model = build("mien_small", 48, 3, NOTHING)
    start.apply(model, classes)
    classifier = FaceClassifier.from_pretrained("mien_small")
    expected = classifier.predict_proba(FACES, calibrated=False)[:, [classifier.classes_.index(c) for c in classes]]
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(FACES)), expected, atol=1e-4)


@pytest.mark.parametrize("weights", ["none", "imagenet"])
def test_what_names_no_whole_network_starts_none(weights: str) -> None:
    assert StartWeights.load("vgg16", started_from(weights), FACES) is None


def test_networks_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    trained_network(tmp_path / "own", "small_cnn", 16, ["happy", "sad"])
    own = started_from(str(tmp_path / "own"))
    with pytest.raises(InputError, match=r"transfer\.path: found a small_cnn in .*own, expected a three_block"):
        StartWeights.load("three_block", own, FACES)
    with pytest.raises(InputError, match=r"images of size 16 in .*own, expected size 48, .* prepare_fer\.size to 16"):
        StartWeights.load("small_cnn", own, FACES)
    with pytest.raises(InputError, match=r"images of size 48 in mien_small, expected size 64"):
        StartWeights.load("mien_small", started_from("mien_small"), np.zeros((2, 64, 64), np.uint8))
    start = StartWeights.load("small_cnn", own, FACES[:, :16, :16])
    assert start
    start = replace(start, layers=[*start.layers[:-2], [np.zeros((3, 3))], start.layers[-1]])
    with pytest.raises(InputError, match=r"other layers in .*own than small_cnn has"):
        start.apply(build("small_cnn", 16, 2, NOTHING), ["happy", "sad"])


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        (
            "mien",
            {"weights": "mien_small"},
            "found mien_small, expected none, mien, or path: a folder of a trained mien",
        ),
        (
            "three_block",
            {"weights": "mien"},
            "found mien, expected none, or path: a folder of a trained three_block",
        ),
        ("vgg16", {"weights": "mien"}, "found mien, expected none, imagenet, or path: a folder"),
        ("mien", {"weights": "imagenet"}, "found imagenet, expected none, mien, or path: a folder"),
        ("mien", {"weights": "models/cnn"}, "Input should be 'none', 'imagenet', 'mien' or 'mien_small'"),
        ("mien", {"weights": "mien", "path": "own"}, "found both weights mien and path own, expected weights none"),
        ("mien", {"path": "models/cnn"}, "found models/cnn, which train_cnn replaces; copy it out of models/cnn"),
    ],
)
def test_params_that_do_not_fit_are_refused(network: str, changes: dict[str, Any], message: str) -> None:
    params = load_params(ROOT / "params.yaml").train_cnn.model_dump()
    params |= {"network": network, "transfer": params["transfer"] | changes}
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        TrainCnn.model_validate(params)


def job(folder: Path, model: keras.Model, **changes: Any) -> TrainingJob:
    config = CONFIG.model_copy(update={"epochs": 3, "batch_size": 16, "learning_rate": 0.001} | changes)
    return TrainingJob(
        model=model,
        loss=smoothed_loss(0.1),
        train=Batches(FACES, TARGETS, 16, seed=0),
        validation=(FACES, TARGETS),
        classes=["happy", "surprise"],
        config=config,
        folder=folder,
        checkpoints=folder / "checkpoints",
    )


def nested_network(size: int, classes: int) -> keras.Model:
    """Return a network as those of keras.applications: its body, with normalization, is a network in the network."""

    def backbone(input_shape: tuple[int, int, int], **_: object) -> keras.Model:
        images = keras.Input(input_shape)
        x = keras.layers.Conv2D(4, 3, strides=2)(images)
        return keras.Model(images, keras.layers.Activation("relu")(keras.layers.BatchNormalization()(x)))

    return transfer(size, classes, "nested", backbone, 1 / 255, 0.0, "none", 32)


@pytest.mark.parametrize("new_network", [nested_network, small_cnn])
def test_a_frozen_body_learns_nothing_until_it_is_tuned(
    tmp_path: Path, new_network: Callable[[int, int], keras.Model]
) -> None:
    seed_everything(0)
    model = new_network(48, 2)
    body = [weight for layer in model.layers[:-1] for weight in layer.weights]
    before = [weight.numpy() for weight in body]
    rates, moved = [], []

    def compare(row: dict[str, float]) -> None:
        rates.append(row["learning_rate"])
        moved.append([not np.array_equal(a, b.numpy()) for a, b in zip(before, body, strict=True)])

    history = fit_in_phases(replace(job(tmp_path, model), on_epoch=compare), frozen_epochs=2, tuning_rate=0.25)
    assert list(map(any, moved)) == [False, False, True]
    assert sum(moved[2]) > len(body) / 2
    assert max(rates[2:]) <= 0.25 * 0.001
    assert list(history["epoch"]) == [1, 2, 3]


def test_the_best_network_of_both_phases_is_kept(tmp_path: Path) -> None:
    seed_everything(0)
    model = build("small_cnn", 48, 2, NOTHING)
    kernels: dict[float, np.ndarray] = {}

    def keep(row: dict[str, float]) -> None:
        kernels[row["epoch"]] = model.layers[-1].get_weights()[0]

    wild = job(tmp_path, model, optimizer="sgd", learning_rate=3.0, epochs=3)  # too high a rate, once all layers learn
    history = fit_in_phases(replace(wild, on_epoch=keep), frozen_epochs=2, tuning_rate=1.0)
    best = int(history["val_loss"].argmin()) + 1
    assert best <= 2
    kept = keras.saving.load_model(tmp_path / "best.keras").layers[-1].get_weights()[0]
    np.testing.assert_array_equal(kept, kernels[best])


def fine_tuned(folder: Path, stop_after: int = 0, start_share: float = 0.0) -> None:
    """Fine-tune a network for two epochs, the first of them frozen."""
    start = started_from(str(folder.parent / "own"))
    params = load_params(ROOT / "params.yaml")
    changes = {
        "network": "small_cnn",
        "epochs": 2,
        "batch_size": 16,
        "transfer": start.model_copy(update={"frozen_epochs": 1, "start_share": start_share}),
    }
    images = Images(FACES, TARGETS.argmax(axis=1).astype(np.uint8), ["happy", "engaged"])
    inputs = Inputs((folder, folder), images, images, np.ones(2, np.float32), None)
    (folder / "model").mkdir(exist_ok=True, parents=True)

    def stop(row: dict[str, float]) -> None:
        if row["epoch"] == stop_after:
            raise KeyboardInterrupt

    cnn.train(
        inputs,
        params.model_copy(update={"train_cnn": params.train_cnn.model_copy(update=changes)}),
        folder / "model",
        checkpoints=folder / "checkpoints",
        on_epoch=stop,
    )


def test_fine_tuning_that_was_stopped_resumes_and_ends_with_the_same_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained_network(tmp_path / "own", "small_cnn", 48, ["happy", "sad"])
    fine_tuned(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fine_tuned(tmp_path / "stopped", stop_after=1)
    capsys.readouterr()
    fine_tuned(tmp_path / "stopped")
    assert "Resuming after epoch 1" in capsys.readouterr().err
    assert contents(tmp_path / "stopped/model") == contents(tmp_path / "whole/model")


def test_a_share_of_the_starting_weights_is_kept(tmp_path: Path) -> None:
    before = trained_network(tmp_path / "own", "small_cnn", 48, ["happy", "engaged"]).get_weights()
    fine_tuned(tmp_path / "whole")
    fine_tuned(tmp_path / "mean", start_share=0.25)
    mean = load_best(tmp_path / "mean/model")[0]
    trained, kept = load_best(tmp_path / "whole/model")[0].get_weights(), mean.get_weights()
    measured = [variable.name.startswith("moving_") for variable in mean.weights]
    assert any(measured)
    for start, end, between, is_measured in zip(before, trained, kept, measured, strict=True):
        if not is_measured:
            np.testing.assert_allclose(between, 0.25 * start + 0.75 * end, rtol=1e-5, atol=1e-6)
    update_batch_norm(mean, FACES)
    for once, again in zip(kept, mean.get_weights(), strict=True):
        np.testing.assert_allclose(once, again, rtol=1e-5, atol=1e-6)  # nothing but the training images determines them
    assert any(np.abs(start - end).max() > 1e-3 for start, end in zip(before, trained, strict=True))


def test_what_names_no_whole_network_has_no_share_to_keep() -> None:
    transfer = NOTHING.model_copy(update={"start_share": 0.3})
    with pytest.raises(InputError, match=r"start_share: found 0\.3, expected 0 while .*weights is none"):
        StartWeights.load("small_cnn", transfer, FACES)


def test_the_mean_of_weights_is_measured_on_validation_as_in_training() -> None:
    model = build("small_cnn", 48, 2, started_from("none"))
    images = Images(FACES, TARGETS.argmax(axis=1).astype(np.uint8), ["happy", "engaged"])
    figures = cnn.measure(model, images, 0.1)
    probabilities = model.predict(FACES, verbose=0)
    assert figures["val_accuracy"] == round(float((probabilities.argmax(axis=1) == images.labels).mean()), 4)
    losses = -((0.9 * images.targets() + 0.05) * np.log(probabilities)).sum(axis=1)
    assert figures["val_loss"] == pytest.approx(losses.mean(), abs=1e-3)
