"""Whether the tool saw a face in a row: OpenFace's success and confidence, py-feat's FaceScore."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.aus.readers.column_names import column_position, positions_of
from mien.aus.readers.csv_cells import as_flags

_ROUNDING = 1e-6  # tolerance of a confidence


class FaceChecks:
    """The columns that tell whether a row has a face, over the chunks of a table.

    A column in another spelling than the tool's, such as Success, may be the user's own. It is ignored if its values do
    not fit.

    Attributes:
        ignored: notes on such columns, complete when all chunks are read.
    """

    def __init__(self, names: Sequence[str], minima: Mapping[str, float], confidence: str) -> None:
        """Find the columns.

        Args:
            names: the columns of the table. They may write these names in other ways, see `positions_of`.
            minima: by column, which the table need not have, the lowest value with which a row has a face.
            confidence: the one of these columns that is within 0..1.
        """
        given = {name: place for name in minima if (place := _position(names, name)) is not None}
        self.ignored: list[str] = []
        self._minima = {position: minima[name] for name, position in given.items()}
        self._confidence = given.get(confidence)
        self._exact = {position for name, position in given.items() if name in names}
        self._names = names
        self._without_number = set(self._minima)

    @property
    def expected(self) -> list[str]:
        """What a row with a face has, such as "success >= 1"."""
        return [f"{self._names[position]} >= {minimum:g}" for position, minimum in self._minima.items()]

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
            InputError: no row so far has a number in a column in the tool's spelling, or such a confidence is above 1.
        """
        has_face = np.ones(len(cells), bool)
        for position, minimum in [*self._minima.items()]:
            values = as_flags(cells[position])
            if fault := self._fault(position, values, cells, counts, first_row):
                if position in self._exact:
                    raise InputError(fault)
                self.ignored.append(f"{fault}; so it is not read as the tool's")
                del self._minima[position]
                continue
            if counts.any():
                self._without_number.discard(position)
            has_face &= values >= minimum
        return has_face

    def _fault(self, position: int, values: np.ndarray, cells: pd.DataFrame, counts: np.ndarray, first_row: int) -> str:
        """Return why a column cannot be what it is named; empty if it can."""
        if position == self._confidence and (wrong := counts & (values > 1 + _ROUNDING)).any():
            return f"{self._found(cells, position, wrong, first_row)}, expected 0..1"
        if position in self._without_number and counts.any() and np.isnan(values[counts]).all():
            found = self._found(cells, position, counts, first_row)
            return f"{found}, and no number in any row so far, expected 0..1, or true or false"
        return ""

    def _found(self, cells: pd.DataFrame, position: int, where: np.ndarray, first_row: int) -> str:
        index = int(where.argmax())
        cell = cells[position].iloc[index]
        shown = repr(cell) if isinstance(cell, str) else f"{cell}"
        return f"row {first_row + index}, column {self._names[position]}: found {shown}"


def _position(names: Sequence[str], name: str) -> int | None:
    """Return the position of a column; None if there is none, or if there are several of other spellings."""
    if name in names:
        return column_position(names, name)
    places = positions_of(names, name)
    return places[0] if len(places) == 1 else None
