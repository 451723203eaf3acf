"""FER+: votes of taggers become labels and targets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.ferplus import VOTES_HEADER

from mien._io.errors import InputError
from mien.config import FerPlus
from mien.data.ferplus import csv_rows, read_votes, relabel, soften_labels, vote_shares

NEUTRAL, HAPPY, SURPRISE, SAD, ANGRY, DISGUST, FEAR, CONTEMPT, UNKNOWN, NOT_A_FACE = range(10)


def table(path: Path, *rows: dict[int, int]) -> str:
    """Write a table of votes in the form of fer2013new.csv; its image names are wrong, as they are there."""
    lines = [f"Training,fer{7:07}.png," + ",".join(str(row.get(i, 0)) for i in range(10)) for row in rows]
    path.write_text("\n".join([VOTES_HEADER, *lines]) + "\n")
    return str(path)


def policy(votes: str, **changes: Any) -> FerPlus:
    rules = {"votes": votes, "ties": "drop", "unknown": "drop", "not_a_face": "drop", "share": 0.5}
    return FerPlus.model_validate(rules | changes)


def index(emotions: Sequence[str]) -> pd.DataFrame:
    origins = [f"train/{emotion}/fer{row:07}.jpg" for row, emotion in enumerate(emotions)]
    return pd.DataFrame({"origin": origins, "emotion": emotions, "dropped": ""})


def label(tmp_path: Path, row: dict[int, int], **changes: Any) -> str:
    """Return the emotion of an image by its votes, or why it is dropped."""
    relabelled, _, _ = relabel(index(["fear"]), policy(table(tmp_path / "votes.csv", row), **changes))
    return relabelled["dropped"].iloc[0] or relabelled["emotion"].iloc[0]


@pytest.mark.parametrize(
    ("votes", "rules", "expected"),
    [
        ({HAPPY: 10}, {}, "happy"),
        ({HAPPY: 6, SAD: 4}, {}, "happy"),
        ({CONTEMPT: 6, SAD: 4}, {}, "contempt"),
        ({HAPPY: 5, SAD: 5}, {}, "tie"),
        ({HAPPY: 5, SAD: 3, FEAR: 2}, {}, "tie"),
        ({HAPPY: 5, SAD: 3, FEAR: 1, ANGRY: 1}, {}, "happy"),  # single votes do not count: 5 of 8
        ({HAPPY: 5, SAD: 5}, {"ties": "keep"}, "happy"),  # before sad in the order of FER2013
        ({SAD: 4, NEUTRAL: 4, HAPPY: 2}, {"ties": "keep"}, "sad"),
        ({SAD: 4, UNKNOWN: 4, HAPPY: 2}, {"ties": "keep"}, "sad"),
        ({SAD: 3, UNKNOWN: 5, HAPPY: 2}, {"ties": "keep"}, "unknown"),
        ({UNKNOWN: 6, SAD: 4}, {}, "unknown"),
        ({UNKNOWN: 6, SAD: 4}, {"unknown": "ignore"}, "sad"),
        ({NOT_A_FACE: 6, SAD: 4}, {}, "not_a_face"),
        ({NOT_A_FACE: 6, SAD: 4}, {"not_a_face": "ignore"}, "sad"),
        ({NOT_A_FACE: 10}, {"not_a_face": "ignore"}, "unknown"),  # nothing is left to tell
        (dict.fromkeys(range(10), 1), {}, "unknown"),
        (dict.fromkeys(range(10), 1), {"ties": "keep"}, "unknown"),
    ],
)
def test_the_rules(tmp_path: Path, votes: dict[int, int], rules: dict[str, str], expected: str) -> None:
    assert label(tmp_path, votes, **rules) == expected


def test_images_find_their_votes_by_row(tmp_path: Path) -> None:
    votes = table(tmp_path / "votes.csv", {HAPPY: 10}, {NOT_A_FACE: 10}, {SAD: 10})
    rows = index(["happy", "sad", "sad"])[::-1]
    relabelled, kept, notes = relabel(rows, policy(votes))
    assert list(relabelled["emotion"]) == ["sad", "sad", "happy"]
    assert list(relabelled["dropped"]) == ["", "not_a_face", ""]
    assert kept.shape == (3, 8)
    assert notes == []


def test_labels_that_hardly_agree_are_doubted(tmp_path: Path) -> None:
    votes = table(tmp_path / "votes.csv", *[{HAPPY: 10}] * 5)
    _, _, (note,) = relabel(index(["fear", "sad", "angry", "sad", "happy"]), policy(votes))
    assert note.startswith("only 20% of the images")


def test_votes_become_shares_of_the_classes(tmp_path: Path) -> None:
    rows = {HAPPY: 5, SAD: 2, ANGRY: 1, CONTEMPT: 2}, {SAD: 6, UNKNOWN: 4}, {FEAR: 10}
    _, votes, _ = relabel(index(["happy", "sad", "fear"]), policy(table(tmp_path / "votes.csv", *rows)))
    all_classes = vote_shares(votes, ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt"])
    assert all_classes.dtype == np.float32
    assert all_classes[0] == pytest.approx([0, 0, 0, 5 / 9, 2 / 9, 0, 0, 2 / 9])
    assert vote_shares(votes, ["sad", "happy"]) == pytest.approx(np.array([[2 / 7, 5 / 7], [1, 0], [0, 0]]))


def test_rows_are_read_off_names() -> None:
    names = ["train/fear/fer0000012.jpg", "images/train/angry/7.png", "fer0035886", "0000003.tiff"]
    assert list(csv_rows(pd.Series(names))) == [12, 7, 35886, 3]


@pytest.mark.parametrize("name", ["train/angry/Training_3908.jpg", "a.png", "angry/12b.png", "angry/1.2.png"])
def test_names_that_tell_no_row_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: is not named by its row"):
        csv_rows(pd.Series(["fer0000012.jpg", name]))


def test_an_image_beyond_the_votes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"votes\.csv: found votes for 1 rows, expected some for row 1"):
        relabel(index(["sad", "sad"]), policy(table(tmp_path / "votes.csv", {SAD: 10})))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("", "cannot be read"),
        (VOTES_HEADER.replace(",contempt", "") + "\n", "no column of votes for contempt"),
        (f"{VOTES_HEADER}\nTraining,a,1,2,x,0,0,0,0,0,0,0\n", "row 1: found votes .*'x'"),
        (f"{VOTES_HEADER}\nTraining,a,1,2,3,0,0,0,0,0,0,0\nTraining,a,1,2,-1,0,0,0,0,0,0,0\n", "row 2: found votes"),
        (f"{VOTES_HEADER}\nTraining,a,1,2,0.5,0,0,0,0,0,0,0\n", "row 1: found votes"),
        (f"{VOTES_HEADER}\nTraining,a,1,2,,0,0,0,0,0,0,0\n", "row 1: found votes"),
    ],
)
def test_votes_that_are_none_are_refused(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "votes.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_votes(path)


def test_a_late_word_among_many_votes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    row = "Training,a,1,2,{},0,0,0,0,0,0,0\n"  # more rows than pandas reads at once
    path.write_text(f"{VOTES_HEADER}\n" + row.format(3) * 70_000 + row.format("x"))
    with pytest.raises(InputError, match=r"row 70001: found votes .*'x'"):
        read_votes(path)


def test_softened_targets_share_labels_with_what_votes_mean() -> None:
    labels = ["sad", "sad", "sad", "happy", "happy", "sad", "angry"]
    images = index(labels).assign(split=["train"] * 4 + ["train", "test", "train"])
    images.loc[6, "dropped"] = "other_class"
    votes = np.zeros((7, 8), int)
    votes[:3, NEUTRAL] = 8  # what taggers take for neutral here is labelled sad twice, happy once
    votes[3, NEUTRAL], votes[4, HAPPY], votes[5, NEUTRAL], votes[6, NEUTRAL] = 4, 6, 9, 9
    votes[2] = 0
    targets = soften_labels(images, votes, ["happy", "sad"], 0.6)
    sad = [0.4 + 0.6 * 2 / 3, 0.4 + 0.6 * 2 / 3, 1, 0.6 * 2 / 3, 0, 1, 0]
    assert targets[:, 1] == pytest.approx(sad)
    assert targets.sum(axis=1) == pytest.approx([1] * 6 + [0])
    assert targets.dtype == np.float32


def test_softening_leaves_the_balance_of_the_classes() -> None:
    rng = np.random.default_rng(0)
    images = index(list(rng.choice(["happy", "sad", "fear"], 200))).assign(split="train")
    targets = soften_labels(images, rng.integers(0, 5, (200, 8)), ["happy", "sad", "fear"], 1.0)
    counts = images["emotion"].value_counts()[["happy", "sad", "fear"]]
    assert targets.sum(axis=0) == pytest.approx(counts.to_numpy(), abs=1e-3)
    assert targets.sum(axis=1) == pytest.approx(1)
