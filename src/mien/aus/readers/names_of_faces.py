"""Whether a column names people beside face numbers: `subject` mostly does, `speaker` may say who talks now."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mien.aus.readers.identity import keys


class _Distinct:
    """Counts distinct rows, in 8 bytes for each."""

    def __init__(self) -> None:
        self._hashes = [np.empty(0, np.uint64)]

    def add(self, columns: Sequence[pd.Series]) -> None:
        table = pd.concat([cells.rename(place) for place, cells in enumerate(columns)], axis=1)
        self._hashes.append(pd.util.hash_pandas_object(table, index=False).unique().astype(np.uint64))

    def __len__(self) -> int:
        return len(np.unique(np.concatenate(self._hashes)))


@dataclass
class NamesOfFaces:
    """Tells whether names belong to people, from the rows with a name and a face number.

    They do if each face has one name. If a face has several, rows of several people with numbers of their own were
    joined: then one moment has a number twice. Otherwise the name changes while a face is shown.
    """

    _faces: _Distinct = field(default_factory=_Distinct)
    _named_faces: _Distinct = field(default_factory=_Distinct)
    _moments: _Distinct = field(default_factory=_Distinct)
    _named_moments: _Distinct = field(default_factory=_Distinct)
    _in_sources: bool = False
    _in_moments: bool = False

    def add(
        self, names: pd.Series, numbers: pd.Series, source: pd.Series | None = None, moment: pd.Series | None = None
    ) -> None:
        """Count rows.

        Args:
            names: the cells that may name people.
            numbers: the face numbers.
            source: the photo or video of each row.
            moment: the frame or time of each row.
        """
        filled = (names.fillna("") != "") & (numbers.fillna("") != "")
        face = [keys(cells[filled]) for cells in (numbers, source) if cells is not None]
        name = [keys(names[filled])]
        self._in_sources |= source is not None
        self._faces.add(face)
        self._named_faces.add(face + name)
        if moment is not None:
            self._in_moments = True
            face.append(keys(moment[filled]))
            self._moments.add(face)
            self._named_moments.add(face + name)

    @property
    def hold(self) -> bool:
        """Whether each face has one name."""
        return len(self._faces) == len(self._named_faces)

    @property
    def name_people(self) -> bool:
        """Whether the names tell people apart. Without sources and moments, nothing says that they do not."""
        if self.hold:
            return True
        if self._in_moments:
            return len(self._named_moments) > len(self._moments)
        return not self._in_sources
