"""A network that is worse than another one is refused: overall, by class and by slice, and not for what chance does."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import Run
from helpers.networks import brightness_network, faces_by_brightness

from mien._io.errors import InputError
from mien.evaluation.gate import Gate, check_margin

ALL = np.arange(1000)


def gate(lost: int, won: int = 0, margin: float = 0.02, **groups: np.ndarray) -> Gate:
    """Compare a network that loses the first `lost` of 1,000 images with one that loses the last `won`."""
    right, against = np.full(1000, True), np.full(1000, True)
    right[:lost] = against[1000 - won :] = False
    return Gate.of({"accuracy": ALL} | groups, right, against, margin)


def test_a_loss_beyond_the_margin_is_refused_in_one_line() -> None:
    assert gate(21).refusals == [
        "accuracy: found 0.9790, expected at least 0.9800 (the other network: 1.0000, margin 0.02; of 1,000 images 21 "
        "are lost, 0 won)"
    ]
    assert gate(20).refusals == []
    assert gate(21, margin=0.03).refusals == []
    assert gate(0).refusals == gate(0, won=400).refusals == []


def test_what_chance_explains_is_not_refused() -> None:
    assert gate(430, won=400).refusals == []  # 3 points worse, yet 430 against 400 is a toss of a coin
    assert gate(430, won=300).refusals != []
    few = gate(2, rare=np.arange(4), rarer=ALL[:1])
    assert few.refusals == []
    assert few.notes() == ["too few images to tell whether it is worse: rare, rarer"]


def test_a_class_is_refused_where_all_together_are_not() -> None:
    found = gate(15, rare=np.arange(30))
    assert [line.partition(":")[0] for line in found.refusals] == ["rare"]
    assert found.table["worse"].tolist() == [False, True]
    assert found.to_text().splitlines()[-1] == "worse in 1 of 2 groups of images"


@pytest.mark.parametrize("margin", [-0.1, 1.0, 5.0, float("nan")])
def test_a_margin_is_a_share_of_images(margin: float) -> None:
    with pytest.raises(InputError, match=rf"^--margin: found {margin:g}, expected 0 or more, below 1"):
        check_margin(margin)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return faces_by_brightness(tmp_path / "faces.zip", 60)


def test_score_compares_two_networks(mien: Run, faces: Path, tmp_path: Path) -> None:
    good = brightness_network(tmp_path / "good")
    blind = brightness_network(tmp_path / "blind", classes=["angry", "sad", "happy"])  # takes happy and sad for another
    out, _ = mien("score", faces, "--model", blind, "--against", good, code=3)
    lines = [line for line in out.splitlines() if line.startswith("worse")]
    assert lines[0].startswith("worse: accuracy: found 0.3333, expected at least 0.9800 (the other network: 1.0000")
    assert [line.split(":")[1] for line in lines[1:3]] == [" recall of sad", " recall of happy"]
    assert any(line.startswith("worse: accuracy of brightness, 127 to 223: found 0.0000") for line in lines)
    assert lines[-1] == "worse in 6 of 8 groups of images"
    figures = json.loads(mien("score", faces, "--model", good, "--against", blind, "--json")[0])
    assert (figures["accuracy"], figures["against"]["worse"]) == (1.0, [])
    assert figures["against"]["groups"][0] == {
        "group": "accuracy", "images": 180, "accuracy": 1.0, "accuracy_against": 0.3333, "lost": 0, "won": 120,
        "p": 1.0, "worse": False,
    }  # fmt: skip
    assert mien("score", faces, "--model", good, "--against", good)[1] == ""


def test_networks_of_other_classes_cannot_be_compared(mien: Run, faces: Path, tmp_path: Path) -> None:
    good = brightness_network(tmp_path / "good")
    other = brightness_network(tmp_path / "other", classes=["angry", "happy", "fear"])
    assert (
        "the network to compare with: found classes angry, happy, fear, expected those of the other one: angry, happy,"
        " sad" in mien("score", faces, "--model", good, "--against", other, code=2)[1]
    )
    assert "--margin: found no --against" in mien("score", faces, "--model", good, "--margin", 0.1, code=2)[1]
