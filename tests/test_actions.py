"""The action table becomes probabilities."""

from pathlib import Path

import pytest

from mien.actions import action_map, load_actions
from mien.emotions import FER2013
from mien.errors import InputError

TABLE = Path(__file__).parents[1] / "src/mien/tables/actions.yaml"


def test_probabilities_of_an_emotion_sum_to_one_and_fall() -> None:
    actions = action_map(load_actions(TABLE))
    assert list(actions["emotion"].unique()) == list(FER2013)
    for _, of_emotion in actions.groupby("emotion"):
        assert len(of_emotion) >= 10
        assert of_emotion["probability"].sum() == pytest.approx(1, abs=1e-3)
        assert of_emotion["probability"].is_monotonic_decreasing
        assert list(of_emotion["rank"]) == list(range(1, len(of_emotion) + 1))


def test_a_table_without_all_emotions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "actions.yaml").write_text("source: test\nemotions: {happy: {laugh: 1}}\n")
    with pytest.raises(InputError, match="expected angry, disgust"):
        load_actions(tmp_path / "actions.yaml")
