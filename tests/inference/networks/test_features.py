"""Features of faces are what a network's last dense layer takes; the package onnx says what it makes of them."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.networks import brightness_network, softmax
from helpers.pictures import picture
from onnx import numpy_helper

from mien import FaceClassifier
from mien.inference.networks.features import FeatureReader
from mien.inference.networks.pretrained import find_face_network

FACES = np.stack([picture(seed) for seed in range(40)])  # more than one batch


@pytest.mark.parametrize("network", ["mien_wild", "mien", "mien_small"])
def test_the_last_layer_makes_probabilities_of_features(network: str) -> None:
    path = find_face_network(network)
    graph = onnx.load(path).graph
    made_by = {node.output[0]: node for node in graph.node}
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    product, bias = made_by[made_by["probabilities"].input[0]].input
    logits = FeatureReader(path).read(FACES) @ weights[made_by[product].input[1]] + weights[bias]
    expected = FaceClassifier.from_pretrained(network).predict_proba(FACES, calibrated=False)
    np.testing.assert_allclose(softmax(logits), expected, atol=1e-5)


def test_those_of_8_bit_integers_are_nearly_the_same_and_of_another_network() -> None:
    readers = [FeatureReader(find_face_network("mien_wild", precision)) for precision in ("fp32", "int8")]
    fine, coarse = (reader.read(FACES) for reader in readers)
    assert fine.shape == coarse.shape == (40, 256)
    assert np.corrcoef(fine.ravel(), coarse.ravel())[0, 1] > 0.95
    assert readers[0].network != readers[1].network


def test_of_a_network_of_one_layer_they_are_its_pixels(tmp_path: Path) -> None:
    reader = FeatureReader(brightness_network(tmp_path) / "best.onnx")
    assert (reader.read(FACES) == FACES.reshape(40, -1)).all()
    assert reader.read(FACES[:0]).shape[0] == 0


def test_a_network_without_a_dense_layer_is_said(tmp_path: Path) -> None:
    model = onnx.load(brightness_network(tmp_path) / "best.onnx")
    model.graph.node[2].op_type = "Einsum"
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(LookupError, match="found Einsum, expected a dense layer before the probabilities"):
        FeatureReader(tmp_path / "other.onnx")
