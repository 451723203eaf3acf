"""Tables of faces or AUs by person and condition, as measures: shares, probabilities and intensities.

Emotion tables of `mien image`, `video` and `aus` give shares and mean probabilities of emotions; AU tables give mean
intensities; tables with both give all of these.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien._io.errors import InputError, note
from mien.aus.facs import AUS, COLUMNS
from mien.aus.readers import open_aus
from mien.aus.readers.column_names import find_column
from mien.aus.readers.formats import has_aus
from mien.aus.readers.identity import FACE_NUMBERS, FRAME, identity_columns, keys
from mien.inference.aus.au_notes import Notes, read_chunks
from mien.inference.aus.emotion_measures import PROBABILITY, SHARE, emotion_measures, measure_frame
from mien.inference.aus.face_numbers import WITHIN, FaceNumbers, naming_columns
from mien.inference.aus.table_cells import Table, read_table

#: The columns of rows that name the group.
GROUP = ["person", "condition"]
#: The kind of measure beside SHARE and PROBABILITY.
INTENSITY = "intensity"

_ANY = "all"  # the person or condition if rows are not distinguished


@dataclass(frozen=True)
class Grouping:
    """How rows are grouped.

    Attributes:
        person: the column that names the person; None if all rows are from one person. A column of face numbers (face,
            face_id) tells people apart within one photo or video only.
        condition: the column that names the condition; None if there is only one condition.
        baseline: the condition to compare others with; None for no comparison.
        pattern: a regular expression with the named groups `person`, `condition` or both, for file names.
    """

    person: str | None = None
    condition: str | None = None
    baseline: str | None = None
    pattern: re.Pattern[str] | None = None

    def columns(self) -> list[str]:
        """The columns that tables must have."""
        return [name for name in (self.person, self.condition) if name]

    @property
    def numbered(self) -> str | None:
        """The column that names the person, unless file names do."""
        return None if self.pattern and "person" in self.pattern.groupindex else self.person


def read_tables(paths: Sequence[Path], grouping: Grouping) -> pd.DataFrame:
    """Read emotion or AU tables. Rows without an emotion, person or condition are left out, with a note.

    If face numbers tell people apart and there are several photos, videos or tables, a person is named SOURCE:NUMBER.

    Returns:
        person and condition (text), and one column per measure, named (kind, name): shares of emotions as 0 or 1,
        probabilities of emotions (0..1), intensities of AUs (0..100).

    Raises:
        InputError: a table cannot be read, lacks a column, or is of another kind than the first one; no row is left; or
            no row belongs to the baseline.
    """
    notes = Notes()
    tables = [_table(path, grouping) for path in paths]
    emotions = emotion_measures(tables, grouping.columns())
    numbers = FaceNumbers(grouping.numbered)
    frames = [
        _read(table, measured, grouping, numbers, notes) for table, measured in zip(tables, emotions, strict=True)
    ]
    kinds = [{kind for kind, _ in measures_in(frame)} & {SHARE, INTENSITY} for frame in frames]
    for path, kind in zip(paths, kinds, strict=True):
        if kind != kinds[0]:
            raise InputError(f"{path}: found a table of another kind than {paths[0]}, expected emotions or AUs in all")
    rows = numbers.name_people(pd.concat(frames, ignore_index=True), [frame[WITHIN] for frame in frames])
    _note_lacking(paths, frames, measures_in(rows))
    shares = [name for name in measures_in(rows) if name[0] == SHARE]
    for name in shares:
        rows[name] = rows[name].fillna(0.0)  # an emotion that only another table has
    if grouping.baseline is not None and grouping.baseline not in set(rows["condition"]):
        known = ", ".join(sorted(set(rows["condition"]))[:10])
        raise InputError(f"--baseline: found no row of {grouping.baseline!r}, expected one of {known}")
    return rows


def _note_lacking(paths: Sequence[Path], frames: Sequence[pd.DataFrame], measures: Sequence[tuple[str, str]]) -> None:
    """Note which tables lack measures of others, but of shares: an emotion that a table never names has the share 0."""
    tables: dict[str, list[Path]] = {}
    for path, frame in zip(paths, frames, strict=True):
        lacking = [name for name in measures if name[0] != SHARE and name not in frame]
        if lacking:
            emotions = ", ".join(name for kind, name in lacking if kind == PROBABILITY)
            aus = [name for kind, name in lacking if kind == INTENSITY]
            words = ", ".join([*aus, *([f"probabilities of {emotions}"] if emotions else [])])
            tables.setdefault(words, []).append(path)
    for words, (first, *others) in tables.items():
        lack = f" and {len(others):,} more tables lack" if others else " lacks"
        note(f"{first}{lack} {words}: their means are over rows of the other tables")


def _table(path: Path, grouping: Grouping) -> Table:
    table = read_table(path)
    for name in grouping.columns():
        if not table.has(name):
            raise InputError(f"{path}: found no column {name}, expected it among {', '.join(table.names[:12])}")
    return table


def _read(
    table: Table, emotions: pd.DataFrame | None, grouping: Grouping, numbers: FaceNumbers, notes: Notes
) -> pd.DataFrame:
    path = table.path
    for text in table.further:
        notes(text, path, of_file=True)
    groups = _groups(table, grouping)
    _note_people(table, groups)
    places = numbers.places(table)
    parts = {} if emotions is None else {"an emotion": emotions}
    if emotions is None or has_aus(table.names):
        parts["a face"] = _au_measures(path, len(table), notes)
    left_out = {f"without {what}": measures.isna().any(axis=1) for what, measures in parts.items()}
    left_out["without a person or condition"] = (groups == "").any(axis=1)
    kept = np.ones(len(table), bool)
    for reason, where in left_out.items():
        if rows := int((kept & where).sum()):
            note(f"{path}: {rows:,} of {len(table):,} rows {reason} left out")
        kept &= ~where.to_numpy()
    if not kept.any():
        raise InputError(f"{path}: found no usable row, expected rows of faces with a person and a condition")
    return pd.concat([groups, places, *parts.values()], axis=1)[kept].reset_index(drop=True)


def _note_people(table: Table, groups: pd.DataFrame) -> None:
    """Note that several people, or faces of a video, count as one person, if a column distinguishes them."""
    if (groups["person"] != _ANY).any():
        return
    numbered = find_column(table.names, *FACE_NUMBERS) if FRAME in identity_columns(table.names) else None
    for name in [*naming_columns(table)[:1], *([] if numbered is None else [table.names[numbered]])]:
        numbers = keys(table.column(name))
        places = FaceNumbers(name).places(table)[WITHIN]
        people = pd.MultiIndex.from_arrays([places, numbers])[numbers != ""].nunique()
        if people > 1:
            note(f"{table.path}: all rows count as one person; --person {name} tells {people:,} apart")
            return


def _au_measures(path: Path, rows: int, notes: Notes) -> pd.DataFrame:
    with open_aus(path, needed=()) as table:  # an AU without a column is not measured, so none counts as 0
        intensities = np.concatenate([chunk.intensities for chunk in read_chunks(table, notes)])
        given = table.aus
    if len(intensities) != rows:
        raise InputError(f"found {len(intensities):,} rows of AUs in {rows:,} lines, expected as many")
    columns = {(INTENSITY, name): intensities[:, i] for i, name in enumerate(COLUMNS) if AUS[i] in given}
    return measure_frame(columns, pd.RangeIndex(rows))


def _groups(table: Table, grouping: Grouping) -> pd.DataFrame:
    """Return person and condition of each row, as text; "" if a row has none."""
    groups = pd.DataFrame(_ANY, table.cells.index, GROUP)
    for key, name in zip(GROUP, (grouping.person, grouping.condition), strict=True):
        if name:
            groups[key] = keys(table.column(name))
    if grouping.pattern:
        files = table.column("file") if table.has("file") else pd.Series(table.path.name, table.cells.index)
        matches = {file: grouping.pattern.search(file) for file in files.unique()}
        for key in set(grouping.pattern.groupindex) & {*GROUP}:
            named = [match[key] or "" if (match := matches[file]) else "" for file in files]
            groups[key] = keys(pd.Series(named, groups.index))
    return groups


def measures_in(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the columns of measures: kind and name."""
    columns: list[Any] = rows.columns.tolist()
    return [column for column in columns if isinstance(column, tuple)]
