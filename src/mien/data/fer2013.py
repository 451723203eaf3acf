"""The official split of FER2013, told by its class counts, and what is taken for it."""

from collections.abc import Sequence

import pandas as pd

from mien.emotions import FER2013

#: Images of each class, in the order of FER2013 (Goodfellow et al. 2013).
COUNTS = {
    "Training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "PublicTest": (467, 56, 496, 895, 653, 415, 607),
    "PrivateTest": (491, 55, 528, 879, 594, 416, 626),
    "PublicTest and PrivateTest": (958, 111, 1024, 1774, 1247, 831, 1233),
}

#: Images in train and validation of a folder edition (images/train, images/validation) that was split anew.
_RESPLIT = (28_821, 7_066)


def describe_splits(index: pd.DataFrame) -> list[str]:
    """Say which splits of a source are FER2013's own, which almost are, and whether it is the edition split anew.

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
    return [note for split, found in counts.items() for name in COUNTS if (note := _note(split, found, name))]


def _note(split: str, found: Sequence[int], name: str) -> str:
    odd = [i for i, (one, other) in enumerate(zip(found, COUNTS[name], strict=True)) if one != other]
    if not odd:
        return f"{split} is FER2013's {name}, {sum(found):,} images"
    if len(odd) > 1:
        return ""
    (i,) = odd
    return (
        f"{split} has the class counts of FER2013's {name} but for {FER2013[i]}: found {found[i]:,}, "
        f"expected {COUNTS[name][i]:,}"
    )
