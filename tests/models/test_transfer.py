"""Networks of keras.applications see faces as they were trained on images, and start from pretrained weights."""

from pathlib import Path

import numpy as np
import pytest

from mien._io.errors import InputError
from mien.config import Transfer
from mien.models.keras_backend import keras
from mien.models.registry import build

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 48, 48), dtype=np.uint8)


@pytest.mark.parametrize(("network", "module"), [("vgg16", "vgg16"), ("resnet50v2", "resnet_v2")])
def test_a_backbone_sees_faces_as_it_was_trained_on_images(network: str, module: str) -> None:
    model = build(network, 48, 7, Transfer.from_weights(input_size=48))
    preprocessing = keras.Model(model.input, model.get_layer("preprocessed").output)
    colour = np.repeat(IMAGES[..., None], 3, axis=-1).astype(np.float32)
    expected = getattr(keras.applications, module).preprocess_input(colour)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(preprocessing(IMAGES)), expected, atol=1e-3)


def test_efficientnet_scales_by_itself() -> None:
    model = build(
        "efficientnet_b0",
        48,
        7,
        Transfer.from_weights(input_size=32),
    )
    preprocessing = keras.Model(model.input, model.get_layer("preprocessed").output)
    images = np.full((1, 48, 48), 255, np.uint8)
    assert keras.ops.convert_to_numpy(preprocessing(images)).max() == pytest.approx(255)
    scales = [layer for layer in model.get_layer("backbone").layers if isinstance(layer, keras.layers.Rescaling)]
    assert scales[0].scale == pytest.approx(1 / 255)


def test_a_backbone_takes_weights_from_a_file(tmp_path: Path) -> None:
    source = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "vgg16_notop.weights.h5"
    source.save_weights(path)
    model = build("vgg16", 48, 7, Transfer.from_weights(path, 32))
    for ours, theirs in zip(model.get_layer("backbone").get_weights(), source.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(("name", "found"), [("such.h5", "which is not a file"), ("damaged", "cannot be loaded")])
def test_weights_that_cannot_be_had_are_an_error_with_the_way_out(tmp_path: Path, name: str, found: str) -> None:
    (tmp_path / "damaged").write_bytes(b"not weights")
    with pytest.raises(InputError, match=rf"train_cnn\.transfer.*: .*{found}.*(none|file)"):
        build("vgg16", 48, 7, Transfer.from_weights(tmp_path / name, 32))


def test_a_download_that_fails_is_an_error_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("URL fetch failure on https://storage.example: Connection refused")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", refuse)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: "/nowhere")
    with pytest.raises(InputError, match=r"imagenet weights of vgg16 cannot be loaded .*notop\.h5"):
        build(
            "vgg16",
            48,
            7,
            Transfer.from_weights("imagenet", 32),
        )
