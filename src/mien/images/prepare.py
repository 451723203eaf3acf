"""From encoded images to arrays: decode, find copies, split once, count what is wrong."""

import hashlib
from typing import Any

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from mien.emotions import in_order
from mien.errors import InputError
from mien.images.arrays import Images
from mien.images.sources import Source
from mien.splits import cut

SPLITS = ("train", "validation", "test")


def decode(data: bytes, size: int) -> np.ndarray | None:
    """Decode an image file to grey uint8 (size, size), whatever its shape; None where it is no readable image."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if image is None or image.shape == (size, size):
        return image
    shrinks = min(image.shape) > size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def read_images(source: Source, size: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Decode every image of a source.

    Returns:
        uint8 pixels (N, size, size), and an index of N rows: origin, emotion, split (None where the source names
        none) and hash (of the decoded pixels, so that a copy in another format is still a copy).

    Raises:
        InputError: an image cannot be decoded.
    """
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # what it warns of is reported here
    pixels = np.empty((len(source.entries), size, size), np.uint8)
    rows = []
    for position, entry in enumerate(tqdm(source.entries, "reading images", disable=None, delay=2)):
        image = decode(source.read(entry), size)
        if image is None:
            raise InputError(
                f"{source.path}: {entry.origin}: not a readable image, expected a whole JPEG, PNG, BMP or TIFF file"
            )
        pixels[position] = image
        digest = hashlib.blake2b(image.tobytes(), digest_size=8).hexdigest()
        rows.append((entry.origin, entry.emotion, entry.split, digest))
    return pixels, pd.DataFrame(rows, columns=["origin", "emotion", "split", "hash"])


def assign_splits(index: pd.DataFrame, validation_share: float, test_share: float, seed: int) -> pd.Series:
    """Return the split of each row of an index: the source's own, and what it lacks cut from train.

    The cut is stratified by emotion and seeded, and copies of one image stay together, so that no cut leaks.

    Raises:
        InputError: a class has too few distinct images to be cut, or none in train, or there is only one class.
    """
    splits = index["split"].fillna("train").copy()
    for name, share in (("test", test_share), ("validation", validation_share)):
        if (splits == name).any():
            continue
        distinct = index[splits == "train"].drop_duplicates("hash")
        chosen = cut(distinct["emotion"], share, name, seed)
        splits[(splits == "train") & index["hash"].isin(distinct.loc[chosen, "hash"])] = name
    trained = index.loc[splits == "train", "emotion"]
    if untrained := set(index["emotion"]) - set(trained):
        raise InputError(f"class {min(untrained)!r}: found no training image, expected some of each class")
    if trained.nunique() < 2:
        raise InputError(f"found images of {trained.iloc[0]!r} only, expected at least two classes")
    return splits


def split_images(pixels: np.ndarray, index: pd.DataFrame) -> dict[str, Images]:
    """Sort decoded images by the `split` column of their index, with labels in the order of FER2013."""
    classes = in_order(index["emotion"])
    labels = index["emotion"].map(classes.index).to_numpy(np.uint8)
    rows = {name: np.flatnonzero(index["split"] == name) for name in SPLITS}
    return {name: Images(pixels[at], labels[at], classes) for name, at in rows.items()}


def audit(index: pd.DataFrame) -> dict[str, Any]:
    """Count what a training should know of its data: images, copies, contradictions and leaks, and each class."""
    groups = index.groupby("hash")
    of_split = {name: index.loc[index["split"] == name, "hash"] for name in SPLITS}
    seen = pd.concat([of_split["train"], of_split["validation"]])
    labels = index.drop_duplicates(["hash", "emotion"])
    counts = index.groupby(["split", "emotion"]).size()
    return {
        "images": len(index),
        "distinct": groups.ngroups,
        "duplicate_groups": int((groups.size() > 1).sum()),
        "conflicting_label_groups": labels.loc[labels.duplicated("hash"), "hash"].nunique(),
        "leaks": {
            "validation_in_train": int(of_split["validation"].isin(of_split["train"]).sum()),
            "test_in_train_or_validation": int(of_split["test"].isin(seen).sum()),
        },
        "counts": {
            split: {emotion: int(counts.get((split, emotion), 0)) for emotion in in_order(index["emotion"])}
            for split in SPLITS
        },
    }
