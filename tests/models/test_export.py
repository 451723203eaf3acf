"""Export to ONNX is measured against Keras, and a network that differs is not written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from mien.aus.facs import AUS, COLUMNS
from mien.emotions import FER2013
from mien.inference.networks.au_classifier import AUClassifier
from mien.inference.networks.onnx import OnnxModel
from mien.models import export
from mien.models.au_dense import au_dense
from mien.models.blocks import classifier, conv, image_input, standardized
from mien.models.export import export_onnx, write_metadata
from mien.models.keras_backend import keras
from mien.models.metadata import Metadata

METADATA = Metadata.of_faces(["a", "b", "c"], 16)
OF_AUS = Metadata.of_aus(list(FER2013), COLUMNS)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    images = keras.Input((16, 16), dtype="uint8", name="images")
    x = keras.layers.Reshape((16, 16, 1))(images)
    x = keras.layers.Rescaling(1 / 255)(x)
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(x))
    return keras.Model(images, keras.layers.Dense(3, activation="softmax")(x), name="tiny")


@pytest.fixture(scope="module")
def au_network() -> keras.Model:
    keras.utils.set_random_seed(3)
    return au_dense(len(AUS), len(FER2013), [16, 8], 0.2)


def test_the_difference_from_keras_is_measured(network: keras.Model, tmp_path: Path) -> None:
    difference = export_onnx(network, tmp_path / "best.onnx", METADATA)
    assert 0 <= difference <= 1e-4
    images = np.random.default_rng(5).integers(0, 256, (100, 16, 16), dtype=np.uint8)
    model = OnnxModel.load(tmp_path, threads=1)
    assert model.metadata == METADATA
    assert (model.shape, model.dtype) == ((16, 16), "tensor(uint8)")
    np.testing.assert_allclose(model.predict(images), network.predict(images, verbose=0), atol=1e-5)


def test_onnx_runtime_gives_the_probabilities_of_the_au_network_in_keras(
    au_network: keras.Model, tmp_path: Path
) -> None:
    rows = np.random.default_rng(0).uniform(0, 100, (50, len(AUS))).astype(np.float32)
    export_onnx(au_network, tmp_path / "best.onnx", OF_AUS)
    classifier = AUClassifier.from_pretrained(tmp_path)
    assert classifier.classes_ == list(FER2013)
    expected = keras.ops.convert_to_numpy(au_network(rows, training=False))
    np.testing.assert_allclose(classifier.predict_proba(rows), expected, atol=1e-5)
    assert classifier.predict_proba(rows[:0]).shape == (0, len(FER2013))


def test_equal_weights_export_to_equal_bytes(au_network: keras.Model, tmp_path: Path) -> None:
    au_network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    for network, name in ((au_network, "first.onnx"), (again, "again.onnx")):
        export_onnx(network, tmp_path / name, OF_AUS)
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "first.onnx").read_bytes()


def test_standardization_is_one_operation_also_of_faces_without_contrast(tmp_path: Path) -> None:
    images = image_input(16)
    x = keras.layers.Flatten()(conv(standardized(images), 2))
    network = classifier(images, x, 3, "standardizes")
    export_onnx(network, tmp_path / "best.onnx", METADATA)
    operations = [node.op_type for node in onnx.load(tmp_path / "best.onnx").graph.node]
    assert operations[:4] == ["Reshape", "Cast", "InstanceNormalization", "Conv"]
    assert "ReduceMean" not in operations
    flat = np.random.default_rng(6).integers(100, 104, (20, 16, 16), dtype=np.uint8)
    flat[0] = 7
    expected = network.predict(flat, verbose=0)
    np.testing.assert_allclose(OnnxModel.load(tmp_path, threads=1).predict(flat), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("least", "operations"),
    [
        (0.5, ["Conv", "Relu", "MaxPool"]),  # pooling comes last, so the scale is in the convolution
        (-0.5, ["Conv", "MaxPool", "Mul", "Add", "Relu"]),  # the largest value would be the smallest
    ],
)
def test_normalization_after_pooling_is_folded_into_the_convolution_if_all_scales_are_above_0(
    least: float, operations: list[str], tmp_path: Path
) -> None:
    keras.utils.set_random_seed(2)
    images = image_input(16)
    normalization = keras.layers.BatchNormalization()
    x = normalization(keras.layers.MaxPooling2D()(conv(standardized(images), 3)))
    network = classifier(images, keras.layers.Flatten()(keras.layers.ReLU()(x)), 3, "pools_first")
    scales, values = np.array([1, least, 2]), np.array([0.1, -0.2, 0.3])
    normalization.set_weights([scales, values, -values, scales**2])
    export_onnx(network, tmp_path / "best.onnx", METADATA)
    assert [node.op_type for node in onnx.load(tmp_path / "best.onnx").graph.node][3:][: len(operations)] == operations
    faces = np.random.default_rng(7).integers(0, 256, (20, 16, 16), dtype=np.uint8)
    answers = OnnxModel.load(tmp_path, threads=1).predict(faces)
    np.testing.assert_allclose(answers, network.predict(faces, verbose=0), atol=1e-5)


def test_a_network_that_differs_is_not_written(
    network: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_PARITY", -1.0)
    with pytest.raises(RuntimeError, match="differs from Keras by"):
        export_onnx(network, tmp_path / "best.onnx", METADATA)
    assert not list(tmp_path.iterdir())


def test_metadata_change_nothing_else(network: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "best.onnx"
    export_onnx(network, path, METADATA)
    first = path.read_bytes()
    write_metadata(path, replace(METADATA, temperature=1.5))
    assert OnnxModel.load(path, threads=1).metadata == replace(METADATA, temperature=1.5)
    assert path.read_bytes() != first
    write_metadata(path, METADATA)
    assert path.read_bytes() == first
