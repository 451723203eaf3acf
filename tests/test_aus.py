"""Synthetic Action Units obey the table they are drawn from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien import aus
from mien.errors import InputError
from mien.facs import AUS, COLUMNS, AuTable, column

TABLE = AuTable.read(Path(__file__).parents[1] / "src/mien/tables/seed.yaml")
RANGES = aus.Intensities(
    positive=[95.0, 100.0], quiet=[0.0, 85.0], optional=[0.0, 100.0], neutral=[0.0, 40.0], skew=1.0
)


def generate(seed: int = 0, samples: int = 500) -> pd.DataFrame:
    return aus.generate(TABLE, samples, True, RANGES, np.random.default_rng(seed))


def holds(rows: pd.DataFrame, emotion: str) -> np.ndarray:
    return TABLE.emotions[emotion].holds(rows[COLUMNS].to_numpy(), 95, 85)


def test_classes_are_exactly_balanced_in_the_order_of_the_table() -> None:
    counts = generate()["emotion"].value_counts(sort=False)
    assert list(counts.index) == [*TABLE.emotions, "neutral"]
    assert set(counts) == {500}


@pytest.mark.parametrize("emotion", TABLE.emotions)
def test_rows_meet_their_own_rule_and_none_before_it(emotion: str) -> None:
    rows = generate()
    rows = rows[rows["emotion"] == emotion]
    rule = TABLE.emotions[emotion]
    assert rows[[column(au) for au in rule.positive]].to_numpy().min() >= 95
    assert rows[[column(au) for au in rule.negative]].to_numpy().max() <= 85
    for before in list(TABLE.emotions)[: list(TABLE.emotions).index(emotion)]:
        assert not holds(rows, before).any()


def test_neutral_meets_no_rule() -> None:
    rows = generate()
    rows = rows[rows["emotion"] == "neutral"]
    assert not any(holds(rows, emotion).any() for emotion in TABLE.emotions)


def test_the_seed_decides() -> None:
    assert generate(1).equals(generate(1))
    assert not generate(1).equals(generate(2))


def test_optional_aus_reach_both_ends() -> None:
    rows = generate()
    angry = rows.loc[rows["emotion"] == "angry", column(17)]
    assert angry.min() < 10
    assert angry.max() > 90


def test_coding_errors_come_at_their_rates() -> None:
    rows = generate(samples=2000)
    coded = aus.as_coded(rows, aus.CodingErrors(missed=0.1, false_alarms=0.02), np.random.default_rng(1))
    true, seen = rows[COLUMNS].to_numpy() >= 50, coded[COLUMNS].to_numpy() >= 50
    assert (true & ~seen).sum() / true.sum() == pytest.approx(0.1, abs=0.01)
    assert (~true & seen).sum() / (~true).sum() == pytest.approx(0.02, abs=0.005)
    assert coded["emotion"].equals(rows["emotion"])


def test_a_coder_without_errors_changes_nothing() -> None:
    rows = generate()
    assert aus.as_coded(rows, aus.CodingErrors(missed=0.0, false_alarms=0.0), np.random.default_rng(0)).equals(rows)


def test_splits_are_stratified() -> None:
    emotions = generate()["emotion"]
    counts = pd.crosstab(emotions, aus.split(emotions, 0.2, 0.1, seed=3))
    assert set(counts["test"]) == {50}
    assert set(counts["validation"]) == {90}
    assert set(counts["train"]) == {360}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{positive: [12, 99], negative: [], optional: {}}", "found AU 99"),
        ("{positive: [12], negative: [12], optional: {}}", "AU 12 is named twice"),
        ("{positive: [], negative: [], optional: {}}", "positive"),
        ("{positive: [twelve], negative: [], optional: {}}", "'twelve'"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(tmp_path: Path, rule: str, words: str) -> None:
    path = tmp_path / "table.yaml"
    path.write_text(f"source: test\nemotions:\n  happy: {rule}\n")
    with pytest.raises(InputError, match=words):
        AuTable.read(path)


def test_the_table_names_known_aus() -> None:
    rules = TABLE.emotions.values()
    assert {au for rule in rules for au in [*rule.positive, *rule.negative, *rule.optional]} <= set(AUS)
