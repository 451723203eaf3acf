"""The pretrained networks in Keras answer as their ONNX files do, and are near that in training, too."""

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import onnx
import pytest
from helpers.photos import FACE, portrait

from mien.config import PretrainedName, Transfer
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import FACE_NETWORKS
from mien.models.keras_backend import fused_batch_norm, keras
from mien.models.onnx_weights import load_onnx_weights
from mien.models.registry import build
from mien.training.trainer import seed_everything

NOTHING = Transfer.from_weights(input_size=48)


def crops(count: int) -> np.ndarray:
    """Return crops of a real face, uint8 (count, 48, 48): moved, turned, scaled, mirrored, lit in many ways."""
    grey, rng = cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY), np.random.default_rng(0)
    middle = FACE.left + FACE.width / 2, FACE.top + FACE.height / 2
    faces: list[np.ndarray] = []
    for number in range(count):
        matrix = cv2.getRotationMatrix2D(middle, rng.uniform(-25, 25), 48 / FACE.width * rng.uniform(0.7, 1.3))
        matrix[:, 2] = matrix[:, 2] + 24 - np.array(middle) + rng.uniform(-5, 5, 2)
        face = cv2.warpAffine(grey, matrix, (48, 48), flags=cv2.INTER_AREA).astype(np.float32) * rng.uniform(0.3, 1.2)
        faces.append(face.clip(0, 255)[:, :: (-1) ** number])
    return np.stack(faces).astype(np.uint8)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return crops(120)


@pytest.mark.parametrize("name", get_args(PretrainedName))
def test_keras_answers_as_onnx_runtime_does(name: str, faces: np.ndarray) -> None:
    seed_everything(0)
    model = build(name, 48, 7, NOTHING)
    load_onnx_weights(model, FACE_NETWORKS[name], faces[:60])
    expected = FaceClassifier.from_pretrained(name).predict_proba(faces, calibrated=False)
    assert len(set(expected.argmax(axis=1))) > 2  # of faces that differ
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(faces, training=False)), expected, atol=1e-4)


@pytest.mark.parametrize("name", get_args(PretrainedName))
def test_statistics_of_batch_normalization_are_those_of_the_images(name: str, faces: np.ndarray) -> None:
    seed_everything(0)
    model = build(name, 48, 7, NOTHING)
    load_onnx_weights(model, FACE_NETWORKS[name], faces)
    model.layers[-2].rate = 0.0  # of dropout
    before = keras.ops.convert_to_numpy(model(faces, training=False))
    moments = {weight.path: weight.numpy() for weight in model.weights if "moving" in weight.path}
    with fused_batch_norm():
        in_training = keras.ops.convert_to_numpy(model(faces, training=True))
    np.testing.assert_allclose(in_training, before, atol=1e-4)
    for path, value in moments.items():
        after = next(weight.numpy() for weight in model.weights if weight.path == path)
        np.testing.assert_allclose(after, value, rtol=1e-3, atol=1e-4)


def test_a_file_whose_weights_end_up_elsewhere_is_refused(faces: np.ndarray, tmp_path: Path) -> None:
    model = build("mien_small", 48, 7, NOTHING)
    exported = onnx.load(FACE_NETWORKS["mien_small"])
    normalization = next(node for node in exported.graph.node if node.op_type == "InstanceNormalization")
    normalization.attribute[0].f *= 1000  # epsilon, which is not read
    onnx.save(exported, tmp_path / "other.onnx")
    with pytest.raises(RuntimeError, match=r"other\.onnx: Keras differs from it by .*, expected at most 0\.0001"):
        load_onnx_weights(model, tmp_path / "other.onnx", faces)
