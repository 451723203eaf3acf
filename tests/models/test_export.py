"""Export to ONNX is measured against Keras, and a network that differs is not written."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from mien._io.classes import save_classes
from mien.inference.onnx import OnnxModel
from mien.models import export
from mien.models.export import export_onnx
from mien.models.keras_backend import keras


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    images = keras.Input((16, 16), dtype="uint8", name="images")
    x = keras.layers.Reshape((16, 16, 1))(images)
    x = keras.layers.Rescaling(1 / 255)(x)
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(x))
    return keras.Model(images, keras.layers.Dense(3, activation="softmax")(x), name="tiny")


def test_the_difference_from_keras_is_measured(network: keras.Model, tmp_path: Path) -> None:
    difference = export_onnx(network, tmp_path / "best.onnx")
    assert 0 <= difference <= 1e-4
    save_classes(tmp_path, ["a", "b", "c"])
    images = np.random.default_rng(5).integers(0, 256, (100, 16, 16), dtype=np.uint8)
    model = OnnxModel.load(tmp_path, threads=1, example="")
    assert (model.shape, model.dtype) == ((16, 16), "tensor(uint8)")
    np.testing.assert_allclose(model.predict(images), network.predict(images, verbose=0), atol=1e-5)


def test_arithmetic_has_no_scalars_without_dimension(network: keras.Model, tmp_path: Path) -> None:
    export_onnx(network, tmp_path / "best.onnx")
    graph = onnx.load(tmp_path / "best.onnx").graph
    dims = {weight.name: list(weight.dims) for weight in graph.initializer}
    factors = [dims[value] for node in graph.node if node.op_type == "Mul" for value in node.input if value in dims]
    assert factors == [[1]]


def test_a_network_that_differs_is_not_written(
    network: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_PARITY", -1.0)
    with pytest.raises(RuntimeError, match="differs from Keras by"):
        export_onnx(network, tmp_path / "best.onnx")
    assert not list(tmp_path.iterdir())
