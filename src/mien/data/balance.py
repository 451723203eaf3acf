"""Class balance of the training split: rare classes are oversampled (copied or augmented) or weighted in the loss.

SMOTE and similar methods are left out: the mean of two faces is not a face, and with many dimensions (here 2,304) SMOTE
hardly changes how well classifiers recognize rare classes (Blagus & Lusa, SMOTE for high-dimensional class-imbalanced
data, 2013). Mixup blends images and labels within a batch during training (`mien.data.mixup`).
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from mien._io.checksums import checked
from mien._io.errors import InputError
from mien._io.parallel import Executor, parallel
from mien.config import Augmentation
from mien.data.arrays import Images, open_npy, write_at
from mien.data.augment import Changes, draw_changes

_CHUNK = 4096  # number of images whose changes are drawn at once
_BLOCK = 512  # number of images made at once


def class_targets(counts: Mapping[str, int], ratio: float, target: Mapping[str, int]) -> dict[str, int]:
    """Return the target count of each class: its `target`, else `ratio` times the largest class, never less than now.

    Args:
        counts: the current number of images per class.
        ratio: 0..1; 0 leaves all classes unchanged.
        target: the counts of classes with their own target.

    Raises:
        InputError: `target` names an unknown class, or a class has no image.
    """
    if absent := [name for name, count in counts.items() if not count]:
        raise InputError(f"found no image of {absent[0]!r}, expected some of each class")
    if unknown := sorted(set(target) - set(counts)):
        raise InputError(f"target: found {unknown[0]!r}, expected one of {', '.join(counts)}")
    common = math.ceil(round(ratio * max(counts.values()), 6))  # because 0.07 * 100 is slightly more than 7
    return {name: max(count, target.get(name, common)) for name, count in counts.items()}


def oversample(
    images: Images,
    targets: Mapping[str, int],
    augmentation: Augmentation | None,
    rng: np.random.Generator,
    folder: Path,
    name: str,
    executor: Executor = parallel,
) -> Images:
    """Write images to `folder`, and more of each class until its target is reached.

    The given images come first, unchanged. Additions follow, class by class, drawn with as few repeats as possible.
    They are augmented, or plain copies if `augmentation` is None. Everything else is copied from the original.
    Pixels are written chunk by chunk, so neither input nor output must fit in memory. Random numbers are drawn here, so
    the result does not depend on the executor.

    Args:
        images: at least one image per class; the pixels may be memory-mapped.
        targets: the target count of each class, not below its current count.
        folder: an existing folder, for the files that `Images.load(folder, name)` opens.
        executor: makes the augmented images.

    Returns:
        The images written, mapped from disk.
    """
    added = additions(images, targets, rng)
    rows = np.concatenate([np.arange(len(images.labels)), added])
    path = folder / f"{name}_images.npy"
    with open_npy(path, (len(rows), *images.pixels.shape[1:])) as file:
        start = file.tell()
    blocks = _blocks(rows, len(rows) - len(added), images.size, augmentation, rng)
    with tqdm(total=len(rows), desc="balancing", unit=" images", disable=None, delay=2) as progress:
        for written in executor(partial(_write, _StoredPixels(images.pixels), path, start), blocks):
            progress.update(written)
    votes, extra = (None if values is None else values[rows] for values in (images.votes, images.extra))
    Images(images.pixels, images.labels[rows], images.classes, votes, extra).save_labels(folder, name)
    return Images.load(folder, name)


def additions(images: Images, targets: Mapping[str, int], rng: np.random.Generator) -> np.ndarray:
    """Return the rows to repeat, so that classes reach their targets: int (additions,), class by class.

    Args:
        images: at least one image of each class in `targets`.
        targets: the target count of classes, not below their current count.
    """
    rows = {name: np.flatnonzero(images.labels == images.classes.index(name)) for name in targets}
    return np.concatenate([_draw_rows(rows[name], count - len(rows[name]), rng) for name, count in targets.items()])


def class_weights(labels: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Return the loss weight of each class that makes all classes count equally. The mean over images is 1.

    N / (classes * images of the class), scikit-learn's "balanced" (King & Zeng 2001), 6 digits.

    Args:
        labels: int (N,), indices into `classes`, each of which occurs.
    """
    from sklearn.utils.class_weight import compute_class_weight  # takes a second to load

    weights = compute_class_weight("balanced", classes=np.arange(len(classes)), y=labels)
    return {name: round(float(weight), 6) for name, weight in zip(classes, weights, strict=True)}


def training_priors(targets: np.ndarray, weights: np.ndarray) -> tuple[float, ...]:
    """Return the share of each class in the training targets, by class; 6 digits, sum 1 up to rounding.

    This is the mean target, with images weighted as in the loss. Label smoothing is ignored, because temperature
    scaling undoes it; so are a teacher's answers, because their mean is that of its own targets.

    Args:
        targets: float (N, classes), rows that sum to 1, see `Images.targets`.
        weights: float (classes,), the weight of each class in the loss.
    """
    sums = (targets @ weights).astype(np.float64) @ targets
    return tuple((sums / sums.sum()).round(6).tolist())


def read_class_weights(folder: Path, classes: Sequence[str]) -> np.ndarray:
    """Return the weights in `class_weights.json` of a folder in the order of `classes`, float32 (classes,).

    Raises:
        InputError: the file is missing, damaged or lacks a class.
    """
    path = folder / "class_weights.json"
    try:
        weights = json.loads(checked(path).read_text())
        in_order = np.array([weights[name] for name in classes], np.float32)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error!r}), expected a weight for each class") from None
    if in_order.ndim != 1 or not (in_order > 0).all() or not np.isfinite(in_order).all():
        raise InputError(f"{path}: found weights {in_order.tolist()}, expected numbers above 0")
    return in_order


class _StoredPixels:
    """Pixels that are pickled as the name of their memory-mapped file, if there is one."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def __reduce__(self) -> tuple[Any, ...]:
        if isinstance(self.pixels, np.memmap):
            return _open_stored, (self.pixels.filename,)
        return _StoredPixels, (self.pixels,)


def _open_stored(path: Path) -> _StoredPixels:
    return _StoredPixels(np.load(path, mmap_mode="r", allow_pickle=False))


class _Block(NamedTuple):
    """Some images of the output.

    Attributes:
        first: the position of the first image in the output.
        rows: the input rows that they are made from, int (N,).
        changes: how each is augmented, or None for plain copies.
    """

    first: int
    rows: np.ndarray
    changes: Changes | None


def _blocks(
    rows: np.ndarray, originals: int, size: int, augmentation: Augmentation | None, rng: np.random.Generator
) -> Iterator[_Block]:
    """Yield all rows in blocks. Changes of the additions are drawn chunk by chunk."""
    edges = [0, *range(_CHUNK, len(rows), _CHUNK), len(rows)]
    for start, stop in pairwise(sorted({originals, *edges})):
        is_new = augmentation is not None and start >= originals
        changes = draw_changes(stop - start, size, augmentation, rng) if augmentation and is_new else None
        for first in range(start, stop, _BLOCK):
            end = min(first + _BLOCK, stop)
            yield _Block(first, rows[first:end], changes and changes[first - start : end - start])


def _write(images: _StoredPixels, path: Path, start: int, block: _Block) -> int:
    """Write a block to its place in a file whose pixels begin at byte `start`. Returns its number of images."""
    pixels = images.pixels[block.rows]
    if block.changes:
        pixels = block.changes.apply(pixels)
    write_at(path, start + block.first * pixels[0].size, pixels)
    return len(pixels)


def _draw_rows(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    whole, rest = divmod(count, len(rows))
    return np.concatenate([np.tile(rows, whole), rng.choice(rows, rest, replace=False)])
