"""Exports networks for ONNX Runtime, which starts faster than TensorFlow."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from mien.models.blocks import EPSILON
from mien.models.keras_backend import keras
from mien.models.metadata import Metadata

_PARITY = 1e-4
# what tf2onnx makes of `mien.models.blocks.standardized`
_STANDARDIZATION = ["Cast", "Mul", "Add", "Reshape", "ReduceMean", "Neg", "Sub", "Mul", "ReduceMean", "Add", "Sqrt"]
_STANDARDIZATION += ["Reciprocal", "Mul", "Mul", "Add", "Reshape"]
_POOLED = ["Conv", "MaxPool", "Mul", "Add", "Relu"]


def export_onnx(model: keras.Model, path: Path, metadata: Metadata) -> float:
    """Write a model with one input and one output for ONNX Runtime. The same weights give the same bytes.

    The input keeps its name, and its first dimension is free. The output is named `probabilities`.

    Args:
        model: takes uint8 pixels, or AU intensities 0..100.
        path: where to write.
        metadata: the file's own description.

    Returns:
        The largest difference between the probabilities of ONNX Runtime and of Keras, on 64 random inputs.

    Raises:
        RuntimeError: ONNX Runtime's output differs from Keras' by more than 1e-4. The file is then not written.
    """
    signature = model.inputs[0]
    highest = 255 if signature.dtype == "uint8" else 100  # grey levels, AU intensities
    probe = np.random.default_rng(0).integers(0, highest + 1, (64, *signature.shape[1:])).astype(signature.dtype)
    expected = np.asarray(keras.ops.convert_to_numpy(model(probe, training=False)))  # export needs a called model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras 3.15 patches tf2onnx 1.17 for NumPy 2, which warns of np.object
        model.export(path, format="onnx", verbose=False)
    exported = onnx.load(path)
    path.unlink()
    _standardize_at_once(exported.graph)
    _fold_normalization(exported.graph)
    network = _with_metadata(_renamed(exported, signature.name), metadata)
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    difference = float(np.abs(session.run(None, {signature.name: probe})[0] - expected).max())
    if not difference <= _PARITY:
        raise RuntimeError(f"{path}: ONNX Runtime differs from Keras by {difference:.2g}, expected at most {_PARITY:g}")
    path.write_bytes(network)
    return difference


def write_metadata(path: Path, metadata: Metadata) -> None:
    """Write metadata into an ONNX file. Its graph and weights keep the same bytes."""
    path.write_bytes(_with_metadata(onnx.load(path, load_external_data=False), metadata))


def _with_metadata(model: onnx.ModelProto, metadata: Metadata) -> bytes:
    helper.set_model_props(model, metadata.to_props())
    return model.SerializeToString(deterministic=True)


def _standardize_at_once(graph: onnx.GraphProto) -> None:
    """Replace the nodes of `mien.models.blocks.standardized` by one that ONNX Runtime runs in a tenth of the time."""
    old, rest = graph.node[: len(_STANDARDIZATION)], graph.node[len(_STANDARDIZATION) :]
    if [node.op_type for node in old] != _STANDARDIZATION:
        return
    shape, standardized = old[-1].input[1], old[-1].output[0]
    identity = {"scale": 1, "offset": 0}
    graph.initializer.extend(
        numpy_helper.from_array(np.full(1, value, np.float32), name) for name, value in identity.items()
    )
    new = [
        helper.make_node("Reshape", [graph.input[0].name, shape], ["planes"]),
        helper.make_node("Cast", ["planes"], ["grey"], to=onnx.TensorProto.FLOAT),
        # grey levels of 0..255 are not scaled to 0..1, so the variance is 255 ** 2 times as large
        helper.make_node("InstanceNormalization", ["grey", *identity], [standardized], epsilon=EPSILON * 255**2),
    ]
    _replace_nodes(graph, [*new, *rest])


def _fold_normalization(graph: onnx.GraphProto) -> None:
    """Fold normalization after max pooling into the convolution before it, as ONNX Runtime does not.

    The largest value is still the largest after multiplication by a scale above 0, so it may come before pooling.
    """
    nodes, weights = list(graph.node), {weight.name: weight for weight in graph.initializer}
    for layer in zip(*(nodes[start:] for start in range(len(_POOLED))), strict=False):
        if [node.op_type for node in layer] != _POOLED:
            continue
        conv, pool, multiply, add, relu = layer
        kernel, scale, offset = (weights[node.input[1]] for node in (conv, multiply, add))
        scales = numpy_helper.to_array(scale).reshape(-1, 1, 1, 1)
        if not (scales > 0).all():
            continue
        kernel.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(kernel) * scales, kernel.name))
        offset.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(offset).ravel(), offset.name))
        inside, outside = pool.output[0], relu.output[0]
        conv.input.append(offset.name)
        relu.input[0], relu.output[0] = conv.output[0], inside
        pool.input[0], pool.output[0] = inside, outside
        start = nodes.index(conv)
        nodes[start : start + len(_POOLED)] = [conv, relu, pool]
    _replace_nodes(graph, nodes)


def _replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Give a graph other nodes, and remove the weights that none of them reads."""
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]  # clearing a graph clears its nodes
    read = {value for node in nodes for value in node.input}
    weights = [weight for weight in graph.initializer if weight.name in read]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)


def _renamed(model: onnx.ModelProto, input_name: str) -> onnx.ModelProto:
    """Return a model with values numbered in order, as tf2onnx's numbers depend on what else the process has built."""
    graph = model.graph
    del graph.input[1:]  # tf2onnx leaves EfficientNet's constants there after folding their readers
    names = {graph.input[0].name: input_name, graph.output[0].name: "probabilities", "": ""}
    for node in graph.node:
        node.name = ""
        for values in (node.input, node.output):
            values[:] = [names.setdefault(value, f"value_{len(names)}") for value in values]
    for value in (*graph.initializer, *graph.input, *graph.output):
        value.name = names[value.name]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    weights = sorted(graph.initializer, key=lambda weight: int(weight.name.removeprefix("value_")))
    del graph.initializer[:], graph.value_info[:]
    graph.doc_string = ""
    graph.initializer.extend(weights)
    return model
