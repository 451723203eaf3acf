"""People who are told apart by numbers of faces: face 1 of one photo or video is not face 1 of the next."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mien._io.errors import note
from mien.aus.readers.column_names import find_column, plain
from mien.aus.readers.identity import FACE_NUMBERS, FRAME, PERSON_NAMES, SOURCE, TIMESTAMP, identity_columns, keys
from mien.aus.readers.names_of_faces import NamesOfFaces
from mien.inference.aus.table_cells import Table

#: The column of rows that tells within what the numbers of people hold; "" if the person is named everywhere alike.
WITHIN = "within"
#: The column of rows with the source, or table, in WITHIN.
_WITHIN_SOURCE = "within source"

_NUMBERS = ("face", "faceid")
#: Of `mien image`, of py-feat, of `mien aus`, which has its table as file.
_SOURCES = frozenset(("file", "input", "source"))
_OF_PREDICTIONS = frozenset(("row", "rows"))  # of `mien aus`
_NUMBER = r"\d+"
_PYFEAT_NUMBER = r"Person_\d+"  # counted anew in each table, over all of its photos


class FaceNumbers:
    """Tells within what the numbers of faces hold, table by table, and names people by it."""

    def __init__(self, person: str | None) -> None:
        """Start without tables. person: the column that names the person; None if all rows are of one."""
        self._person = person
        self._names: dict[str, None] = {}  # columns, in order

    def places(self, table: Table) -> pd.DataFrame:
        """Return within what the number of each row's person holds, as WITHIN and its source; "" if it is not a number.

        It is the source, or the table, and the named person: face 1 of one subject is not face 1 of another.
        """
        everywhere = pd.DataFrame("", table.cells.index, [WITHIN, _WITHIN_SOURCE])
        if self._person is None:
            return everywhere
        people = pd.Series(keys(table.column(self._person)).unique())
        if plain(self._person) == "identity" and people.str.fullmatch(_PYFEAT_NUMBER).any():
            return self._places_in(table, frozenset())
        if plain(self._person) not in _NUMBERS or not people[people != ""].str.fullmatch(_NUMBER).all():
            return everywhere
        return self._places_in(table, _SOURCES)

    def _places_in(self, table: Table, sources: frozenset[str]) -> pd.DataFrame:
        """Return the source of each row, or the table; and with the named person."""
        names = naming_columns(table)
        for name in _names(table):
            if name not in names:
                note(
                    f"{table.path}: {name} changes within a face ({self._person}), so it names no person and tells "
                    "nobody apart"
                )
        self._names.update(dict.fromkeys(names))
        source = _joined_columns(table, _source_columns(table, sources)).replace("", str(table.path))
        people = _joined_columns(table, names)
        return pd.DataFrame({WITHIN: _joined([source, people]), _WITHIN_SOURCE: source})

    def name_people(self, rows: pd.DataFrame, tables: Sequence[pd.Series]) -> pd.DataFrame:
        """Return rows with people named SOURCE:NUMBER if numbers hold within several places, with a note.

        Args:
            rows: have a person and what `places` returns.
            tables: WITHIN of each table.
        """
        places = rows[[WITHIN, _WITHIN_SOURCE]]
        rows = rows.drop(columns=[*places])
        numbered = places[WITHIN] != ""
        if not numbered.any() or places[WITHIN].nunique() < 2:
            return rows
        people = rows["person"].where(~numbered, places[WITHIN] + ":" + rows["person"])
        note(self._told_apart(people.nunique(), places[_WITHIN_SOURCE].nunique()))
        _note_shared(tables)
        return rows.assign(person=people)

    def _told_apart(self, people: int, sources: int) -> str:
        names = [*self._names]
        where = f"{people:,} people in {sources:,} sources" if sources > 1 else f"{people:,} people"
        within = " or ".join(["in two sources"] * (sources > 1) + [f"beside two values of {name}" for name in names])
        named = ":".join(["SOURCE", *names, str(self._person)])
        joining = f"--person {names[0]}" if names else "a column of names"
        return (
            f"--person {self._person}: the same number {within} is two people: {where}, named {named}; "
            f"{joining} would join them"
        )


def naming_columns(table: Table) -> list[str]:
    """Return the columns that name people. Beside face numbers, a name that changes within a face does not."""
    names = _names(table)
    position = find_column(table.names, *FACE_NUMBERS)
    if position is None:
        return names
    return [name for name in names if _names_people(table, name, table.names[position])]


def _names_people(table: Table, name: str, number: str) -> bool:
    columns = identity_columns(table.names)
    moment = columns.get(FRAME, columns.get(TIMESTAMP))
    sources = _source_columns(table, _SOURCES)
    source = _joined_columns(table, sources) if _shows_sources(table) else None
    cells = (table.column(name), table.column(number), source)
    names_of_faces = NamesOfFaces()
    names_of_faces.add(*cells)
    if moment is None or names_of_faces.hold:  # moments, which are many, are seldom needed
        return names_of_faces.name_people
    names_of_faces.add(*cells, table.column(table.names[moment]))
    return names_of_faces.name_people


def _shows_sources(table: Table) -> bool:
    """Tell whether a table has sources. The file of `mien aus` is its table, which may have been of several."""
    names = set(map(plain, table.names))
    return SOURCE in names or bool(names & _SOURCES and not names & _OF_PREDICTIONS)


def _names(table: Table) -> list[str]:
    known = {plain(name): place for place, name in enumerate(PERSON_NAMES)}
    return sorted((name for name in table.names if plain(name) in known), key=lambda name: known[plain(name)])


def _source_columns(table: Table, sources: frozenset[str]) -> list[str]:
    return [name for name in table.names if plain(name) in sources]


def _joined_columns(table: Table, names: Sequence[str]) -> pd.Series:
    if not names:
        return pd.Series("", table.cells.index)
    return _joined([keys(table.column(name)) for name in names])


def _joined(columns: Sequence[pd.Series]) -> pd.Series:
    """Return filled cells joined by a colon. Joins unique values only: of a table's many rows, few differ."""
    if len(columns) == 1:
        return columns[0]
    codes, values = pd.MultiIndex.from_arrays(columns).factorize()
    texts = np.array([":".join(filter(None, parts)) for parts in values], object)
    return pd.Series(texts[codes], columns[0].index)


def _note_shared(tables: Sequence[pd.Series]) -> None:
    counts = pd.Series([source for table in tables for source in table.unique() if source]).value_counts()
    if (shared := counts[counts > 1]).any():
        note(
            f"several tables contain {min(shared.index)}, which counts as one source (as do {len(shared) - 1:,} others)"
        )
