"""Detects data sets of whole portraits, which need a face detector, unlike cropped faces."""

from typing import TYPE_CHECKING

import numpy as np

from mien._io.errors import InputError
from mien._io.parallel import parallel
from mien._io.quiet import quiet_reading
from mien.inference.faces.face_crops import thread_detector
from mien.inference.pictures.photo_files import decode_photo

if TYPE_CHECKING:
    from mien.data.readers.source import Source

_MIN_SIDE = 96  # pixels of pictures that may show more than a face; twice the size of FER2013's crops
_SAMPLE = 24  # pictures to look at
# Width of a face as a share of the picture's shorter side. Enlarged FER2013 crops have 0.8 .. 1.1, portraits 0.4.
_SMALL_FACE = 2 / 3


def portrait_notes(source: "Source", sizes: np.ndarray) -> list[str]:
    """Return a note if the images of a source, read without a detector, seem to be whole portraits.

    If most of the images are large, YuNet looks at some of them. The note appears if it finds a small face in more than
    half of these.

    Args:
        source: an open source.
        sizes: width and height of its images in pixels, float (N, 2); NaN if unreadable.
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
    """Return the width of the largest face as a share of the picture's shorter side; 0 without a face."""
    try:
        image = decode_photo(data, lambda _: None)
    except InputError:
        return 0.0
    with thread_detector("yunet") as detector:
        faces = detector.detect(image)
    return faces[0].box.width / min(image.shape[:2]) if faces else 0.0
