"""Test-time augmentation: a network predicts several augmented copies of a face, and its probabilities are averaged."""

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np

from mien._io.errors import InputError

#: none: the face as it is. mirror: also its mirror image. ten: also shifted by 2 pixels to each corner, both mirrored.
Tta = Literal["none", "mirror", "ten"]

_SHIFT = 2  # pixels
_OFFSETS = ((1, 1), (0, 0), (0, 2), (2, 0), (2, 2))  # in the padded image, in shifts; the first is the image itself


def augmented_views(images: np.ndarray, tta: Tta) -> Iterator[np.ndarray]:
    """Yield the augmented copies of images, the images as they are first.

    "ten" are the ten crops of Krizhevsky et al. 2012, except that the border is replicated and nothing is cut off.

    Args:
        images: uint8 (N, height, width); each view has the same shape.
        tta: which copies.

    Raises:
        InputError: there is no such choice.
    """
    if tta not in get_args(Tta):
        raise InputError(f"tta: found {tta!r}, expected one of {', '.join(get_args(Tta))}")
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT)), mode="edge")
    for down, right in _OFFSETS if tta == "ten" else _OFFSETS[:1]:
        top, left = down * _SHIFT, right * _SHIFT
        view = padded[:, top : top + height, left : left + width]
        yield view
        if tta != "none":
            yield view[:, :, ::-1]
