"""Class balance: raise rare classes of a training split, by copies or by new views."""

import numpy as np

from mien.images.arrays import Images
from mien.images.augment import Augmentation, augment


def oversample(images: Images, ratio: float, augmentation: Augmentation | None, rng: np.random.Generator) -> Images:
    """Raise every class to at least `ratio` times the largest one.

    The given images come first and unchanged; additions follow, drawn from each class with as few repeats as can be.
    They are plain copies where `augmentation` is None, else new views.
    """
    counts = np.bincount(images.labels, minlength=len(images.classes))
    missing = np.maximum(np.ceil(ratio * counts.max()).astype(int) - counts, 0)
    drawn = [_draw(np.flatnonzero(images.labels == label), n, rng) for label, n in enumerate(missing) if n]
    if not drawn:
        return images
    rows = np.concatenate(drawn)
    added = images.pixels[rows] if augmentation is None else augment(images.pixels[rows], augmentation, rng)
    return Images(
        np.concatenate([images.pixels, added]),
        np.concatenate([images.labels, images.labels[rows]]),
        images.classes,
    )


def _draw(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    whole, rest = divmod(count, len(rows))
    return np.concatenate([np.tile(rows, whole), rng.choice(rows, rest, replace=False)])
