"""Synthetic Action Unit data, drawn from AU tables: exactly by their rules, or as coders report real faces."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.aus.facs import AUS, BRINGS_ALONG, COLUMNS, CROSSTALK
from mien.aus.rules import AuTable, Rule
from mien.config import Intensities, Realism
from mien.emotions import BASIC, FER2013
from mien.splits import SPLITS, stratified_split

_MAX_DRAWS = 100


def generate(
    table: AuTable, samples: int, neutral: bool, ranges: Intensities, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw `samples` rows per emotion, in the table's order. Neutral, if wanted, comes last.

    No row meets the rule of an emotion of higher priority than its own; a neutral row meets none.

    Returns:
        Columns AU01 .. AU26 (float, 0..100, two digits) and emotion.

    Raises:
        InputError: the table or the ranges leave no room for an emotion.
    """
    rules = list(table.emotions.items())
    frames = [
        _frame(name, _draw(name, rule, rules[:priority], samples, ranges, rng))
        for priority, (name, rule) in enumerate(rules)
    ]
    if neutral:
        frames.append(_frame("neutral", _draw("neutral", None, rules, samples, ranges, rng)))
    return pd.concat(frames, ignore_index=True)


def generate_realistic(
    tables: Sequence[AuTable], samples: int, neutral: bool, realism: Realism, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw `samples` rows per emotion as coders report real faces, and further rows as a tool does. Neutral comes last.

    Every AU is present with its own probability and may bring other AUs along. Several tables take turns in the rows of
    an emotion. The tool's rows of an emotion follow those of the coders, see `ToolNoise`.

    Returns:
        Columns AU01 .. AU26 (float, 0..100, two digits) and emotion, with the emotions in the order of `BASIC`.

    Raises:
        InputError: `realism.tool` names an AU that is not one of `COLUMNS`.
    """
    if unknown := {*realism.tool.rest, *realism.tool.unreported} - {*COLUMNS}:
        raise InputError(f"realism.tool: found {min(unknown)}, expected AUs of {', '.join(COLUMNS)}")
    (tool_rng,) = rng.spawn(1)  # a separate one, so that the tool does not change the coded rows
    measured = round(samples * realism.tool.share / (1 - realism.tool.share))
    rules = {name: [table.emotions[name] for table in tables if name in table.emotions] for name in BASIC}
    presence = {
        name: _presence_probabilities(by_table, samples, realism) for name, by_table in rules.items() if by_table
    }
    if neutral:
        presence["neutral"] = np.full((samples, len(AUS)), realism.false_alarms)
    frames = []
    for name, probabilities in presence.items():
        ratio = realism.tool.neutral_ratio if name == "neutral" else 1
        by_tool = np.resize(probabilities, (round(measured * ratio), len(AUS)))
        rows = [_code(probabilities, realism, rng), _measure(by_tool, realism, tool_rng)]
        frames.append(_frame(name, np.concatenate(rows)))
    return pd.concat(frames, ignore_index=True)


def _presence_probabilities(rules: list[Rule], samples: int, realism: Realism) -> np.ndarray:
    """Return the probability that each AU is present: (samples, AUs). The rules take turns."""
    shown = 1 - realism.missed
    per_rule = np.array(
        [
            [
                shown if au in rule.positive else max(shown * rule.optional.get(au, 0), realism.false_alarms)
                for au in AUS
            ]
            for rule in rules
        ]
    )
    return np.resize(per_rule, (samples, len(AUS)))


def _present(probabilities: np.ndarray, realism: Realism, rng: np.random.Generator) -> np.ndarray:
    """Draw which AUs are present, bool (samples, AUs), from their probabilities. Some bring others along."""
    present = rng.random(probabilities.shape) < probabilities
    for cause, effect in BRINGS_ALONG:
        brought = present[:, AUS.index(cause)] & (rng.random(len(present)) < realism.brought_along)
        present[:, AUS.index(effect)] |= brought
    return present


def _code(probabilities: np.ndarray, realism: Realism, rng: np.random.Generator) -> np.ndarray:
    """Draw intensities from the probabilities that AUs are present: float (samples, AUs), 0..100."""
    present = _present(probabilities, realism, rng)
    low = np.where(present, realism.present[0], realism.absent[0])
    high = np.where(present, realism.present[1], realism.absent[1])
    codes = rng.uniform(low, high)
    presence_only = rng.random((len(codes), 1)) < realism.presence_only
    return np.round(np.where(presence_only, 100.0 * present, codes), 2)


def _measure(probabilities: np.ndarray, realism: Realism, rng: np.random.Generator) -> np.ndarray:
    """Draw intensities as a tool reports them (see `ToolNoise`): float (samples, AUs), 0..100."""
    tool = realism.tool
    present = _present(probabilities, realism, rng)
    for cause, effect in CROSSTALK:
        present[:, AUS.index(effect)] |= present[:, AUS.index(cause)] & (rng.random(len(present)) < tool.crosstalk)
    rest = np.array([tool.rest.get(name, tool.faint_rest) for name in COLUMNS])
    gain = np.array([tool.gain if name in tool.rest else tool.faint_gain for name in COLUMNS])
    moved = present * gain * rng.uniform(realism.present[0], realism.present[1], present.shape)
    fade = rng.uniform(tool.fade, 1, (len(present), 1))
    intensities = fade * (rest * rng.exponential(size=present.shape) + moved)
    return np.round(np.where(np.isin(COLUMNS, tool.unreported), 0, intensities.clip(0, 100)), 2)


def assign_splits(emotions: pd.Series, validation_share: float, test_share: float, seed: int) -> pd.Series:
    """Assign each row to train, validation or test, stratified, seeded. Validation is a share of what test leaves."""
    splits = pd.Series("train", index=emotions.index, name="split")
    for name, share in (("test", test_share), ("validation", validation_share)):
        splits[stratified_split(emotions[splits == "train"], share, name, seed)] = name
    return splits


def check_rows(rows: pd.DataFrame, path: object) -> pd.DataFrame:
    """Check rows that generate_aus wrote, and return them unchanged.

    Raises:
        InputError: a column is missing, a value is invalid, or an emotion has no row in one of the splits.
    """
    if missing := [name for name in (*COLUMNS, "emotion", "split") if name not in rows]:
        raise InputError(f"{path}: found no column {missing[0]}, expected the output of generate_aus")
    wrong = {name: ~pd.to_numeric(rows[name].astype("str"), errors="coerce").between(0, 100) for name in COLUMNS}
    wrong |= {name: ~rows[name].isin(known) for name, known in (("emotion", FER2013), ("split", SPLITS))}
    for name, is_wrong in wrong.items():
        if is_wrong.any():
            cell, row = rows.loc[is_wrong, name].iloc[0], int(is_wrong.argmax()) + 1
            expected = "a number 0..100" if name in COLUMNS else f"an {name}" if name == "emotion" else "a split"
            shown = repr(cell) if isinstance(cell, str) else cell
            raise InputError(f"{path}: row {row}, column {name}: found {shown}, expected {expected}")
    present = set(zip(rows["emotion"], rows["split"], strict=True))
    expected_pairs = [(emotion, name) for emotion in rows["emotion"].unique() for name in SPLITS]
    absent = [" ".join(pair) for pair in expected_pairs if pair not in present]
    if absent or not expected_pairs:
        raise InputError(
            f"{path}: found no row of {absent[0] if absent else 'any emotion'}, expected each emotion in each split"
        )
    return rows


def split_arrays(rows: pd.DataFrame, split_name: str, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return intensities, float32 (N, AUs), and labels, int (N,) into `classes`, of one split of generated rows.

    Raises:
        InputError: the emotion of a row is not among the classes.
    """
    selected = rows[rows["split"] == split_name]
    if unknown := set(selected["emotion"]) - set(classes):
        raise InputError(f"found rows of {min(unknown)}, expected only those of {', '.join(classes)}")
    return selected[COLUMNS].to_numpy(np.float32), selected["emotion"].map(classes.index).to_numpy()


def _frame(emotion: str, intensities: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(intensities, columns=COLUMNS).assign(emotion=emotion)


def _draw(
    name: str,
    rule: Rule | None,
    prior: list[tuple[str, Rule]],
    samples: int,
    ranges: Intensities,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw rows of one emotion. Rows that meet a rule of `prior` emotions are drawn again."""
    low, high, skew = _bounds(rule, ranges)
    positive_from, negative_to = ranges.positive[0], ranges.quiet[1]
    rows = np.empty((samples, len(AUS)))
    wrong = np.arange(samples)
    for _ in range(_MAX_DRAWS):
        rows[wrong] = np.round(low + (high - low) * rng.random((len(wrong), len(AUS))) ** skew, 2)
        met = {other: r.holds(rows[wrong], positive_from, negative_to) for other, r in prior}
        clashes = np.any(list(met.values()), axis=0) if met else np.zeros(len(wrong), bool)
        if not clashes.any():
            return rows
        wrong = wrong[clashes]
    rival = max(met, key=lambda other: met[other].sum())
    raise InputError(
        f"emotion {name!r} cannot be drawn: after {_MAX_DRAWS} draws {len(wrong)} of {samples} rows still meet "
        f"the rule of {rival!r}, which has priority; expected rules or intensity ranges that leave room for it"
    )


def _bounds(rule: Rule | None, ranges: Intensities) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return low, high and skew of each AU, (AUs,) each, for an emotion's rule; None means neutral."""
    if rule is None:
        bounds = [(*ranges.neutral, ranges.skew) for _ in AUS]
    else:
        bounds = [
            (*ranges.positive, 1.0)
            if au in rule.positive
            else (*(ranges.optional if au in rule.optional else ranges.quiet), ranges.skew)
            for au in AUS
        ]
    low, high, skew = np.array(bounds).T
    return low, high, skew
