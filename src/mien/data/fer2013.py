"""Recognizes FER2013: its official splits by class counts, a re-split edition, and the numbers of its labels."""

from collections.abc import Sequence

import pandas as pd

from mien.data.label_notes import seven_notes
from mien.data.labels import LabelNames
from mien.emotions import FER2013

#: Images of each class, in the order of FER2013 (Goodfellow et al. 2013).
COUNTS = {
    "Training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "PublicTest": (467, 56, 496, 895, 653, 415, 607),
    "PrivateTest": (491, 55, 528, 879, 594, 416, 626),
    "PublicTest and PrivateTest": (958, 111, 1024, 1774, 1247, 831, 1233),
}

#: Images in train and validation of a re-split folder edition (images/train, images/validation).
_RESPLIT = (28_821, 7_066)


def describe(index: pd.DataFrame, names: LabelNames) -> list[str]:
    """Return notes on the splits of a source and, where it is a table, on what numbers of its labels mean.

    Args:
        index: with the columns origin, emotion and split, as the source has them.
        names: what labels mean, as the source was read.
    """
    rows = index["origin"].str.fullmatch(r"fer\d+")
    return [*describe_splits(index), *seven_notes(index.loc[rows, "emotion"], names)]


def describe_splits(index: pd.DataFrame) -> list[str]:
    """Return notes that say which splits are FER2013's own, or nearly so, or that it is the re-split edition.

    Args:
        index: with the columns emotion and split, as the source has them.
    """
    counts = {
        str(split): tuple(int((rows == name).sum()) for name in FER2013)
        for split, rows in index.groupby("split")["emotion"]
    }
    if tuple(sum(counts.get(split, ())) for split in ("train", "validation")) == _RESPLIT:
        return [
            "train and validation have the sizes of the edition in images/train and images/validation, which is not "
            "the official split of FER2013: 5,779 of its training images are official test images"
        ]
    return [note for split, count in counts.items() for name in COUNTS if (note := _note(split, count, name))]


def _note(split: str, counts: Sequence[int], name: str) -> str:
    different = [i for i, (count, official) in enumerate(zip(counts, COUNTS[name], strict=True)) if count != official]
    if not different:
        return f"{split} is FER2013's {name}, {sum(counts):,} images"
    if len(different) > 1:
        return ""
    (i,) = different
    return (
        f"{split} has the class counts of FER2013's {name} but for {FER2013[i]}: found {counts[i]:,}, "
        f"expected {COUNTS[name][i]:,}"
    )
