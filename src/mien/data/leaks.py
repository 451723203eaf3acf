"""Leaks: images of a split that are also in another one."""

import numpy as np
import pandas as pd

from mien._io.errors import InputError


def find_leaks(index: pd.DataFrame, split: str = "test", images: int | None = None) -> np.ndarray:
    """Tell which images of a split are also in another split of their source, even if they were dropped there.

    So the remaining images are the same for any `prepare_fer.audit`, and their figures can be compared.

    Args:
        index: the index of a data set, with the columns split, hash and dropped.
        split: the split to measure on.
        images: the number of images in its array, to check the index; None for no check.

    Returns:
        bool (N,), for the images of the split, in the order of their array.

    Raises:
        InputError: the index lacks a column, or has another number of images.
    """
    if absent := [name for name in ("split", "hash", "dropped") if name not in index]:
        raise InputError(f"found no column {absent[0]}, expected the index of prepare_fer")
    in_split = index["split"] == split
    measured = index.loc[in_split & index["dropped"].isna(), "hash"]
    if images not in (None, len(measured)):
        raise InputError(f"found {len(measured):,} {split} images, expected {images:,} as in the array beside it")
    return measured.isin(index.loc[~in_split, "hash"]).to_numpy()
