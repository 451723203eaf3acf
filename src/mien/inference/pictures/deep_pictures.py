"""Pictures with more than 8 bits (integers of 16 or 32 bits, floats), in which black and white may have any value.

Cameras store 10, 12 or 14 bits in 16, and programs store 0 to 1 or 0 to 255 in floats; few files say so.
"""

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageOps
from PIL.ExifTags import Base

from mien.data.decode import MAX_PIXELS, dimensions
from mien.data.grey_levels import quantized, range_of

_GREY_MODES = ("I", "I;16", "I;16B", "I;16L", "F")
_COLOUR_MODES = ("LA", "RGB", "RGBA")
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF (TIFF 6.0, sections 8 and 19)
_WHITE_IS_ZERO, _UNSIGNED = 0, 1
_PNG_BIT_DEPTH = 24  # its position in the file (PNG, 11.2.1)
_MAX_OF_FOURTEEN_BITS = 63  # value of the lowest of the upper 8 bits


def to_eight_bits(image: Image.Image, data: bytes, report: Callable[[str], None]) -> Image.Image:
    """Return a picture with 8 bits per channel. A picture that has no more is returned unchanged.

    Args:
        image: decoded.
        data: the picture's file, because Pillow keeps only the upper 8 of 16 bits of colours; empty if unknown.
        report: called with a line about the range that was taken for black to white, if the file does not tell, and
            about bits that may be lost without `data`.
    """
    if image.mode in _GREY_MODES:
        eight = _scaled(_grey(image), _max_of_format(image), report)
        if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
            eight = ImageOps.invert(eight)
    elif image.mode in _COLOUR_MODES and _may_have_sixteen_bits(image, data) and _is_dark(image):
        values = _decode(data) if data else None
        if values is None:
            hint = "" if data else "; pass the path of the file to read all"
            report(f"is dark: if its file has 16 bits per colour, only the upper 8 were read{hint}")
            return image
        eight = _scaled(values, _max_of_format(image), report)
    else:
        return image
    turned = Image.Exif()
    turned[Base.Orientation] = image.getexif().get(Base.Orientation, 1)
    eight.info["exif"] = turned.tobytes()
    return eight


def open_deep_tiff(data: bytes, report: Callable[[str], None]) -> Image.Image | None:
    """Return a TIFF picture that Pillow cannot read, such as colours in floats, in 8 bits; None for other files."""
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return None
    width, height = dimensions(data)
    if not 0 < width * height <= MAX_PIXELS:
        return None
    values = _decode(data)
    return None if values is None else _scaled(values, None, report)


def _grey(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    if values.dtype == np.int32 and tags.get(_SAMPLE_FORMAT, (0,))[0] == _UNSIGNED:
        return values.view(np.uint32)
    return values


def _max_of_format(image: Image.Image) -> int | None:
    """Return the value of white if the file tells it, such as a TIFF with 12 bits per sample."""
    (bits, *_) = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))
    return 2**bits - 1 if 8 < bits < 16 else None


def _may_have_sixteen_bits(image: Image.Image, data: bytes) -> bool:
    """Tell whether the file has 16 bits per colour. A PNG that is not at hand may have."""
    if image.format == "PNG":
        return not data or data[_PNG_BIT_DEPTH] == 16
    return getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))[0] == 16


def _is_dark(image: Image.Image) -> bool:
    return bool(np.asarray(image)[:, :, : 1 if image.mode == "LA" else 3].max() <= _MAX_OF_FOURTEEN_BITS)


def _decode(data: bytes) -> np.ndarray | None:
    """Return the values as stored, (height, width) or (height, width, 3 or 4) in BGR order; None if that fails."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None


def _scaled(values: np.ndarray, white: float | None, report: Callable[[str], None]) -> Image.Image:
    """Return values as 8 bits. white: the value of white, if the file tells it; black is then 0."""
    colours = values[:, :, :3] if values.ndim == 3 else values
    if values.ndim == 3:
        colours = colours[:, :, ::-1]
    low, high = (0.0, white) if white else range_of(colours, report)
    eight = quantized(colours, low, high)
    if values.shape[2:] == (4,):
        alpha = values[:, :, 3]
        opaque = 1.0 if np.issubdtype(alpha.dtype, np.floating) and alpha.max() <= 1 else high
        return Image.fromarray(np.dstack([eight, quantized(alpha, 0.0, opaque)]))
    return Image.fromarray(eight)
