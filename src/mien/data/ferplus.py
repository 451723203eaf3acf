"""FER+: new labels for FER2013's images, by ten taggers each.

Barsoum et al., Training deep networks for facial expression recognition with crowd-sourced label distribution, 2016.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mien._io.csv_table import read_csv_table
from mien._io.errors import InputError
from mien.config import FerPlus
from mien.emotions import FER_PLUS, canonical, is_emotion
from mien.emotions.label_sets import Merge

_UNKNOWN, _NOT_A_FACE = len(FER_PLUS), len(FER_PLUS) + 1
_CHOICES = (*FER_PLUS, "unknown", "NF")
_FILE_ORDER = (
    "neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown", "NF"
)  # fmt: skip
_MAX_VOTES = 2**31
_MIN_AGREEMENT = 1 / 3  # minimum agreement of FER2013's labels with FER+: two thirds, or a sixth if mixed up


def read_votes(path: Path) -> np.ndarray:
    """Read a fer2013new.csv: one row for each of fer2013.csv, columns of votes for the emotions, unknown and NF.

    Its column `Image name` is not used: after the first image without a face it no longer matches the rows.

    Returns:
        int64 (rows, 10): the votes for FER_PLUS in its order, then unknown, then not a face.

    Raises:
        InputError: the file cannot be read, lacks a column, or has votes that are not whole numbers from 0.
    """
    table = read_csv_table(path, "FER+'s fer2013new.csv")
    columns = {_choice_name(str(name)): name for name in table.columns}
    if absent := [name for name in _CHOICES if name not in columns]:
        raise InputError(f"{path}: found no column of votes for {absent[0]}, expected those of FER+'s fer2013new.csv")
    votes = table[[columns[name] for name in _CHOICES]]
    counts = votes.apply(pd.to_numeric, errors="coerce")
    wrong = ~((counts >= 0) & (counts < _MAX_VOTES) & (counts % 1 == 0)).all(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"{path}: row {row + 1}: found votes {list(votes.iloc[row])}, expected whole numbers from 0")
    return counts.to_numpy(np.int64)


def csv_rows(origins: pd.Series) -> np.ndarray:
    """Return each image's row in fer2013.csv, from 0: the number at the end of its name.

    Names are such as train/fear/fer0000012.jpg, angry/12.png or fer0000012.

    Raises:
        InputError: an image has another name.
    """
    numbers = origins.str.extract(r"(?:^|/)(?:fer)?(\d{1,9})(?:\.\w+)?$", expand=False)
    if numbers.isna().any():
        raise InputError(
            f"{origins[numbers.isna()].iloc[0]}: is not named by its row of fer2013.csv, expected a name such as "
            "fer0000012.png, by which it finds its votes"
        )
    return numbers.to_numpy(np.int64)


def relabel(
    index: pd.DataFrame, policy: FerPlus, merge: Merge | None = None
) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Label the images of an index (columns origin, emotion and dropped) by the votes of FER+.

    Args:
        index: of all images; the emotions are those of `merge` where it has some.
        policy: which votes count.
        merge: groups of emotions, whose votes are summed after single votes of each emotion were left out.

    Returns:
        The index with emotions by vote (if the taggers did not agree, `dropped` is tie, unknown or not_a_face); int64
        (N, classes), the votes that count for each class of FER_PLUS; and notes for the user.

    Raises:
        InputError: see read_votes and csv_rows; or the row of an image has no votes.
    """
    votes = read_votes(Path(policy.votes))
    rows = csv_rows(index["origin"])
    if rows.max(initial=0) >= len(votes):
        raise InputError(f"{policy.votes}: found votes for {len(votes):,} rows, expected some for row {rows.max():,}")
    merge = merge or Merge()
    counts = _counted(votes[rows], policy)
    emotions, reasons = _majority(counts, policy.ties, merge)
    labelled = reasons == ""
    agreement = (index.loc[labelled, "emotion"] == emotions[labelled]).mean()
    relabelled = index.assign(dropped=reasons)
    relabelled.loc[labelled, "emotion"] = emotions[labelled]
    notes = [
        f"only {agreement:.0%} of the images have the emotion that FER+ gives them, in FER2013 two thirds do: are they "
        "named by their row of fer2013.csv?"
    ] * bool(agreement < _MIN_AGREEMENT)
    return relabelled, merge.sum_columns(counts[:, :_UNKNOWN], FER_PLUS), notes


def majority(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label images by the rules of the paper. votes: int (N, 10), as `read_votes` returns them.

    Returns:
        The emotion of each image, "" if there is none; and the reason if there is none: tie, unknown or not_a_face.
    """
    return _majority(np.where(votes > 1, votes, 0), "drop", Merge())


def in_order_of_choices(votes: np.ndarray) -> np.ndarray:
    """Return votes (N, 10) in the order of FER+'s own files as `read_votes` returns them."""
    return votes[:, [_FILE_ORDER.index(choice) for choice in _CHOICES]]


def _counted(votes: np.ndarray, policy: FerPlus) -> np.ndarray:
    """Return the valid votes, int (N, 10)."""
    counts = np.where(votes > 1, votes, 0)
    for choice, action in ((_UNKNOWN, policy.unknown), (_NOT_A_FACE, policy.not_a_face)):
        if action == "ignore":
            counts[:, choice] = 0
    return counts


def _majority(counts: np.ndarray, ties: str, merge: Merge) -> tuple[np.ndarray, np.ndarray]:
    """Return what `majority` returns, for valid votes. Votes of a group are summed."""
    classes = merge.classes_of(FER_PLUS)
    counts = np.hstack([merge.sum_columns(counts[:, :_UNKNOWN], FER_PLUS), counts[:, _UNKNOWN:]])
    unknown, not_a_face = len(classes), len(classes) + 1
    total, first = counts.sum(axis=1), counts.argmax(axis=1)
    tied = 2 * counts.max(axis=1) <= total
    reasons = np.select(
        [total == 0, tied & (ties == "drop"), first == unknown, first == not_a_face],
        ["unknown", "tie", "unknown", "not_a_face"],
        "",
    )
    names = np.array([*classes, "", ""], object)[first]
    return np.where(reasons == "", names, ""), reasons


def vote_shares(votes: np.ndarray, classes: Sequence[str], choices: Sequence[str] = FER_PLUS) -> np.ndarray:
    """Return each class's share of the votes for all given classes: float32 (N, classes); rows sum to 1 or are 0.

    Args:
        votes: (N, choices).
        classes: some of the choices, in any order.
        choices: what votes are for.
    """
    counts = votes[:, [list(choices).index(name) for name in classes]]
    return (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).astype(np.float32)


def soften_labels(index: pd.DataFrame, votes: np.ndarray, classes: list[str], share: float) -> np.ndarray:
    """Return soft targets for the images of an index: their labels, mixed in train with the meaning of the votes.

    FER+'s taggers see some emotions, above all neutral, more often than FER2013's labels do. So a vote counts for the
    labels that training images with such votes have. This keeps the class balance.

    Args:
        index: with the columns emotion, split and dropped.
        votes: (N, 8), for each of FER_PLUS. An image without any keeps its label alone.
        share: of a target that the votes decide.

    Returns:
        float32 (N, classes); rows sum to 1, or are 0 if an image has none of the classes.
    """
    targets = (index["emotion"].to_numpy()[:, None] == np.array(classes, object)).astype(np.float32)
    voted = ((index["split"] == "train") & (index["dropped"] == "")).to_numpy() & votes.any(axis=1)
    votes_for = vote_shares(votes[voted], FER_PLUS)
    label_of_vote = votes_for.T @ targets[voted]
    label_of_vote /= np.maximum(label_of_vote.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    targets[voted] = (1 - share) * targets[voted] + share * votes_for @ label_of_vote
    return targets


def _choice_name(column: str) -> str:
    return canonical(column) if is_emotion(column) else column
