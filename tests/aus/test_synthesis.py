"""Synthetic Action Units obey the table they are drawn from."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mien._io.errors import InputError
from mien.aus import synthesis
from mien.aus.facs import AUS, COLUMNS, column
from mien.aus.rules import AuTable
from mien.config import Intensities, Realism, load_params
from mien.emotions import BASIC

TABLE = AuTable.read(Path(__file__).parents[2] / "src/mien/aus/tables/prototypes.yaml")
RANGES = Intensities(positive=[95.0, 100.0], quiet=[0.0, 85.0], optional=[0.0, 100.0], neutral=[0.0, 40.0], skew=1.0)


def generate(seed: int = 0, samples: int = 500) -> pd.DataFrame:
    return synthesis.generate(TABLE, samples, True, RANGES, np.random.default_rng(seed))


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


TOOL = load_params(Path(__file__).parents[2] / "params.yaml").generate_aus.realism.tool
REALISM = Realism(
    missed=0.2, false_alarms=0.05, brought_along=0.5, present=[20.0, 100.0], absent=[0.0, 15.0], presence_only=0.5,
    tool=TOOL.model_copy(update={"share": 0.0}),
)  # fmt: skip


def realistic(tables: list[str], samples: int = 4000, **changes: Any) -> pd.DataFrame:
    realism = REALISM.model_copy(update=changes)
    return synthesis.generate_realistic(
        [AuTable.load(name) for name in tables], samples, True, realism, np.random.default_rng(1)
    )


def shown(rows: pd.DataFrame, emotion: str, au: int) -> float:
    """Return the share of an emotion's rows that show an AU."""
    return float((rows.loc[rows["emotion"] == emotion, column(au)] >= 20).mean())


def test_realistic_rows_show_each_au_at_its_share() -> None:
    rows = realistic(["du_martinez"], brought_along=0.0)
    assert shown(rows, "happy", 12) == pytest.approx(0.8, abs=0.03)
    assert shown(rows, "happy", 6) == pytest.approx(0.8 * 0.51, abs=0.03)
    assert shown(rows, "happy", 9) == pytest.approx(0.05, abs=0.02)
    assert shown(rows, "neutral", 12) == pytest.approx(0.05, abs=0.02)


def test_some_aus_bring_others_along() -> None:
    rows = realistic(["du_martinez"])
    assert shown(rows, "disgust", 7) == pytest.approx(1 - (1 - 0.05) * (1 - 0.8 * 0.5), abs=0.04)


def test_tables_take_turns() -> None:
    rows = realistic(["prototypes", "du_martinez"], brought_along=0.0)
    assert shown(rows, "angry", 24) == pytest.approx((0.8 + 0.05) / 2, abs=0.03)
    assert shown(rows, "angry", 23) == pytest.approx((0.8 + 0.8 * 0.29) / 2, abs=0.03)


def test_without_errors_realistic_rows_are_the_prototypes() -> None:
    rows = realistic(["emfacs"], missed=0.0, false_alarms=0.0, brought_along=0.0, presence_only=1.0)
    table = AuTable.load("emfacs")
    for emotion, of_emotion in rows.groupby("emotion"):
        (prototype,) = of_emotion[COLUMNS].drop_duplicates().to_numpy()
        expected = table.emotions[str(emotion)].positive if emotion != "neutral" else []
        assert [au for au, value in zip(AUS, prototype, strict=True) if value == 100] == sorted(expected)
        assert set(prototype) <= {0, 100}


def test_half_of_the_realistic_rows_say_presence_only() -> None:
    binary = realistic(["prototypes"])[COLUMNS].isin([0, 100]).all(axis=1)
    assert binary.mean() == pytest.approx(0.5, abs=0.02)


def test_rows_of_a_tool_come_beside_those_of_coders_and_leave_them_as_they_are() -> None:
    coded = realistic(["emfacs"], 1000)
    rows = realistic(["emfacs"], 1000, tool=TOOL.model_copy(update={"share": 0.5}))
    assert dict(rows["emotion"].value_counts()) == {"neutral": 4000, **dict.fromkeys(BASIC, 2000)}
    by_tool = rows.groupby("emotion").cumcount() >= 1000
    assert rows[~by_tool].reset_index(drop=True).equals(coded)
    means = {str(name): dict(of_emotion[COLUMNS].mean()) for name, of_emotion in rows[by_tool].groupby("emotion")}
    assert max(means["neutral"].values()) < 30
    assert means["happy"]["AU12"] > means["sad"]["AU12"] + 10
    assert all(means["disgust"][name] > means["happy"][name] + 10 for name in ("AU04", "AU07", "AU10"))
    assert all(mean["AU16"] == mean["AU24"] == 0 for mean in means.values())
    faint = ("AU01", "AU02", "AU05", "AU09", "AU15", "AU20", "AU23")
    assert max(mean[name] for mean in means.values() for name in faint) < 10


@pytest.mark.parametrize("changes", [{"rest": {"AU03": 5.0}}, {"unreported": ["AU03"]}])
def test_a_tool_has_known_aus_only(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"realism.tool: found AU03, expected AUs of AU01, "):
        realistic(["emfacs"], 10, tool=TOOL.model_copy(update=changes))


@pytest.mark.parametrize("name", ["prototypes", "emfacs", "du_martinez"])
def test_a_prototype_resembles_its_own_emotion_most(name: str) -> None:
    table = AuTable.load(name)
    prototypes = np.array([[100.0 * (au in rule.positive) for au in AUS] for rule in table.emotions.values()])
    scores = table.rule_scores(prototypes)
    assert list(scores.argmax(axis=1)) == list(range(len(table.emotions)))
    assert np.diag(scores) == pytest.approx(1)


def test_a_face_at_rest_resembles_no_emotion() -> None:
    assert not TABLE.rule_scores(np.zeros((1, len(AUS)))).any()


def test_splits_are_stratified() -> None:
    emotions = generate()["emotion"]
    counts = pd.crosstab(emotions, synthesis.assign_splits(emotions, 0.2, 0.1, seed=3))
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
