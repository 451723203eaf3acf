"""Tells data sets of whole portraits, in which faces are to be found first, from those of cropped faces."""

from typing import TYPE_CHECKING

import numpy as np

from mien._io.errors import InputError
from mien._io.parallel import parallel
from mien._io.quiet import quiet_reading
from mien.inference.face_crops import thread_detector
from mien.inference.photo_files import decode_photo

if TYPE_CHECKING:
    from mien.data.readers import Source

_MIN_SIDE = 96  # pixels, of pictures that may be more than a face; twice that of FER2013's crops
_SAMPLE = 24  # pictures that are looked at
# Width of a face, of the picture's shorter side. FER2013's crops, enlarged, have 0.8 .. 1.1, heads and shoulders 0.4.
_SMALL_FACE = 2 / 3


def portrait_notes(source: "Source", sizes: np.ndarray) -> list[str]:
    """Return a note if the images of a source, in which no faces were looked for, seem to be whole portraits.

    Where most of the images are large, YuNet looks at some of them: in more than half of them it has to find a face,
    and a small one.

    Args:
        source: an open one.
        sizes: width and height of its images, float (N, 2), in pixels; NaN where unreadable.
    """
    sides = sizes[np.isfinite(sizes).all(axis=1)].min(axis=1)
    if not len(sides) or np.median(sides) < _MIN_SIDE:
        return []
    files = source.sample(_SAMPLE)
    try:
        with quiet_reading():
            shares = np.array([share for share in parallel(_share_of_side, files) if share])
    except InputError as error:
        return [f"whether these are whole portraits was not looked at: {error}"]
    small = int((shares < _SMALL_FACE).sum())
    if small * 2 <= len(files):
        return []
    return [
        f"these look like whole portraits: of {len(files)} looked at, {small} show a face that is less than two thirds "
        "as wide as the picture, and are squeezed whole; --detector yunet (prepare_fer.detector) crops the faces"
    ]


def _share_of_side(data: bytes) -> float:
    """Return how wide the largest face is, as a share of the picture's shorter side; 0 where there is none."""
    try:
        image = decode_photo(data, lambda _: None)
    except InputError:
        return 0.0
    with thread_detector("yunet") as detector:
        faces = detector.detect(image)
    return faces[0].box.width / min(image.shape[:2]) if faces else 0.0
