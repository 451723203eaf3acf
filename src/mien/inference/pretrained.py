"""The pretrained networks, and what else `--model` may name: a folder, or an ONNX file."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mien._io.errors import InputError

_WEIGHTS = Path(__file__).with_name("weights")

#: The pretrained networks for faces by name: the most accurate one first, then a small one, which is much faster.
FACE_NETWORKS: Mapping[str, Path] = MappingProxyType(
    {name: _WEIGHTS / f"{name}.onnx" for name in ("mien", "mien_small")}
)
#: The pretrained network for Action Units.
AU_NETWORK = _WEIGHTS / "mien_au.onnx"


def read_card(name: str) -> dict[str, Any]:
    """Return how a network for faces was trained and what it achieves: params, metrics and per_class.

    Args:
        name: one of FACE_NETWORKS.
    """
    card: dict[str, Any] = json.loads(FACE_NETWORKS[name].with_suffix(".json").read_text(encoding="utf-8"))
    return card


def find_face_network(model: str | Path | None) -> Path:
    """Return the file or folder of a network for faces.

    Args:
        model: one of FACE_NETWORKS, an ONNX file, or a folder with best.onnx; None for "mien".

    Raises:
        InputError: it is none of these.
    """
    if model is None:
        return FACE_NETWORKS["mien"]
    if path := FACE_NETWORKS.get(str(model)) or find_file(model):
        return path
    raise InputError(
        f"model: found {str(model)!r}, expected {', '.join(FACE_NETWORKS)}, or a folder or ONNX file, such as "
        "models/cnn after `dvc repro`"
    )


def find_file(model: str | Path) -> Path | None:
    """Return the path of a folder or ONNX file that exists; None for anything else, also the empty name."""
    path = Path(model)
    if str(model) and (path.is_dir() or (path.suffix == ".onnx" and path.is_file())):
        return path
    return None
