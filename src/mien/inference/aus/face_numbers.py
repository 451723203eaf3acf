"""People who are told apart by numbers of faces: face 1 of one photo or video is not face 1 of the next."""

from collections.abc import Sequence

import pandas as pd

from mien._io.errors import note
from mien.aus.readers.column_names import plain
from mien.aus.readers.identity import PERSON_NAMES, keys
from mien.inference.aus.table_cells import Table

#: The column of rows that tells within what the numbers of people hold; "" if the person is named everywhere alike.
WITHIN = "within"

_NUMBERS = ("face", "faceid")
#: Of `mien image`, of py-feat, of `mien aus`, which has its table as file.
_SOURCES = frozenset(("file", "input", "source"))
_NAMES = frozenset(map(plain, PERSON_NAMES))
_NUMBER = r"\d+"
_PYFEAT_NUMBER = r"Person_\d+"  # counted anew in each table, over all of its photos


def places_of_numbers(table: Table, person: str | None) -> pd.Series:
    """Return within what the number of each row's person holds; "" if it is no number.

    It is the source, or the table, and the named person: face 1 of one subject is not face 1 of another.

    Args:
        table: the table.
        person: the column that names the person.
    """
    everywhere = pd.Series("", table.cells.index)
    if person is None:
        return everywhere
    people = keys(table.column(person))
    if plain(person) == "identity" and people.str.fullmatch(_PYFEAT_NUMBER).any():
        return _places(table, frozenset())
    if plain(person) not in _NUMBERS or not people[people != ""].str.fullmatch(_NUMBER).all():
        return everywhere
    return _places(table, _SOURCES)


def _places(table: Table, sources: frozenset[str]) -> pd.Series:
    """Return the source of each row, or the table, and the named person."""
    places = _joined(table, sources).replace("", str(table.path))
    people = _joined(table, _NAMES)
    return places.where(people == "", places + ":" + people)


def _joined(table: Table, names: frozenset[str]) -> pd.Series:
    columns = [keys(table.column(name)) for name in table.names if plain(name) in names]
    cells = [":".join(filter(None, parts)) for parts in zip(*columns, strict=True)] if columns else ""
    return pd.Series(cells, table.cells.index)


def name_people(rows: pd.DataFrame, tables: Sequence[pd.Series], person: str | None) -> pd.DataFrame:
    """Return rows with people named SOURCE:NUMBER if numbers hold within several sources, with a note.

    Args:
        rows: have a person and WITHIN.
        tables: WITHIN of each table.
        person: the column that names the person.
    """
    numbered = rows[WITHIN] != ""
    sources = rows[WITHIN].nunique()
    if not numbered.any() or sources == 1:
        return rows.drop(columns=WITHIN)
    people = rows["person"].where(~numbered, rows[WITHIN] + ":" + rows["person"])
    note(
        f"--person {person}: the same number in two sources is two people: {people.nunique():,} people in {sources:,} "
        f"sources, named SOURCE:{person}; a column of names would join them"
    )
    counts = pd.Series([source for table in tables for source in table.unique() if source]).value_counts()
    if (shared := counts[counts > 1]).any():
        note(
            f"several tables contain {min(shared.index)}, which counts as one source (as do {len(shared) - 1:,} others)"
        )
    return rows.assign(person=people).drop(columns=WITHIN)
