"""Features of faces (an embedding): the input values of a network's last dense layer.

The ONNX file outputs only probabilities. ONNX Runtime can return any value that the graph names as an output. To name
one more, a few bytes are appended to the file's bytes in memory: protobuf reads two messages in a row as one with the
fields of both (protobuf encoding: "last one wins", repeated fields are joined). The package onnx could do this, but it
is not in the base install.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mien._io.checksums import checked
from mien.inference.networks.onnx import AUS, batches, open_session

# Fields of onnx.proto3: ModelProto.graph, GraphProto.node and .output, NodeProto.input, .output and .op_type.
_GRAPH, _NODE, _OUTPUT = 7, 1, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_TYPE = 1, 2, 4
_NAME = 1  # of ValueInfoProto
_VARINT, _EIGHT_BYTES, _MESSAGE, _FOUR_BYTES = 0, 1, 2, 5  # wire types

#: Operations allowed between the last dense layer and the probabilities.
_BEHIND = ("Softmax", "Add", "QuantizeLinear", "DequantizeLinear", "Reshape", "Squeeze", "Identity", "Cast")
_DENSE = ("Gemm", "MatMul")


class FeatureReader:
    """Reads the features of grey faces.

    Attributes:
        network: 8 digits that identify the network, as features of two networks cannot be compared.
    """

    def __init__(self, path: Path) -> None:
        """Open a network for faces.

        Raises:
            InputError: the file is damaged.
            LookupError: its probabilities do not come from a dense layer.
        """
        model = checked(path).read_bytes()
        name = _features_of(model)
        self.network = hashlib.sha256(model).hexdigest()[:8]
        self._session = open_session(path, model + _output(name), 0)
        self._input, self._name = self._session.get_inputs()[0].name, name

    def read(self, faces: np.ndarray) -> np.ndarray:
        """Return the features of faces, float32 (N, features). faces: uint8 (N, size, size)."""
        chunks = [self._session.run([self._name], {self._input: batch})[0] for batch in batches(faces)]
        return np.concatenate(chunks).reshape(len(faces), -1) if chunks else np.empty((0, 0), np.float32)


class _Node(NamedTuple):
    kind: str
    inputs: list[str]


def _features_of(model: bytes) -> str:
    """Return the name of the last dense layer's input. Raises LookupError if there is none."""
    view = memoryview(model)
    graphs = [message for number, message in _messages(view) if number == _GRAPH]
    fields = [field for graph in graphs for field in _messages(graph)]
    made_by: dict[str, _Node] = dict(_node(message) for number, message in fields if number == _NODE)
    outputs = [_texts(message, _NAME)[0] for number, message in fields if number == _OUTPUT]
    value = next(name for name in outputs if name != AUS)
    while (node := made_by.get(value)) and node.kind in _BEHIND:
        value = next((name for name in node.inputs if name in made_by), "")
    if node is None or node.kind not in _DENSE:
        raise LookupError(f"found {node.kind if node else 'nothing'}, expected a dense layer before the probabilities")
    return node.inputs[0]


def _node(message: memoryview) -> tuple[str, _Node]:
    """Return the first output of a node, and the node."""
    (kind,) = _texts(message, _NODE_TYPE)
    return _texts(message, _NODE_OUTPUT)[0], _Node(kind, _texts(message, _NODE_INPUT))


def _texts(message: memoryview, wanted: int) -> list[str]:
    return [str(value, "utf-8") for number, value in _messages(message) if number == wanted]


def _messages(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of the fields of a protobuf message that contain bytes: messages, texts, arrays."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == _MESSAGE:
            length, position = _varint(message, position)
            yield key >> 3, message[position : position + length]
            position += length
        elif kind == _VARINT:
            _, position = _varint(message, position)
        else:
            position += {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}[kind]


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return a number stored in 7 bits per byte, lowest first, and the position after it."""
    number = shift = 0
    while True:
        byte = message[position]
        number, position, shift = number | (byte & 0x7F) << shift, position + 1, shift + 7
        if byte < 0x80:
            return number, position


def _output(name: str) -> bytes:
    """Return a ModelProto that contains only one more output of the graph."""
    data = name.encode()
    for number in (_NAME, _OUTPUT, _GRAPH):
        data = bytes([number << 3 | _MESSAGE]) + _length(len(data)) + data
    return data


def _length(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _length(rest) if rest else bytes([low])
