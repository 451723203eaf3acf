"""Loads the weights of a pretrained network's ONNX file back into Keras, to continue training.

The ONNX file is all that is kept of these networks. The export folds each batch normalization into the layer before it:
a convolution gets other kernels and a bias, or a pooling is followed by scale and offset. Both are the map a * z + b of
a channel z, so the equivalent normalization is

    gamma = a * sqrt(variance + epsilon)    beta = b + a * mean

for any mean and variance. The original ones are lost, so they are measured again on the new training images. The
network then answers like the ONNX file and continues to learn from there, because its statistics are close to those of
the first batches.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from mien._io.checksums import checked
from mien.models.keras_backend import keras

_PARITY = 1e-4  # maximum difference between the probabilities of Keras and ONNX Runtime
_PROBES, _MEASURED, _BATCH = 64, 1000, 32  # images


class _Convolution(NamedTuple):
    """A convolution and its folded normalization.

    Attributes:
        kernel: float32 (height, width, in, out).
        scale, offset: a and b, float32 (out,) each.
        value: the name of the values to normalize, after adding `shift`.
        shift: float32 (out,), added to the values.
    """

    kernel: np.ndarray
    scale: np.ndarray
    offset: np.ndarray
    value: str
    shift: np.ndarray


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
    statistics = _statistics(exported, [convolution.value for convolution in convolutions], images)
    normalizations = {_convolution_before(layer): layer for layer in _layers(model, keras.layers.BatchNormalization)}
    for layer in _layers(model, keras.layers.Conv2D):
        index = [folded.kernel.shape for folded in convolutions].index(tuple(layer.kernel.shape))
        folded, normalization = convolutions.pop(index), normalizations[layer]
        layer.set_weights([folded.kernel])
        normalization.set_weights(_unfolded(folded, *statistics[folded.value], normalization.epsilon))
    _layers(model, keras.layers.Dense)[0].set_weights(_dense(exported.graph))
    _check_parity(model, exported, images[:_PROBES], path)


def _layers(model: keras.Model, kind: type) -> list[keras.Layer]:
    return [layer for layer in model.layers if isinstance(layer, kind)]


def _convolution_before(layer: keras.Layer) -> keras.Layer:
    """Return the convolution before a layer, with or without pooling in between."""
    before = layer.input._keras_history.operation
    return before if isinstance(before, keras.layers.Conv2D) else _convolution_before(before)


def _convolutions(graph: onnx.GraphProto) -> Iterator[_Convolution]:
    """Yield the convolutions of a graph, in order from input to output."""
    weights = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    readers = {name: node for node in reversed(graph.node) for name in node.input}
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        kernel = weights[node.input[1]].transpose(2, 3, 1, 0)
        if len(node.input) == 3:  # folded into the convolution
            bias = weights[node.input[2]]
            yield _Convolution(kernel, np.ones_like(bias), bias, node.output[0], bias)
        else:
            multiply = readers[readers[node.output[0]].output[0]]  # after the pooling
            add = readers[multiply.output[0]]
            scale, offset = weights[multiply.input[1]].ravel(), weights[add.input[1]].ravel()
            yield _Convolution(kernel, scale, offset, multiply.input[0], np.zeros_like(offset))


def _dense(graph: onnx.GraphProto) -> list[np.ndarray]:
    """Return kernel and bias of the last layer."""
    weights = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    product = next(node for node in graph.node if node.op_type == "MatMul")
    addition = next(node for node in graph.node if product.output[0] in node.input)
    return [weights[product.input[1]], weights[addition.input[1]]]


def _statistics(
    exported: onnx.ModelProto, values: list[str], images: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return mean and variance per channel of named values in a graph: float64 (channels,)."""
    probed = onnx.ModelProto()
    probed.CopyFrom(exported)
    probed.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in values)
    session, name = _session(probed), exported.graph.input[0].name
    sums: dict[str, np.ndarray] = dict.fromkeys(values, np.zeros(()))
    for start in range(0, len(images), _BATCH):
        outputs = session.run(values, {name: np.asarray(images[start : start + _BATCH])})
        for value, output in zip(values, outputs, strict=True):
            powers = np.stack([output, output**2]).mean(axis=(3, 4), dtype=np.float64)
            sums[value] = sums[value] + powers.sum(axis=1)
    moments = {value: total / len(images) for value, total in sums.items()}
    return {value: (mean, np.maximum(square - mean**2, 0)) for value, (mean, square) in moments.items()}


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _unfolded(folded: _Convolution, mean: np.ndarray, variance: np.ndarray, epsilon: float) -> list[np.ndarray]:
    """Return gamma, beta, moving mean and moving variance of the equivalent normalization."""
    mean = mean - folded.shift
    return [folded.scale * np.sqrt(variance + epsilon), folded.offset + folded.scale * mean, mean, variance]


def _check_parity(model: keras.Model, exported: onnx.ModelProto, images: np.ndarray, path: Path) -> None:
    expected = _session(exported).run(None, {exported.graph.input[0].name: np.asarray(images)})[0]
    answers = keras.ops.convert_to_numpy(model(np.asarray(images), training=False))
    difference = float(np.abs(answers - expected).max())
    if not difference <= _PARITY:
        raise RuntimeError(f"{path}: Keras differs from it by {difference:.2g}, expected at most {_PARITY:g}")
