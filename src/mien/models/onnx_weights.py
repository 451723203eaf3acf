"""Loads the weights of a pretrained network's ONNX file back into Keras, to continue training.

The ONNX file is all that is kept of these networks. The export folds each batch normalization into the convolution
before it, which gets other kernels and a bias. Here the bias goes back into the normalization, which only adds it if

    gamma = sqrt(variance + epsilon)    beta = bias + mean

for any mean and variance. The original ones are lost, so they are measured again on the new training images. The
network then answers like the ONNX file and continues to learn from there, because its statistics are close to those of
the first batches.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from mien._io.checksums import checked
from mien.models.keras_backend import keras
from mien.models.layers import layers_of

_PARITY = 1e-4  # maximum difference between the probabilities of Keras and ONNX Runtime
_PROBES, _MEASURED, _BATCH = 64, 1000, 32  # images


def load_onnx_weights(model: keras.Model, path: Path, images: np.ndarray) -> None:
    """Load the weights of an ONNX file from `mien.models.export` into a network of the same architecture.

    The network must consist of convolutions, each followed by a batch normalization, and one dense layer. Convolutions
    with the same kernel shape must be on one path from input to output.

    Args:
        model: a network with the architecture, size and number of classes of the file.
        path: the ONNX file.
        images: uint8 (N, size, size); the statistics of batch normalization are measured on up to 1,000 of them.

    Raises:
        RuntimeError: the answers of network and file then differ by more than 1e-4.
        InputError: the file does not match its checksum.
    """
    exported = onnx.load_from_string(checked(path).read_bytes())
    images = images[np.linspace(0, len(images) - 1, min(_MEASURED, len(images)), dtype=int)]
    convolutions = list(_convolutions(exported.graph))
    normalizations = {_convolution_before(layer): layer for layer in layers_of(model, keras.layers.BatchNormalization)}
    biases = {}
    for layer in layers_of(model, keras.layers.Conv2D):
        index = [kernel.shape for kernel, _ in convolutions].index(tuple(layer.kernel.shape))
        (kernel, bias), normalization = convolutions.pop(index), normalizations[layer]
        layer.set_weights([kernel])
        normalization.set_weights(_adding(bias, np.zeros_like(bias), np.ones_like(bias), normalization.epsilon))
        biases[normalization] = bias
    next(layers_of(model, keras.layers.Dense)).set_weights(_dense(exported.graph))
    moments = _moments(model, [normalization.input for normalization in biases], images)
    for (normalization, bias), (mean, variance) in zip(biases.items(), moments, strict=True):
        normalization.set_weights(_adding(bias, mean, variance, normalization.epsilon))
    _check_parity(model, exported, images[:_PROBES], path)


def _convolution_before(layer: keras.Layer) -> keras.Layer:
    """Return the convolution before a layer, with or without pooling in between."""
    before = layer.input._keras_history.operation
    return before if isinstance(before, keras.layers.Conv2D) else _convolution_before(before)


def _convolutions(graph: onnx.GraphProto) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield kernel (height, width, in, out) and bias (out,) of the convolutions, in order from input to output."""
    weights = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv":
            _, kernel, bias = node.input
            yield weights[kernel].transpose(2, 3, 1, 0), weights[bias]


def _dense(graph: onnx.GraphProto) -> list[np.ndarray]:
    """Return kernel and bias of the last layer."""
    weights = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    product = next(node for node in graph.node if node.op_type == "MatMul")
    addition = next(node for node in graph.node if product.output[0] in node.input)
    return [weights[product.input[1]], weights[addition.input[1]]]


def _moments(
    model: keras.Model, values: list[keras.KerasTensor], images: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return mean and variance per channel of values in a network: float64 (channels,)."""
    probe = keras.Model(model.input, values)
    sums = [np.zeros((2, value.shape[-1])) for value in values]
    for start in range(0, len(images), _BATCH):
        for total, output in zip(sums, probe(images[start : start + _BATCH], training=False), strict=True):
            output = keras.ops.convert_to_numpy(output)
            total += np.stack([output, output**2]).mean(axis=(2, 3), dtype=np.float64).sum(axis=1)
    moments = (total / len(images) for total in sums)
    return [(mean, np.maximum(square - mean**2, 0)) for mean, square in moments]


def _adding(bias: np.ndarray, mean: np.ndarray, variance: np.ndarray, epsilon: float) -> list[np.ndarray]:
    """Return gamma, beta, moving mean and moving variance of the normalization that only adds a bias."""
    return [np.sqrt(variance + epsilon), bias + mean, mean, variance]


def _check_parity(model: keras.Model, exported: onnx.ModelProto, images: np.ndarray, path: Path) -> None:
    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, {exported.graph.input[0].name: np.asarray(images)})[0]
    answers = keras.ops.convert_to_numpy(model(np.asarray(images), training=False))
    difference = float(np.abs(answers - expected).max())
    if not difference <= _PARITY:
        raise RuntimeError(f"{path}: Keras differs from it by {difference:.2g}, expected at most {_PARITY:g}")
