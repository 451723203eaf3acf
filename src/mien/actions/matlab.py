"""MATLAB files of data sets, as plain Python: structs are dicts, arrays of structs are lists."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from mien.errors import InputError


def read_mat(path: Path, variables: list[str], kind: str) -> dict[str, Any]:
    """Read variables of a .mat file (to version 7.2) with `loadmat(simplify_cells=True)`.

    Args:
        path: the file.
        variables: those that it must have.
        kind: what the file is expected to be, for messages.

    Raises:
        InputError: it is missing, damaged, of version 7.3, or has not all of these.
    """
    try:
        with path.open("rb") as file:
            read = loadmat(file, simplify_cells=True, variable_names=variables)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # noqa: BLE001 - what a damaged file makes scipy raise is open
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}), expected {kind}") from None
    if missing := [name for name in variables if name not in read]:
        raise InputError(f"{path}: no variable {', '.join(missing)}, expected {kind}")
    return {name: read[name] for name in variables}


def listed(value: Any) -> list[Any]:
    """Return an array, cell or struct array as a list: MATLAB makes no difference between one and an array of one."""
    if isinstance(value, np.ndarray):
        return list(value.ravel())
    return list(value) if isinstance(value, list) else [value]


def field(struct: Any, name: str, place: str) -> Any:
    """Return a field of a struct. Raises InputError naming the place where it is missing."""
    if not isinstance(struct, Mapping) or name not in struct:
        raise InputError(f"{place}: no field {name}")
    return struct[name]
