"""Test-time augmentation: a network predicts ten views of a face, and its probabilities are averaged."""

from collections.abc import Iterator

import numpy as np

#: The number of views of a face.
VIEWS = 10

_SHIFT = 2  # pixels
_OFFSETS = ((1, 1), (0, 0), (0, 2), (2, 0), (2, 2))  # in the padded image, in shifts; the first is the image itself


def augmented_views(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the images as they are, shifted by 2 pixels to each of the four corners, and the mirror image of each.

    The ten crops of Krizhevsky et al. 2012, except that the border is replicated and nothing is cut off.

    Args:
        images: uint8 (N, height, width); each view has the same shape.
    """
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT)), mode="edge")
    for down, right in _OFFSETS:
        top, left = down * _SHIFT, right * _SHIFT
        view = padded[:, top : top + height, left : left + width]
        yield view
        yield view[:, :, ::-1]
