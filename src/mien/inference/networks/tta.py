"""Test-time augmentation: averages a network's probabilities over augmented copies of a face."""

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np

from mien._io.errors import InputError

#: none: the face itself. mirror: also its mirror image. ten: also shifted by 2 pixels to each corner; each mirrored.
Tta = Literal["none", "mirror", "ten"]

_SHIFT = 2  # pixels
_OFFSETS = ((1, 1), (0, 0), (0, 2), (2, 0), (2, 2))  # in the padded image, in shifts; the first is the image


def check_tta(tta: object) -> None:
    """Raise InputError unless an argument is a kind of test-time augmentation."""
    if not isinstance(tta, str) or tta not in get_args(Tta):
        raise InputError(f"tta: found {tta!r}, expected one of {', '.join(get_args(Tta))}")


def augmented_copies(images: np.ndarray, tta: Tta) -> Iterator[np.ndarray]:
    """Yield augmented copies of images, beginning with the images themselves.

    "ten" follows the ten crops of Krizhevsky et al. 2012, but replicates the border instead of cutting the image.

    Args:
        images: uint8 (N, height, width); each copy has the same shape.
        tta: the kind of copies.

    Raises:
        InputError: `tta` has another value.
    """
    check_tta(tta)
    for copy in _shifted(images) if tta == "ten" else [images]:
        yield copy
        if tta != "none":
            yield copy[:, :, ::-1]


def _shifted(images: np.ndarray) -> Iterator[np.ndarray]:
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT)), mode="edge")
    for down, right in _OFFSETS:
        top, left = down * _SHIFT, right * _SHIFT
        yield padded[:, top : top + height, left : left + width]
