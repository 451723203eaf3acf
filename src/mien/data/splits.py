"""Stratified, seeded splits of a data set."""

from typing import Any

import pandas as pd

from mien._io.errors import InputError

#: In this order a leak counts for the later one: what is trained on, what models are chosen on, what is only measured.
SPLITS = ("train", "validation", "test")


def count_by_split(splits: pd.Series, emotions: pd.Series) -> dict[str, Any]:
    """Return how many cases there are: in all, and of each emotion in each split."""
    counts = pd.crosstab(splits, emotions)[list(emotions.unique())]
    by_split = {split: counts.loc[split].to_dict() for split in SPLITS if split in counts.index}
    return {"total": len(emotions), **by_split}


def stratified_split(emotions: pd.Series, share: float, name: str, seed: int) -> pd.Index:
    """Return the index of a share of the rows, stratified by emotion.

    Raises:
        InputError: an emotion, or the share, is too small for each emotion to be in both parts.
    """
    from sklearn.model_selection import train_test_split  # takes a second and 80 MB to load

    try:
        _, chosen = train_test_split(emotions.index, test_size=share, stratify=emotions, random_state=seed)
    except ValueError:
        counts = emotions.value_counts()
        raise InputError(
            f"{name}: a share of {share} cannot be cut from {len(emotions)} distinct cases, of which {counts.iloc[-1]} "
            f"are {counts.index[-1]}: expected enough for each emotion to be in both parts"
        ) from None
    return chosen
