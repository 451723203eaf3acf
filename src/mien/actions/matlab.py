"""Reads MATLAB files of data sets as plain Python: structs become dicts, arrays of structs become lists."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mien._io.errors import InputError

_MIN_SECONDS, _MIN_MEMORY = 60, 2**32  # seconds; a file of 1 MB takes a few and 100 MB, on a busy machine more
_PROBE = """
import sys
from scipy.io import loadmat
try:
    import resource
except ImportError:  # Windows: there the time is limited, not the memory
    pass
else:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
loadmat(sys.argv[1], simplify_cells=True)
"""


def read_mat(path: Path, variables: list[str], kind: str) -> dict[str, Any]:
    """Read variables of a .mat file (up to version 7.2) with `loadmat(simplify_cells=True)`.

    Args:
        path: the file.
        variables: names that it must have.
        kind: what the file is expected to be, for messages.

    Raises:
        InputError: it is missing, damaged or of version 7.3, or lacks one of the variables.
    """
    from scipy.io import loadmat  # only the pipeline has SciPy

    try:
        with path.open("rb") as file:
            _check_in_subprocess(path)
            read = loadmat(file, simplify_cells=True, variable_names=variables)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # noqa: BLE001 - what a damaged file makes scipy raise is open
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}), expected {kind}") from None
    if missing := [name for name in variables if name not in read]:
        raise InputError(f"{path}: no variable {', '.join(missing)}, expected {kind}")
    return {name: read[name] for name in variables}


def _check_in_subprocess(path: Path) -> None:
    """Read a file in a separate process first: some damaged files crash SciPy 1.17, never end, or fill the memory.

    Reading a file twice is cheap compared with what is computed from it.

    Raises:
        ValueError: it cannot be read there.
    """
    size = path.stat().st_size
    command = [sys.executable, "-c", _PROBE, str(path.absolute()), str(_MIN_MEMORY + 500 * size)]
    try:
        probe = subprocess.run(  # noqa: S603 -- Python with words from here, and a path
            command, capture_output=True, text=True, check=False, timeout=_MIN_SECONDS + size / 50_000
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"not done within {error.timeout:.0f} seconds") from None
    if probe.returncode:
        raise ValueError(next(iter(probe.stderr.splitlines()[-1:]), "SciPy crashes"))


def as_list(value: Any) -> list[Any]:
    """Return an array, cell or struct array as a list. MATLAB does not tell a value from an array of one value."""
    if isinstance(value, np.ndarray):
        return list(value.ravel())
    return list(value) if isinstance(value, list) else [value]


def as_number(value: Any, place: str) -> float:
    """Return a number; NaN for the empty array, which MATLAB uses for no value. Raises InputError for anything else."""
    if np.size(value) == 0 and not isinstance(value, str):
        return np.nan
    if np.size(value) != 1 or np.asarray(value).dtype.kind not in "biuf":
        raise InputError(f"{place}: found {str(value)[:80]!r}, expected a number")
    return float(np.squeeze(value))


def field(struct: Any, name: str, place: str) -> Any:
    """Return a field of a struct. Raises InputError that names the place if the field is missing."""
    if not isinstance(struct, Mapping) or name not in struct:
        raise InputError(f"{place}: no field {name}")
    return struct[name]
