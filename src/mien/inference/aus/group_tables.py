"""Tables of faces or AUs by person and condition, as measures: shares, probabilities and intensities.

Emotion tables of `mien image`, `video` and `aus` give shares and mean probabilities of emotions; AU tables give mean
intensities; tables with both give all of these.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien._io.errors import InputError, note, within
from mien.aus.facs import AUS, COLUMNS
from mien.aus.readers import open_aus
from mien.aus.readers.au_file import CHUNK_ROWS
from mien.aus.readers.csv_cells import as_numbers, blank, read_cells, skip_preamble
from mien.aus.readers.formats import has_aus
from mien.aus.readers.forms import as_csv
from mien.aus.readers.identity import FRAME, PERSON, identity_columns
from mien.inference.aus.au_tables import Notes, read_chunks
from mien.inference.aus.face_numbers import WITHIN, name_people, places_of_numbers

#: The columns of rows that name the group.
GROUP = ["person", "condition"]
#: The kinds of measures.
SHARE, PROBABILITY, INTENSITY = "share", "probability", "intensity"

_ANY = "all"  # the person or condition if rows are not distinguished
_ROUNDING = 0.01  # tolerance of a sum of probabilities with four digits


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
    frames = [_read(path, grouping, notes) for path in paths]
    kinds = [{kind for kind, _ in measures_in(frame)} & {SHARE, INTENSITY} for frame in frames]
    for path, kind in zip(paths, kinds, strict=True):
        if kind != kinds[0]:
            raise InputError(f"{path}: found a table of another kind than {paths[0]}, expected emotions or AUs in all")
    rows = name_people(pd.concat(frames, ignore_index=True), [frame[WITHIN] for frame in frames], grouping.numbered)
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


def _read(path: Path, grouping: Grouping, notes: Notes) -> pd.DataFrame:
    names, cells = _texts(path)
    with within(path):
        wanted = [name for name in grouping.columns() if name not in names]
        if wanted:
            raise InputError(f"found no column {wanted[0]}, expected it among {', '.join(names[:12])}")
        emotions = "emotion" in names and "confidence" in names
        groups = _groups(path, names, cells, grouping)
    _note_people(path, names, cells, groups)
    places = places_of_numbers(path, names, cells, grouping.numbered)
    parts = {"an emotion": _emotion_measures(path, names, cells)} if emotions else {}
    if not emotions or has_aus(names):
        parts["a face"] = _au_measures(path, len(cells), notes)
    left_out = {f"without {what}": measures.isna().any(axis=1) for what, measures in parts.items()}
    left_out["without a person or condition"] = (groups == "").any(axis=1)
    kept = np.ones(len(cells), bool)
    for reason, where in left_out.items():
        if rows := int((kept & where).sum()):
            note(f"{path}: {rows:,} of {len(cells):,} rows {reason} left out")
        kept &= ~where.to_numpy()
    if not kept.any():
        raise InputError(f"{path}: found no usable row, expected rows of faces with a person and a condition")
    return pd.concat([groups.assign(**{WITHIN: places}), *parts.values()], axis=1)[kept].reset_index(drop=True)


def _note_people(path: Path, names: Sequence[str], cells: pd.DataFrame, groups: pd.DataFrame) -> None:
    """Note that several faces of a video count as one person, if a column distinguishes them."""
    columns = identity_columns(names)
    if not {FRAME, PERSON} <= columns.keys() or (groups["person"] != _ANY).any():
        return
    name = names[columns[PERSON]]
    numbers = cells[name].str.strip()
    people = (places_of_numbers(path, names, cells, name) + ":" + numbers)[numbers != ""].nunique()
    if people > 1:
        note(f"{path}: all rows count as one person; --person {name} tells {people:,} apart")


def _texts(path: Path) -> tuple[list[str], pd.DataFrame]:
    """Return the columns of a table, and its cells as text."""
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    with stream, within(path):
        table, _ = as_csv(stream)
        names, separator, _ = skip_preamble(table, lambda names: "emotion" in names or has_aus(names))
        width = len(names)
        chunks = [chunk for chunk in read_cells(table, separator, width, [], range(width), CHUNK_ROWS) if len(chunk)]
        if not chunks:
            raise InputError("found a header without rows, expected rows of faces")
        cells = pd.concat(chunks, ignore_index=True)
        if (wide := ~blank(cells[width])).any():
            raise InputError(f"row {int(wide.argmax()) + 1}: found more cells than the header's {width}")
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise InputError(f"{path}: found column {twice[0]} {names.count(twice[0])} times, expected it once")
    cells = cells[range(width)].fillna("").astype("str")
    cells.columns = pd.Index(names)
    return names, cells


def _emotion_measures(path: Path, names: Sequence[str], cells: pd.DataFrame) -> pd.DataFrame:
    """Return shares and probabilities of emotions; NaN in rows without an emotion."""
    emotions = cells["emotion"].str.strip()
    has_one = emotions != ""
    probabilities = _probabilities(cells[names[names.index("confidence") + 1 :]], has_one)
    if not probabilities and has_one.any():
        note(f"{path}: found no probabilities that sum to 1 after confidence: only shares of emotions are measured")
    known = dict.fromkeys([*probabilities, *emotions[has_one].unique()])
    shares = {(SHARE, name): (emotions == name).astype(float).where(has_one) for name in known}
    means = {(PROBABILITY, name): values.where(has_one) for name, values in probabilities.items()}
    return _as_frame({**shares, **means}, cells.index)


def _probabilities(cells: pd.DataFrame, has_one: pd.Series) -> dict[str, pd.Series]:
    """Return the first columns that sum to 1 in all rows with an emotion. Further columns are the user's own."""
    total = pd.Series(0.0, cells.index)
    columns: dict[str, pd.Series] = {}
    for name in cells:
        columns[str(name)] = pd.Series(as_numbers(cells[name]), cells.index)
        total += columns[str(name)]
        if (total - 1).abs()[has_one].le(_ROUNDING).all():
            return columns
    return {}


def _au_measures(path: Path, rows: int, notes: Notes) -> pd.DataFrame:
    with open_aus(path, needed=()) as table:  # an AU without a column is not measured, so none counts as 0
        intensities = np.concatenate([chunk.intensities for chunk in read_chunks(table, notes)])
        given = table.aus
    if len(intensities) != rows:
        raise InputError(f"found {len(intensities):,} rows of AUs in {rows:,} lines, expected as many")
    columns = {(INTENSITY, name): intensities[:, i] for i, name in enumerate(COLUMNS) if AUS[i] in given}
    return _as_frame(columns, pd.RangeIndex(rows))


def _as_frame(columns: Mapping[tuple[str, str], object], index: pd.Index) -> pd.DataFrame:
    frame = pd.DataFrame(dict(enumerate(columns.values())), index)
    frame.columns = pd.Index(list(columns), tupleize_cols=False)
    return frame


def _groups(path: Path, names: Sequence[str], cells: pd.DataFrame, grouping: Grouping) -> pd.DataFrame:
    """Return person and condition of each row, as text; "" if a row has none."""
    groups = pd.DataFrame(_ANY, cells.index, GROUP)
    for key, name in zip(GROUP, (grouping.person, grouping.condition), strict=True):
        if name:
            groups[key] = cells[name].str.strip()
    if grouping.pattern:
        files = cells["file"] if "file" in names else pd.Series(path.name, cells.index)
        matches = {file: grouping.pattern.search(file) for file in files.unique()}
        for key in set(grouping.pattern.groupindex) & {*GROUP}:
            groups[key] = [match[key] or "" if (match := matches[file]) else "" for file in files]
    return groups


def measures_in(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the columns of measures: kind and name."""
    columns: list[Any] = rows.columns.tolist()
    return [column for column in columns if isinstance(column, tuple)]
