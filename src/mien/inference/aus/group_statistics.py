"""Statistics of people under conditions: means, intervals, and changes from each person's own baseline.

Emotion tables of `mien image`, `video` and `aus` give shares and mean probabilities of emotions; AU tables give mean
intensities; tables with both give all of these. The unit is the person: the mean of everyone is the mean of their
means.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien._io.errors import InputError, note, within
from mien._io.output import as_text
from mien.aus.facs import AUS, COLUMNS
from mien.aus.readers import open_aus
from mien.aus.readers.au_file import CHUNK_ROWS
from mien.aus.readers.csv_cells import as_numbers, blank, read_cells, skip_preamble
from mien.aus.readers.formats import has_aus
from mien.aus.readers.forms import as_csv
from mien.aus.readers.identity import FRAME, PERSON, identity_columns
from mien.inference.aus.au_output import output_stream
from mien.inference.aus.au_tables import Notes, read_chunks
from mien.inference.aus.face_numbers import WITHIN, name_people, places_of_numbers
from mien.inference.aus.resampling import interval, means_of, resampled_means

#: The columns of the statistics.
STATISTICS = (
    "person", "condition", "kind", "measure", "n", "count", "mean", "low", "high", "baseline", "change", "change_low",
    "change_high",
)  # fmt: skip
#: The word for all people together, in the column person.
EVERYONE = "everyone"

_ANY = "all"  # the person or condition if rows are not distinguished

_ROUNDING = 0.01  # tolerance of a sum of probabilities with four digits
_SHARE, _PROBABILITY, _INTENSITY = "share", "probability", "intensity"
_GROUP = ["person", "condition"]


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
    kinds = [{kind for kind, _ in _measures(frame)} & {_SHARE, _INTENSITY} for frame in frames]
    for path, kind in zip(paths, kinds, strict=True):
        if kind != kinds[0]:
            raise InputError(f"{path}: found a table of another kind than {paths[0]}, expected emotions or AUs in all")
    rows = name_people(pd.concat(frames, ignore_index=True), [frame[WITHIN] for frame in frames], grouping.numbered)
    _note_lacking(paths, frames, _measures(rows))
    shares = [name for name in _measures(rows) if name[0] == _SHARE]
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
        lacking = [name for name in measures if name[0] != _SHARE and name not in frame]
        if lacking:
            emotions = ", ".join(name for kind, name in lacking if kind == _PROBABILITY)
            aus = [name for kind, name in lacking if kind == _INTENSITY]
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
    shares = {(_SHARE, name): (emotions == name).astype(float).where(has_one) for name in known}
    means = {(_PROBABILITY, name): values.where(has_one) for name, values in probabilities.items()}
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
    columns = {(_INTENSITY, name): intensities[:, i] for i, name in enumerate(COLUMNS) if AUS[i] in given}
    return _as_frame(columns, pd.RangeIndex(rows))


def _as_frame(columns: Mapping[tuple[str, str], object], index: pd.Index) -> pd.DataFrame:
    frame = pd.DataFrame(dict(enumerate(columns.values())), index)
    frame.columns = pd.Index(list(columns), tupleize_cols=False)
    return frame


def _groups(path: Path, names: Sequence[str], cells: pd.DataFrame, grouping: Grouping) -> pd.DataFrame:
    """Return person and condition of each row, as text; "" if a row has none."""
    groups = pd.DataFrame(_ANY, cells.index, _GROUP)
    for key, name in zip(_GROUP, (grouping.person, grouping.condition), strict=True):
        if name:
            groups[key] = cells[name].str.strip()
    if grouping.pattern:
        files = cells["file"] if "file" in names else pd.Series(path.name, cells.index)
        matches = {file: grouping.pattern.search(file) for file in files.unique()}
        for key in set(grouping.pattern.groupindex) & {*_GROUP}:
            groups[key] = [match[key] or "" if (match := matches[file]) else "" for file in files]
    return groups


def _measures(rows: pd.DataFrame) -> list[tuple[str, str]]:
    columns: list[Any] = rows.columns.tolist()
    return [column for column in columns if isinstance(column, tuple)]


def _values(rows: pd.DataFrame, measures: Sequence[tuple[str, str]]) -> np.ndarray:
    return np.stack([rows[name].to_numpy(float) for name in measures], axis=1)


def statistics(rows: pd.DataFrame, baseline: str | None = None) -> pd.DataFrame:
    """Return the statistics of each person and of everyone, by condition and measure, in the columns of `STATISTICS`.

    - n: rows of the person that have the measure; for everyone, people. count: rows with the emotion.
    - mean, with its 95 % interval low .. high: percentile bootstrap (Efron & Tibshirani 1993), the same each time; for
      more than 2,000 rows the normal interval, which then agrees. Empty if n is 0 or 1.
    - baseline, change and its interval: the mean under the baseline, and the difference from it; for everyone, the mean
      of the people's own changes, over people who have both.

    Args:
        rows: what `read_tables` returns.
        baseline: the condition that others are compared with.
    """
    measures = _measures(rows)
    rng = np.random.default_rng(0)
    people: dict[str, dict[str, np.ndarray]] = {}
    for (person, condition), of_group in rows.groupby(_GROUP, sort=True):
        people.setdefault(str(person), {})[str(condition)] = _values(of_group, measures)
    conditions = sorted(set(rows["condition"]), key=lambda name: (name != baseline, name))
    frames = [_of_person(name, groups, conditions, measures, baseline, rng) for name, groups in people.items()]
    if len(people) > 1:
        means = {
            condition: pd.DataFrame({name: means_of(groups[condition]) for name, groups in people.items()
                                     if condition in groups}).T
            for condition in conditions
        }  # fmt: skip
        frames.append(_of_everyone(means, measures, baseline, rng))
    return pd.concat(frames, ignore_index=True)[list(STATISTICS)]


def _of_person(
    person: str,
    groups: Mapping[str, np.ndarray],
    conditions: Sequence[str],
    measures: Sequence[tuple[str, str]],
    baseline: str | None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    resampled = {name: resampled_means(values, rng) for name, values in groups.items()}
    frames = []
    for name in (name for name in conditions if name in groups):
        values = groups[name]
        lines = _lines(person, name, measures, values)
        lines["count"] = [
            int(total) if kind == _SHARE else None
            for (kind, _), total in zip(measures, values.sum(axis=0), strict=True)
        ]
        lines["low"], lines["high"] = interval(resampled[name])
        if baseline is not None and baseline in groups and name != baseline:
            rest = means_of(groups[baseline])
            lines["baseline"], lines["change"] = rest, means_of(values) - rest
            lines["change_low"], lines["change_high"] = interval(resampled[name] - resampled[baseline])
        frames.append(lines)
    return pd.concat(frames, ignore_index=True)


def _of_everyone(
    means: Mapping[str, pd.DataFrame],
    measures: Sequence[tuple[str, str]],
    baseline: str | None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the rows of everyone. means: by condition, the means of each person who has it, (people, measures)."""
    frames = []
    for name, of_people in means.items():
        lines = _lines(EVERYONE, name, measures, of_people.to_numpy())
        lines["low"], lines["high"] = interval(resampled_means(of_people.to_numpy(), rng))
        if baseline is not None and name != baseline:
            rest = means[baseline].loc[means[baseline].index.isin(of_people.index)]
            changes = of_people.loc[rest.index] - rest
            _note_without_change(name, baseline, of_people, changes, measures)
            if len(rest):
                lines["baseline"] = means_of(rest.where(changes.notna()).to_numpy())
                lines["change"] = means_of(changes.to_numpy())
                lines["change_low"], lines["change_high"] = interval(resampled_means(changes.to_numpy(), rng))
        frames.append(lines)
    return pd.concat(frames, ignore_index=True)


def _note_without_change(
    condition: str,
    baseline: str,
    of_people: pd.DataFrame,
    changes: pd.DataFrame,
    measures: Sequence[tuple[str, str]],
) -> None:
    """Note the people who have a condition, or measures under it, but not the baseline, or not these measures."""
    people = len(of_people)
    if missing := people - len(changes):
        note(f"{missing:,} of {people:,} people lack {baseline}: excluded from the change under {condition}")
    lacking = of_people.loc[changes.index].notna() & changes.isna()
    if without := int(lacking.any(axis=1).sum()):
        names = ", ".join(measure for (_, measure), lacks in zip(measures, lacking.any(), strict=True) if lacks)
        note(
            f"{without:,} of {people:,} people lack {names} under {baseline}: excluded from that change under "
            f"{condition}"
        )


def _lines(person: str, condition: str, measures: Sequence[tuple[str, str]], values: np.ndarray) -> pd.DataFrame:
    lines = pd.DataFrame(measures, columns=["kind", "measure"]).assign(
        person=person, condition=condition, n=(~np.isnan(values)).sum(axis=0), mean=means_of(values)
    )
    return lines.reindex(columns=list(STATISTICS))


def write_statistics(paths: Sequence[Path], grouping: Grouping, output: Path | None) -> pd.DataFrame:
    """Write the statistics of tables as CSV to `output` or stdout, and return them.

    Raises:
        InputError: see `read_tables`; or the output cannot be written, or is one of the tables.
    """
    if output and output.resolve() in [path.resolve() for path in paths]:
        raise InputError(f"{output}: is both read and the --output, expected another name")
    lines = statistics(read_tables(paths, grouping), grouping.baseline)
    printed = lines.astype({"count": "Int64"}).round(4)
    for name in ("person", "condition"):
        printed[name] = printed[name].map(as_text)
    with output_stream(output) as stream:
        printed.to_csv(stream, index=False, lineterminator="\n")
    return lines
