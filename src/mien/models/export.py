"""Exports networks for ONNX Runtime, which starts faster than TensorFlow."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from mien.models.keras_backend import keras
from mien.models.metadata import Metadata

_PARITY = 1e-4


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
    _widen_scalars(exported.graph)
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
    onnx.helper.set_model_props(model, metadata.to_props())
    return model.SerializeToString(deterministic=True)


def _widen_scalars(graph: onnx.GraphProto) -> None:
    """Give scalars in arithmetic one dimension: without, ONNX Runtime takes 37 us, not 4, to scale a face by 1/255."""
    operands = {value for node in graph.node if node.op_type in ("Add", "Sub", "Mul", "Div") for value in node.input}
    for weight in graph.initializer:
        if not weight.dims and weight.name in operands:
            weight.dims.append(1)


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
