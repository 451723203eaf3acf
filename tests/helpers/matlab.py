"""MATLAB files as data sets have them: struct arrays in struct arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

NOTHING = np.zeros((0, 0))


def structs(rows: Sequence[dict[str, Any]]) -> np.ndarray:
    """Return a 1xN struct array for `scipy.io.savemat`."""
    array = np.empty((1, len(rows)), [(name, object) for name in rows[0]])
    for number, row in enumerate(rows):
        array[0, number] = tuple(row.values())
    return array


def cell(*values: object) -> np.ndarray:
    """Return a 1xN cell array."""
    array = np.empty((1, len(values)), object)
    array[0, :] = values
    return array
