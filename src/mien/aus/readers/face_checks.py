"""Whether the tool saw a face in a row: OpenFace's success and confidence, py-feat's FaceScore."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.aus.readers.column_names import column_position, find_column
from mien.aus.readers.csv_cells import as_flags

_ROUNDING = 1e-6  # tolerance of a confidence


class FaceChecks:
    """The columns that tell whether a row has a face, over the chunks of a table.

    Attributes:
        expected: what a row with a face has, such as "success >= 1".
    """

    def __init__(self, names: Sequence[str], minima: Mapping[str, float], confidence: str) -> None:
        """Find the columns.

        Args:
            names: the columns of the table. They may write these names in other ways, see `positions_of`.
            minima: by column, which the table need not have, the lowest value with which a row has a face.
            confidence: the one of these columns that is within 0..1.
        """
        given = {name: column_position(names, name) for name in minima if find_column(names, name) is not None}
        self._minima = {position: minima[name] for name, position in given.items()}
        self._confidence = given.get(confidence)
        self._names = names
        self._without_number = set(self._minima)
        self.expected = [f"{names[position]} >= {minimum:g}" for position, minimum in self._minima.items()]

    @property
    def positions(self) -> set[int]:
        """The positions of the columns."""
        return set(self._minima)

    def has_face(self, cells: pd.DataFrame, counts: np.ndarray, first_row: int) -> np.ndarray:
        """Tell which rows have a face: bool (N,).

        Args:
            cells: a chunk of the table.
            counts: bool (N,), rows that have AUs, and whose cells are in their columns.
            first_row: number of the first row, from 1.

        Raises:
            InputError: no row so far has a number in one of the columns, or a confidence is above 1.
        """
        has_face = np.ones(len(cells), bool)
        for position, minimum in self._minima.items():
            values = as_flags(cells[position])
            if position == self._confidence and (wrong := counts & (values > 1 + _ROUNDING)).any():
                raise InputError(f"{self._found(cells, position, wrong, first_row)}, expected 0..1")
            if position in self._without_number and counts.any():
                if np.isnan(values[counts]).all():
                    found = self._found(cells, position, counts, first_row)
                    raise InputError(f"{found}, and no number in any row so far, expected 0..1, or true or false")
                self._without_number.remove(position)
            has_face &= values >= minimum
        return has_face

    def _found(self, cells: pd.DataFrame, position: int, where: np.ndarray, first_row: int) -> str:
        index = int(where.argmax())
        cell = cells[position].iloc[index]
        shown = repr(cell) if isinstance(cell, str) else f"{cell}"
        return f"row {first_row + index}, column {self._names[position]}: found {shown}"
