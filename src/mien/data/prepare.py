"""From decoded images to arrays: chooses classes, splits once, and writes the remaining images."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.data.arrays import Images, open_npy
from mien.data.label_notes import counted
from mien.data.pixel_file import PixelFile
from mien.emotions import FER_PLUS
from mien.emotions.label_sets import similar
from mien.splits import SPLITS, connected, stratified_group_split, stratified_split


def choose_classes(index: pd.DataFrame, classes: Sequence[str], known: Sequence[str] = FER_PLUS) -> list[str]:
    """Drop the images of other emotions (reason `other_class`), and return the remaining classes.

    Args:
        index: changed in place: its column `dropped` is filled.
        classes: the wanted classes, in label order; empty for all known classes that occur, in their order.
        known: the classes that labels can mean.

    Raises:
        InputError: a wanted class has no image, or there are fewer than two classes.
    """
    present = set(index.loc[index["dropped"] == "", "emotion"])
    occurring = [name for name in known if name in present]
    if absent := [name for name in classes if name not in present]:
        meant = similar(absent[0], occurring)
        hint = f"; did you mean {meant}?" if meant and meant not in classes else ""
        raise InputError(
            f"found no image of {absent[0]!r}, expected some of each of classes {', '.join(classes)}{hint}"
        )
    chosen = list(classes) or occurring
    if len(chosen) < 2:
        raise InputError(f"found images of {', '.join(chosen) or 'no class'} only, expected at least two classes")
    index.loc[(index["dropped"] == "") & ~index["emotion"].isin(chosen), "dropped"] = "other_class"
    return chosen


def other_class_notes(index: pd.DataFrame, known: Iterable[str]) -> list[str]:
    """Return a note on the images that `choose_classes` dropped and whose labels are `known` classes.

    Other labels are counted by `mien.data.labels.label_notes`.
    """
    dropped = index.loc[index["dropped"] == "other_class", "emotion"]
    counts = Counter(dropped[dropped.isin([*known])])
    total = counts.total()
    were = "image was" if total == 1 else "images were"
    return [f"{total:,} {were} left out, as classes does not name {counted(counts)}"] if counts else []


def unmeasured_notes(index: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """Return a note on the classes without an image in validation or test. index: with all images that are left."""
    used = index[index["dropped"] == ""]
    absent = {name: {*classes} - {*used.loc[used["split"] == name, "emotion"]} for name in SPLITS[1:]}
    texts = [f"{', '.join(filter(names.__contains__, classes))} in {split}" for split, names in absent.items() if names]
    return [f"classes without an image are not measured there: {'; '.join(texts)}"] if texts else []


def assign_splits(
    index: pd.DataFrame, validation_share: float, test_share: float, seed: int, together: str = "hash"
) -> pd.Series:
    """Return the split of each row of an index: the source's own. Missing splits are cut from train.

    The cut is stratified by emotion and seeded. Copies of an image stay together, so that no split leaks into another
    one, and so do the images of a person if the source identifies people. Dropped and unreadable images stay where they
    are.

    Args:
        index: with the columns emotion, split, hash and dropped; and person, if known.
        validation_share, test_share: shares of the distinct images of train, or of its people.
        seed: for the choice.
        together: the column whose equal values stay in one split: hash, or near.

    Raises:
        InputError: a class has too few distinct images to be split, or none in train; or there are too few people.
    """
    splits = index["split"].fillna("train").astype("str")
    usable = (index["dropped"] == "") & (index["hash"] != "")
    for name, share in (("test", test_share), ("validation", validation_share)):
        if (splits == name).any():
            continue
        splits[_cut(index[usable & (splits == "train")], share, name, seed, together)] = name
    trained = index.loc[usable & (splits == "train"), "emotion"].unique()
    untrained = set(index.loc[usable, "emotion"].unique()) - set(trained)
    if untrained:
        raise InputError(f"class {min(untrained)!r}: found no training image, expected some of each class")
    return splits


def _cut(rows: pd.DataFrame, share: float, name: str, seed: int, together: str) -> pd.Index:
    """Return the rows of a new split as an index, see `assign_splits`."""
    if "person" in rows and rows["person"].any():
        people = rows["person"].where(rows["person"] != "", rows[together])
        return stratified_group_split(rows["emotion"], connected(people, rows[together]), share, name, seed)
    distinct = rows.drop_duplicates(together)
    chosen = stratified_split(distinct["emotion"], share, name, seed)
    return rows.index[rows[together].isin(distinct.loc[chosen, together])]


def write_splits(
    pixels: PixelFile, index: pd.DataFrame, classes: list[str], folder: Path, votes: np.ndarray | None = None
) -> dict[str, Images]:
    """Write the images that are not dropped as arrays, one set per split, and return them memory-mapped.

    Args:
        pixels: of all rows of the index.
        index: with the columns emotion, split and dropped.
        classes: the emotions that are left, in the order of their labels.
        folder: an existing one.
        votes: float32 (N, classes), one row per row of the index, or None.
    """
    kept = {name: ((index["split"] == name) & (index["dropped"] == "")).to_numpy() for name in SPLITS}
    labels = pd.Index(classes).get_indexer(pd.Index(index["emotion"])).astype(np.uint8)
    with ExitStack() as stack:
        files = {}
        for name, rows in kept.items():
            shape = (int(rows.sum()), pixels.size, pixels.size)
            files[name] = stack.enter_context(open_npy(folder / f"{name}_images.npy", shape))
        row = 0
        for chunk in pixels.chunks():
            for name, rows in kept.items():
                files[name].write(chunk[rows[row : row + len(chunk)]].data)
            row += len(chunk)
    splits = {}
    for name, rows in kept.items():
        written = np.load(folder / f"{name}_images.npy", mmap_mode="r", allow_pickle=False)
        splits[name] = Images(written, labels[rows], classes, None if votes is None else votes[rows])
        splits[name].save_labels(folder, name)
    return splits


def write_index(index: pd.DataFrame, path: Path) -> None:
    """Write an index as CSV, without the columns remark and near, and without person if nobody is known.

    Missing values of unreadable images are empty cells.
    """
    unknown = ["person"] if "person" in index and not index["person"].any() else []
    index = index.drop(columns=["remark", "near", *unknown], errors="ignore")
    index.astype({"width": "Int64", "height": "Int64"}).to_csv(path, index=False)
