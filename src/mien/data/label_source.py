"""Labels and targets by prepare_fer.labels: those of the source, or the votes of FER+."""

import numpy as np
import pandas as pd

from mien.config import PrepareFer
from mien.data import ferplus
from mien.emotions import FER_PLUS
from mien.emotions.label_sets import Merge


def relabelled(
    index: pd.DataFrame, labelled: pd.DataFrame, section: PrepareFer, merge: Merge
) -> tuple[pd.DataFrame, np.ndarray | None, list[str]]:
    """Return the index with the labels of FER+ if they are wanted, FER+'s votes (None without), and notes.

    labelled: the index before labels were merged.
    """
    if section.labels == "fer2013":
        return index, None, []
    if section.labels == "fer2013_softened":  # votes are not summed, as each emotion's may mean another label
        return index, *ferplus.relabel(labelled, section.ferplus)[1:]
    return ferplus.relabel(index, section.ferplus, merge)


def soft_targets(
    votes: np.ndarray | None, index: pd.DataFrame, classes: list[str], section: PrepareFer, merge: Merge
) -> np.ndarray | None:
    """Return the share of each class in the target of each image; None if labels are the targets."""
    if votes is None or section.labels not in ("ferplus_votes", "fer2013_softened"):
        return None
    if section.labels == "ferplus_votes":
        return ferplus.vote_shares(votes, classes, merge.classes_of(FER_PLUS))
    return ferplus.soften_labels(index, votes, classes, section.ferplus.share)
