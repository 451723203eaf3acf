"""Adds Action Units (AUs) to the ONNX file of a network for faces: a second output, from the same pass.

The network's own nodes and answers stay unchanged, in 32-bit floats and 8-bit integers. Its last features tell emotions
apart but have lost much about the positions of brows, lids and lips. So AUs are read from two layers, with positions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mien.aus.facs import COLUMNS, MOUTH_STRETCH, column

FEATURES, _AUS, _PROBABILITIES = "au_features", "aus", "probabilities"  # outputs
#: The AUs that a network reads.
NAMES = [*COLUMNS, column(MOUTH_STRETCH)]
# Shares of the full opening of a mouth: below the first only AU26 shows, above the second only AU27.
_HALF_OPEN, _WIDE_OPEN = 0.5, 0.85


@dataclass(frozen=True)
class AuHead:
    """Computes intensities from features and emotions, by a weighted sum of log-odds.

        log-odds = features @ kernel + bias + emotion_weights * log-odds(probabilities @ presence)

    Attributes:
        kernel: float32 (features, AUs).
        bias: float32 (AUs,).
        presence: P(AU | emotion), float32 (classes, AUs), above 0 and below 1.
        emotion_weights: float32 (AUs,).
    """

    kernel: np.ndarray
    bias: np.ndarray
    presence: np.ndarray
    emotion_weights: np.ndarray


def add_features(network: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network of architecture `mien` with the second output `au_features`: float32 (N, features).

    These are the values before and after its last three convolutions, averaged over squares of 2x2. An existing head is
    removed.
    """
    network = without_aus(network)
    nodes = _Nodes(FEATURES)
    convolutions = [node for node in network.graph.node if node.op_type == "Conv"]
    mean = next(node for node in network.graph.node if node.op_type == "GlobalAveragePool")
    layers = [convolutions[-3].input[0], mean.input[0]]
    pooled = [nodes.add("AveragePool", layer, kernel_shape=[2, 2], strides=[2, 2]) for layer in layers]
    nodes.add("Flatten", nodes.add("Concat", *pooled, axis=1), output=FEATURES)
    return _extended(network, nodes, FEATURES)


def add_aus(network: onnx.ModelProto, head: AuHead) -> onnx.ModelProto:
    """Return a network from `add_features` with the second output `aus`: intensities 0..100, float32 (N, NAMES).

    The last AU of the head is AU26. AU27 is added: if a jaw drops so far that the mouth is stretched open, coders name
    AU27 instead (FACS).
    """
    nodes = _Nodes(_AUS)
    expected = nodes.add("MatMul", _PROBABILITIES, nodes.constant(head.presence))
    odds = nodes.add("Log", nodes.add("Div", expected, nodes.add("Sub", nodes.constant([1]), expected)))
    emotions = nodes.add("Mul", odds, nodes.constant(head.emotion_weights))
    features = nodes.add("Add", nodes.add("MatMul", FEATURES, nodes.constant(head.kernel)), nodes.constant(head.bias))
    shares = nodes.add("Sigmoid", nodes.add("Add", features, emotions))
    others, opening = nodes.columns(shares, 0, -1), nodes.columns(shares, -1, 2**31)
    stretch = nodes.ramp(opening, _HALF_OPEN, _WIDE_OPEN)
    drop = nodes.add("Mul", nodes.ramp(opening, 0, _HALF_OPEN), nodes.add("Sub", nodes.constant([1]), stretch))
    shares = nodes.add("Concat", others, drop, stretch, axis=1)
    nodes.add("Mul", shares, nodes.constant([100]), output=_AUS)
    model = _extended(network, nodes, _AUS, len(NAMES))
    model.metadata_props.add(key="aus", value=",".join(NAMES))
    return model


def without_aus(network: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network without the additions of `add_features` and `add_aus`."""
    model = onnx.ModelProto()
    model.CopyFrom(network)
    for values, added in ((model.graph.node, _is_added_node), (model.graph.initializer, _is_added)):
        kept = [value for value in values if not added(value)]
        del values[:]
        values.extend(kept)
    del model.graph.output[1:]
    helper.set_model_props(model, {prop.key: prop.value for prop in model.metadata_props if prop.key != _AUS})
    return model


def with_aus_of(source: onnx.ModelProto, network: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network of architecture `mien` with the head of its fp32 form, which has the same layers."""
    model = add_features(network)
    del model.graph.output[1:]
    model.graph.node.extend(node for node in source.graph.node if _is_added_node(node, (_AUS,)))
    model.graph.initializer.extend(weight for weight in source.graph.initializer if _is_added(weight, (_AUS,)))
    model.graph.output.extend(source.graph.output[1:])
    model.metadata_props.extend(prop for prop in source.metadata_props if prop.key == _AUS)
    onnx.checker.check_model(model)
    return model


def _is_added(weight: onnx.TensorProto, prefixes: tuple[str, ...] = (FEATURES, _AUS)) -> bool:
    return weight.name.startswith(tuple(f"{prefix}_weight_" for prefix in prefixes))


def _is_added_node(node: onnx.NodeProto, prefixes: tuple[str, ...] = (FEATURES, _AUS)) -> bool:
    output = node.output[0]
    return output in prefixes or output.startswith(tuple(f"{prefix}_" for prefix in prefixes))


class _Nodes:
    """Nodes and weights to add to a graph; names consist of a prefix and a number."""

    def __init__(self, prefix: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._prefix = prefix

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node. Returns the name of its output."""
        output = output or f"{self._prefix}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        name = f"{self._prefix}_weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def columns(self, x: str, start: int, end: int) -> str:
        return self.add("Slice", x, *(self.constant([number], np.int64) for number in (start, end, 1)))

    def ramp(self, x: str, low: float, high: float) -> str:
        """Add a ramp from 0 at `low` to 1 at `high`."""
        slope = 1 / (high - low)
        line = self.add("Add", self.add("Mul", x, self.constant([slope])), self.constant([-low * slope]))
        return self.add("Clip", line, self.constant(0), self.constant(1))


def _extended(network: onnx.ModelProto, nodes: _Nodes, output: str, width: int | None = None) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.CopyFrom(network)
    model.graph.node.extend(nodes.nodes)
    model.graph.initializer.extend(nodes.weights)
    del model.graph.output[1:]
    model.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", width]))
    onnx.checker.check_model(model)
    return model
