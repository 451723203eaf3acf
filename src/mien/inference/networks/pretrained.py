"""The pretrained networks, and the other values of `--model`: a folder or an ONNX file."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from mien._io.errors import InputError

#: fp32: 32-bit floats, as trained. int8: 8-bit integers, a third of the time on CPUs with fast integer arithmetic.
#: auto: int8 on such CPUs if the network has a file for it, else fp32.
Precision = Literal["auto", "fp32", "int8"]

_WEIGHTS = Path(__file__).parents[1] / "weights"
_CPU_INFO = Path("/proc/cpuinfo")

#: The pretrained networks for faces by name: the most accurate ones first, then a small one, which is much faster.
FACE_NETWORKS: Mapping[str, Path] = MappingProxyType(
    {name: _WEIGHTS / f"{name}.onnx" for name in ("mien_wild", "mien", "mien_small")}
)
#: The default network for faces. It also reads Action Units.
DEFAULT_NETWORK = "mien_wild"
#: The pretrained network for Action Units.
AU_NETWORK = _WEIGHTS / "mien_au.onnx"


def read_card(name: str) -> dict[str, Any]:
    """Return how a network for faces was trained and how well it does: params, metrics and per_class.

    Args:
        name: one of FACE_NETWORKS.
    """
    card: dict[str, Any] = json.loads(FACE_NETWORKS[name].with_suffix(".json").read_text(encoding="utf-8"))
    return card


def find_face_network(model: str | Path | None, precision: Precision = "fp32") -> Path:
    """Return the file or folder of a network for faces.

    Args:
        model: a name such as "mien_small", an ONNX file, or a folder with best.onnx; None for DEFAULT_NETWORK.
        precision: selects its file, see `Precision`.

    Raises:
        InputError: it is none of these, or it has no file with 8-bit integers although int8 was requested.
    """
    if precision not in get_args(Precision):
        raise InputError(f"precision: found {precision!r}, expected one of {', '.join(get_args(Precision))}")
    name = DEFAULT_NETWORK if model is None else str(model)
    if path := FACE_NETWORKS.get(name) or find_file(name):
        return path if precision == "fp32" else _of_int8(path, precision)
    if str(model).endswith(".onnx"):
        raise InputError(f"{model}: no such file, expected a network; or name one of {', '.join(FACE_NETWORKS)}")
    raise InputError(
        f"model: found {str(model)!r}, expected {', '.join(FACE_NETWORKS)}, or a folder or ONNX file, such as "
        "models/cnn after `dvc repro`"
    )


def _of_int8(path: Path, precision: Precision) -> Path:
    quantized = path / "best_int8.onnx" if path.is_dir() else path.with_name(f"{path.stem}_int8.onnx")
    if precision == "auto":
        return quantized if quantized.is_file() and multiplies_int8_fast() else path
    if not quantized.is_file():
        raise InputError(f"precision: found int8, but there is no {quantized}, expected fp32 or auto for this network")
    return quantized


@cache
def multiplies_int8_fast() -> bool:
    """Tell whether the CPU has instructions for 8-bit products. On others, int8 is no faster than fp32.

    Only Linux tells. Elsewhere the answer is yes, as for all CPUs made since about 2020.
    """
    try:
        words = set(_CPU_INFO.read_text(errors="replace").split())
    except OSError:
        return True
    return bool(words & {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"})


def find_file(model: str | Path) -> Path | None:
    """Return the path of an existing folder or ONNX file; None for anything else, also for an empty name."""
    path = Path(model)
    if str(model) and (path.is_dir() or (path.suffix == ".onnx" and path.is_file())):
        return path
    return None
