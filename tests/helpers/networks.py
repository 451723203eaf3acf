"""Small networks in ONNX, made without TensorFlow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from helpers.pictures import encoded, zipped
from mien.aus.facs import COLUMNS
from mien.models.metadata import Metadata

CLASSES = ["angry", "happy", "sad"]
#: The grey level that `brightness_network` takes for typical of each of CLASSES.
LEVELS = (30, 128, 225)


def linear_network(
    folder: Path, weights: np.ndarray, bias: np.ndarray, classes: Sequence[str] = CLASSES, **metadata: Any
) -> Path:
    """Write a network for faces to a folder: softmax(pixels / 255 @ weights + bias).

    Args:
        weights: (size * size, classes).
        bias: (classes,).
        metadata: what else the file says about itself, see `Metadata`.
    """
    size = int(np.sqrt(len(weights)))
    constants = {"scaled": np.asarray(weights) / 255, "bias": np.asarray(bias)}
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["float"], ["flat"]),
            helper.make_node("Gemm", ["flat", "scaled", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"]),
        ],
        "linear",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", size, size])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(bias)])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    folder.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, replace(Metadata.of_faces(classes, size), **metadata).to_props())
    onnx.save(model, folder / "best.onnx")
    return folder


def au_network(folder: Path, *, aus: Sequence[str] = COLUMNS, classes: Sequence[str] = CLASSES) -> Path:
    """Write a brightness network that also reads AUs.

    The first is how white the left half of a face is, the second how white the right half is; the others are 80.
    """
    model = onnx.load(brightness_network(folder, classes=classes) / "best.onnx")
    halves = np.zeros((48, 48, len(aus)))
    halves[:, :24, 0] = halves[:, 24:, 1] = 100 / 255 / (48 * 24)
    others = np.where(np.arange(len(aus)) < 2, 0, 80)
    constants = {"halves": halves.reshape(-1, len(aus)), "others": others}
    model.graph.initializer.extend(
        numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()
    )
    model.graph.node.append(helper.make_node("Gemm", ["flat", "halves", "others"], ["aus"]))
    model.graph.output.append(helper.make_tensor_value_info("aus", TensorProto.FLOAT, ["batch", len(aus)]))
    onnx.save(model, folder / "best.onnx")
    return change_metadata(folder, {"aus": ",".join(aus)})


def change_metadata(folder: Path, changes: Mapping[str, str | None]) -> Path:
    """Change what the network in a folder says about itself; None removes a key."""
    model = onnx.load(folder / "best.onnx")
    props = {**{prop.key: prop.value for prop in model.metadata_props}, **changes}
    helper.set_model_props(model, {key: value for key, value in props.items() if value is not None})
    onnx.save(model, folder / "best.onnx")
    return folder


def split_metadata(folder: Path) -> Path:
    """Turn the network in a folder into the files of older versions, best.onnx, classes.json, calibration.json."""
    model = onnx.load(folder / "best.onnx")
    metadata = Metadata.from_props({prop.key: prop.value for prop in model.metadata_props})
    assert metadata
    del model.metadata_props[:]
    onnx.save(model, folder / "best.onnx")
    (folder / "classes.json").write_text(json.dumps(metadata.classes) + "\n")
    (folder / "calibration.json").write_text(json.dumps({"temperature": metadata.temperature}) + "\n")
    return folder


def brightness_network(
    folder: Path,
    *,
    size: int = 48,
    sharpness: float = 20.0,
    classes: Sequence[str] = CLASSES,
    **metadata: Any,
) -> Path:
    """Write a network that reads the emotion from the brightness of a face: the emotion with the nearest level."""
    centres = np.array(LEVELS) / 255
    weights = np.tile(2 * sharpness * centres / size**2, (size**2, 1))
    return linear_network(folder, weights, -sharpness * centres**2, classes, **metadata)


def faces_by_brightness(path: Path, per_class: int) -> Path:
    """Write a zip of test faces that a brightness network reads right: of each class, as bright as it is."""
    files = {
        f"test/{name}/{row}.png": encoded(np.full((48, 48), level - row % 3, np.uint8))
        for name, level in zip(CLASSES, LEVELS, strict=True)
        for row in range(per_class)
    }
    return zipped(path, files)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
