"""Image files to grey arrays: JPEG, PNG, BMP and TIFF, of any size and depth, their size checked before they unfold."""

import struct
from typing import NamedTuple

import cv2
import numpy as np

MAX_PIXELS = 64 * 2**20  # of one image; a file of some kilobytes may claim far more, and fill the memory
MAX_BYTES = 64 * 2**20  # of one image's file

_JPEG_FRAMES = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFC8, 0xFFCC}
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_SHORT = 256, 257, 3


class Decoded(NamedTuple):
    """A decoded image: uint8 (size, size), and width and height of the file as stored, in pixels."""

    pixels: np.ndarray
    width: int
    height: int


def decode(data: bytes, size: int) -> Decoded | None:
    """Decode an image file to grey uint8 (size, size), whatever its shape; 16 bits become 8, alpha is left out.

    Returns None where it is no whole JPEG, PNG, BMP or TIFF file, or has more than MAX_PIXELS.
    """
    try:
        width, height = dimensions(data)
        if not 0 < width * height <= MAX_PIXELS:
            return None
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except (struct.error, ValueError, cv2.error):
        return None
    if image is None:
        return None
    return Decoded(resize(image, size), width, height)


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """Bring a grey image to uint8 (size, size): by the mean of what a pixel covers, or bicubic where it grows."""
    if image.shape == (size, size):
        return image
    shrinks = min(image.shape) > size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def dimensions(data: bytes) -> tuple[int, int]:
    """Read width and height off an image file's header. Raises ValueError or struct.error where there is none."""
    if data[:2] == b"\xff\xd8":
        return _of_jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n" and b"IEND" in data[-64:]:  # libpng would print a line of one cut short
        return struct.unpack_from(">II", data, 16)
    if data[:2] == b"BM":
        width, height = struct.unpack_from("<ii", data, 18)
        return width, abs(height)  # negative: rows from the top down
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _of_tiff(data, "<" if data[:1] == b"I" else ">")
    raise ValueError("no JPEG, PNG, BMP or TIFF file")


def _of_jpeg(data: bytes) -> tuple[int, int]:
    """Walk over the segments to the frame header (ITU T.81, B.2.2); a thumbnail inside one has a frame of its own."""
    at = 2
    while True:
        marker, length, _, height, width = struct.unpack_from(">HHBHH", data, at)
        if marker in _JPEG_FRAMES:
            return width, height
        if marker < 0xFFC0:
            raise ValueError("no marker where a segment should begin")
        at += 1 if marker == 0xFFFF else 2 + length  # a marker may be padded with FF


def _of_tiff(data: bytes, order: str) -> tuple[int, int]:
    """Read the first directory (TIFF 6.0, section 2)."""
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, directory)
    values: dict[int, int] = {}
    for at in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, at)
        (value,) = struct.unpack_from(order + ("H" if kind == _TIFF_SHORT else "I"), data, at + 8)
        values.setdefault(tag, value)  # of equal tags libtiff takes the first, too
    return values.get(_TIFF_WIDTH, 0), values.get(_TIFF_HEIGHT, 0)
