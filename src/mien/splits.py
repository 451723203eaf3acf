"""Stratified, seeded splits of a data set."""

import math
from typing import Any

import numpy as np
import pandas as pd

from mien._io.errors import InputError

#: In this order; a leak counts for the later split. Networks are trained on the first and chosen on the second.
SPLITS = ("train", "validation", "test")

_DRAWS = 200  # draws of people for a split; the most even one is used


def count_by_split(splits: pd.Series, emotions: pd.Series) -> dict[str, Any]:
    """Return the number of cases: total, and by split and emotion."""
    counts = pd.crosstab(splits, emotions)[list(emotions.unique())]
    by_split = {split: counts.loc[split].to_dict() for split in SPLITS if split in counts.index}
    return {"total": len(emotions), **by_split}


def stratified_split(emotions: pd.Series, share: float, name: str, seed: int) -> pd.Index:
    """Return a share of the rows as an index, stratified by emotion. Each emotion is in both parts.

    Raises:
        InputError: an emotion, or the share, is too small for each emotion to be in both parts.
    """
    from sklearn.model_selection import train_test_split  # takes a second and 80 MB to load

    _check_large_enough(emotions, share, name)
    _, chosen = train_test_split(emotions.index, test_size=share, stratify=emotions, random_state=seed)
    return _with_each(emotions, chosen, seed)


def _with_each(emotions: pd.Series, chosen: pd.Index, seed: int) -> pd.Index:
    """Return the chosen rows, with one case of each emotion that is whole in one part moved to the other part.

    scikit-learn leaves an emotion out if its share is less than half a case, and takes all if it leaves less.
    """
    rng = np.random.default_rng(seed)
    for emotion in emotions.unique():
        rows = emotions.index[emotions == emotion]
        count, moved = chosen.isin(rows).sum(), rows[rng.permutation(len(rows))[:1]]
        if count == 0:
            chosen = chosen.append(moved)
        elif count == len(rows):
            chosen = chosen.difference(moved, sort=False)
    return chosen


def _check_large_enough(emotions: pd.Series, share: float, name: str) -> None:
    """Raise InputError if an emotion has one case, or if a part would have fewer cases than there are emotions."""
    counts = emotions.value_counts()
    total, classes = len(emotions), max(len(counts), 1)
    fault = f"{name}: a share of {share} cannot be cut from {total:,} distinct cases"
    if total and counts.iloc[-1] < 2:
        raise InputError(
            f"{fault}, of which one is {counts.index[-1]}: expected two of each class, as each is in both parts (three "
            "where test and validation are cut); add cases, or leave the class out"
        )
    cut = math.ceil(total * share)
    if not classes <= cut <= total - classes:
        raise InputError(
            f"{fault}: it is {cut:,} of them, expected at least {classes} in both parts, one per class, as by "
            f"{_remedy(total, classes, share)}"
        )


def _remedy(total: int, classes: int, share: float) -> str:
    """Return which shares of these cases would do, if any, and how many cases would do for this share."""
    enough = math.ceil(max(classes / share, (classes + 1) / (1 - share))) + 1
    number = next(n for n in range(enough) if classes <= math.ceil(n * share) <= n - classes)
    cases = f"{number:,} distinct cases"
    low, high = math.ceil(100 * classes / max(total, 1)), math.floor(100 * (total - classes) / max(total, 1))
    return f"a share of {low / 100} .. {high / 100}, or by {cases}" if low <= high else cases


def stratified_group_split(emotions: pd.Series, people: pd.Series, share: float, name: str, seed: int) -> pd.Index:
    """Return the rows of a share of the people as an index, with class shares as close as possible to all rows.

    People are drawn several times. The best draw misses the fewest classes in either part; among equals, its share of
    the rows of each class is closest to `share`.

    Args:
        emotions: the class of each row.
        people: whom each row is of; the same index.
        share: of the people.
        name: of the split, for errors.
        seed: of the draws.

    Raises:
        InputError: there are fewer than two people.
    """
    from sklearn.model_selection import GroupShuffleSplit  # takes a second and 80 MB to load

    if people.nunique() < 2:
        raise InputError(
            f"{name}: found {people.nunique()} person to cut it from, expected at least two, as no person is in two "
            "splits"
        )
    codes, classes = pd.factorize(emotions)
    total = np.bincount(codes)

    def unevenness(chosen: np.ndarray) -> tuple[int, float]:
        part = np.bincount(codes[chosen], minlength=len(classes))
        return int(((part == 0) | (part == total)).sum()), float(np.abs(part / total - share).sum())

    draws = GroupShuffleSplit(_DRAWS, test_size=share, random_state=seed).split(emotions, groups=people)
    return emotions.index[min((chosen for _, chosen in draws), key=unevenness)]


def connected(one: pd.Series, other: pd.Series) -> pd.Series:
    """Return each row's group number. Rows that share a value in either column are in one group, also indirectly."""
    from scipy.sparse import coo_array  # part of the extra `pipeline`
    from scipy.sparse.csgraph import connected_components

    codes, more = pd.factorize(one)[0], pd.factorize(other)[0]
    size = codes.max() + 1
    links = coo_array((np.ones(len(codes)), (codes, size + more)), shape=(size + more.max() + 1,) * 2)
    return pd.Series(connected_components(links, directed=False)[1][codes], one.index)
