"""Statistics of people under conditions: means, intervals, and changes from each person's own baseline.

The unit is the person: the mean of everyone is the mean of their means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mien._io.errors import InputError, note
from mien._io.output import as_text
from mien.aus.readers.identity import key
from mien.inference.aus.au_output import output_stream
from mien.inference.aus.emotion_measures import SHARE
from mien.inference.aus.group_tables import GROUP, Grouping, measures_in, read_tables
from mien.inference.aus.resampling import interval, means_of, resampled_means

#: The columns of the statistics.
STATISTICS = (
    "person", "condition", "kind", "measure", "n", "count", "mean", "low", "high", "baseline", "change", "change_low",
    "change_high",
)  # fmt: skip
#: The word for all people together, in the column person.
EVERYONE = "everyone"


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
    measures = measures_in(rows)
    rng = np.random.default_rng(0)
    people: dict[str, dict[str, np.ndarray]] = {}
    for (person, condition), of_group in rows.groupby(GROUP, sort=True):
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
            int(total) if kind == SHARE else None for (kind, _), total in zip(measures, values.sum(axis=0), strict=True)
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
    baseline = None if grouping.baseline is None else key(grouping.baseline)
    lines = statistics(read_tables(paths, replace(grouping, baseline=baseline)), baseline)
    printed = lines.astype({"count": "Int64"}).round(4)
    for name in ("person", "condition"):
        printed[name] = printed[name].map(as_text)
    with output_stream(output) as stream:
        printed.to_csv(stream, index=False, lineterminator="\n")
    return lines
