"""Test-time views of a face: a network is asked about each, and its answers are averaged."""

from collections.abc import Iterator

import numpy as np

#: How many views there are of a face.
COUNT = 10

_SHIFT = 2  # pixels
_CORNERS = ((1, 1), (0, 0), (0, 2), (2, 0), (2, 2))  # of the padded image, in shifts; the first is the image itself


def each_view(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the images as they are, shifted by 2 pixels to each of the four corners, and the mirror image of each.

    The ten crops of Krizhevsky et al. 2012, but that here the border is replicated and nothing cut off.

    Args:
        images: uint8 (N, height, width), as each view is.
    """
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT)), mode="edge")
    for down, right in _CORNERS:
        top, left = down * _SHIFT, right * _SHIFT
        view = padded[:, top : top + height, left : left + width]
        yield view
        yield view[:, :, ::-1]
