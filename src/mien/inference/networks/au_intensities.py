"""AU intensities from arrays and tables: rows in the order of `mien.aus.facs.AUS`."""

from collections.abc import Collection
from typing import Any

import numpy as np

from mien._io.errors import InputError, note, within
from mien.aus.facs import AUS, JAW_DROP, MOUTH_STRETCH, column

_MAX_OF_TOOLS = 5  # of OpenFace's intensities


def as_intensities(given: Any, needed: Collection[int] = AUS) -> np.ndarray:
    """Return intensities as float32 (N, AUs).

    Args:
        given: an array or nested lists in the order of AUS; or a table such as a DataFrame. The columns of a table are
            found by name, as `mien.aus.readers` do: AU06, AU6 and AU06_r are AU 6, and AU27 counts as AU26. Other
            columns are ignored, those of other AUs with a note. Values are not scaled. Columns without names (0, 1 ..)
            are in the order of AUS.
        needed: the AUs of which a table must have a column; others may be absent, and are then 0.

    Raises:
        InputError: a table lacks a column or has an AU twice, a value is not a number, or the shape is another one.
    """
    columns = list(getattr(given, "columns", ()))
    if columns and columns != list(range(len(columns))):
        return _from_table(given, columns, needed)
    rows = _numbers(np.asarray(given))
    if rows.ndim != 2 or rows.shape[1] != len(AUS):
        raise InputError(f"intensities: found shape {rows.shape}, expected (N, {len(AUS)}), a column per AU")
    return rows


def note_scale(intensities: np.ndarray) -> None:
    """Print a note if intensities look like those of a tool, which end at 5 or 1."""
    if 0 < (highest := np.nanmax(intensities, initial=0)) <= _MAX_OF_TOOLS:
        note(f"no intensity is above {highest:g} of 100; are these OpenFace's, of 0..5, or py-feat's, of 0..1?")


def _from_table(table: Any, columns: list[Any], needed: Collection[int]) -> np.ndarray:
    from mien.aus.readers.formats import au_columns, choose_format  # with pandas, which faces alone do not need

    names = [column(name) if isinstance(name, int) else str(name).strip() for name in columns]
    with within("intensities"):
        positions, ignored = au_columns(names, choose_format(names, None))
    by_au = {}
    for au, position in positions.items():
        with within(f"column {names[position]}"):
            by_au[au] = _numbers(np.asarray(table[columns[position]]))
    if MOUTH_STRETCH in by_au:
        by_au[JAW_DROP] = np.maximum(by_au[MOUTH_STRETCH], by_au.get(JAW_DROP, 0))
    if missing := [column(au) for au in AUS if au in needed and au not in by_au]:
        plural = "s" if len(missing) > 1 else ""
        raise InputError(f"the table lacks the column{plural} {', '.join(missing)}, expected one per AU; 0 is at rest")
    if ignored:
        note(f"the model does not know {', '.join(ignored)}: ignored")
    absent = np.zeros(len(table), np.float32)
    return np.stack([by_au.get(au, absent) for au in AUS], axis=1)


def _numbers(values: np.ndarray) -> np.ndarray:
    if values.dtype == bool or (values.dtype == object and any(isinstance(v, bool | np.bool_) for v in values.flat)):
        raise InputError("found true or false, expected intensities 0..100")
    try:
        return np.ascontiguousarray(values, np.float32)
    except (TypeError, ValueError):
        raise InputError("found a value that is not a number, expected intensities 0..100") from None
