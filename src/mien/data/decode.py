"""Decodes image files of any size and depth to grey arrays: all formats that `mien image` reads.

JPEG, PNG, BMP and TIFF are decoded by OpenCV, the others, and what is transparent, by Pillow and pi-heif.

Headers are parsed here before OpenCV decodes a file. OpenCV has its own limit (OPENCV_IO_MAX_IMAGE_PIXELS), but it
reads that from the environment when it is loaded, so a library cannot set it. The audit also needs the stored size.
"""

import io
import math
import re
import struct
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from PIL import AvifImagePlugin, GifImagePlugin, Image, ImageOps, WebPImagePlugin

from mien.data.further_pictures import further_pictures
from mien.data.grey_levels import as_eight_bits
from mien.data.heif import is_avif
from mien.data.transparency import is_transparent, on_white

MAX_PIXELS = 64 * 2**20  # pixels of one image; a file of some kilobytes may claim far more and fill the memory
MAX_BYTES = 64 * 2**20  # bytes of one image's file
MAX_SCANS = 100  # of a progressive JPEG, as in libtiff; encoders write a dozen, and each repaints the whole picture

_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")  # of a segment, or the end of the image
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_JPEG_FRAME_MARKERS = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFC8, 0xFFCC}
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_SHORT = 256, 257, 3
_TIFF = (b"II*\0", b"MM\0*")
_PNG_BIT_DEPTH, _PNG_COLOURS = 24, 25  # where they stand in the file (PNG, 11.2.1)
_PNG_ALPHA = (4, 6)  # kinds of colours with alpha
_BMP_BITS = 28  # where the bits per pixel stand in the file; 32 may have alpha
_HEADER = 2**16  # bytes in which chunks and segments tell of transparency and of further pictures


class Decoded(NamedTuple):
    """A decoded image.

    Attributes:
        pixels: uint8 (size, size).
        width, height: the stored size, in pixels.
        faces: how many faces were found; None without a detector. If there is none, the pixels are black.
        remark: what was not read of the file, or had to be guessed.
        face_size: height of the face's box, in pixels of the file; NaN if none was found.
        tilt: angle of the line through its eyes, in degrees, clockwise; NaN if unknown.
    """

    pixels: np.ndarray
    width: int
    height: int
    faces: int | None = None
    remark: str = ""
    face_size: float = math.nan
    tilt: float = math.nan


#: Decodes an image file to a width and height in pixels; None if unreadable. Called from several threads.
Decoder = Callable[[bytes, int], Decoded | None]


def decode(data: bytes, size: int) -> Decoded | None:
    """Decode an image file to grey uint8 (size, size), whatever its shape. 16 bits become 8.

    Transparent areas become white. If a file has several pictures, the first is decoded, and the remark says so.
    Returns None if the file is incomplete, of an unknown format, or beyond MAX_PIXELS or MAX_SCANS.
    """
    if plugin := _plugin(data):
        return _decode_by(plugin, data, size)
    try:
        width, height = dimensions(data)
        if not 0 < width * height <= MAX_PIXELS or has_many_scans(data):
            return None
        remarks: list[str] = []
        image = _grey(data, remarks.append)
        opened = _opened(data)
    except (struct.error, ValueError, cv2.error):
        return None
    if image is None:
        return None
    if opened:
        image = _as_shown(opened, image)
        remarks += filter(None, [further_pictures(opened)] if getattr(opened, "is_animated", False) else [])
    return Decoded(resize(image, size), width, height, remark="; ".join(remarks))


def _opened(data: bytes) -> Image.Image | None:
    """Return a file opened by Pillow if it may be transparent or have several pictures; None for most files."""
    header = data[:_HEADER]
    if data[:2] == b"BM":
        may_be = data[_BMP_BITS : _BMP_BITS + 1] == b"\x20"
    elif data[:2] == b"\x89P":
        may_be = header[_PNG_COLOURS] in _PNG_ALPHA or b"tRNS" in header or b"acTL" in header
    else:
        may_be = data[:4] in _TIFF or b"MPF\0" in header
    try:
        return Image.open(io.BytesIO(data), formats=("BMP", "JPEG", "PNG", "TIFF")) if may_be else None
    except Exception:  # noqa: BLE001 -- of files that OpenCV reads; Pillow's errors share no narrower base
        return None


def _as_shown(image: Image.Image, grey: np.ndarray) -> np.ndarray:
    """Return the grey levels of a picture on white where it is transparent. grey: without regard to transparency."""
    try:
        if not is_transparent(image):
            return grey
        upright = ImageOps.exif_transpose(image)
        if image.format == "TIFF" or upright.size != grey.shape[::-1]:  # OpenCV has blended a TIFF with black
            return np.asarray(on_white(upright).convert("RGB").convert("L"))
        opaque = np.asarray(upright.convert("RGBA").getchannel("A")) / 255
        return np.rint(grey * opaque + 255 * (1 - opaque)).astype(np.uint8)
    except Exception:  # noqa: BLE001 -- see `_opened`
        return grey


def _grey(data: bytes, report: Callable[[str], None]) -> np.ndarray | None:
    encoded = np.frombuffer(data, np.uint8)
    if not _may_be_deep(data):
        return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
    image = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if image is not None:
        return as_eight_bits(image, report)
    colours = cv2.imdecode(encoded, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)  # of floats, which have no such conversion
    return None if colours is None else cv2.cvtColor(as_eight_bits(colours, report), cv2.COLOR_BGR2GRAY)


def _may_be_deep(data: bytes) -> bool:
    """Tell whether an image may have more than 8 bits: a PNG that says so, or a TIFF."""
    return data[:4] in _TIFF or (data[:2] == b"\x89P" and data[_PNG_BIT_DEPTH : _PNG_BIT_DEPTH + 1] == b"\x10")


def _plugin(data: bytes) -> type[Image.Image] | None:
    """Return the class that opens a WebP, GIF, AVIF or HEIC file; None for other files.

    The classes are called directly, because `Image.open` would warn about large images, which are refused here anyway.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return GifImagePlugin.GifImageFile
    if data[4:8] != b"ftyp":
        return None
    if is_avif(data):
        return AvifImagePlugin.AvifImageFile
    from pi_heif import HeifImageFile  # here, as few data sets need it

    return HeifImageFile


def _decode_by(plugin: type[Image.Image], data: bytes, size: int) -> Decoded | None:
    try:
        image = plugin(io.BytesIO(data))  # type: ignore[call-arg]
        width, height = image.size
        if not 0 < width * height <= MAX_PIXELS:
            return None
        image.load()
        grey = np.asarray(on_white(ImageOps.exif_transpose(image)).convert("RGB").convert("L"))
        remark = further_pictures(plugin(io.BytesIO(data))) if getattr(image, "is_animated", False) else ""  # type: ignore[call-arg]
    except Exception:  # noqa: BLE001 -- Pillow's and pi-heif's errors about damaged files share no narrower base
        return None
    return Decoded(resize(grey, size), width, height, remark=remark)


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """Resize a grey image to uint8 (size, size): area averaging to shrink it, bicubic to enlarge it."""
    if image.shape == (size, size):
        return image
    shrinks = min(image.shape) > size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def dimensions(data: bytes) -> tuple[int, int]:
    """Read width and height from the header of an image file. Raises ValueError or struct.error if there is none."""
    if data[:2] == b"\xff\xd8":
        return _jpeg_dimensions(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n" and b"IEND" in data[-64:]:  # libpng would print a line if it is truncated
        return struct.unpack_from(">II", data, 16)
    if data[:2] == b"BM":
        width, height = struct.unpack_from("<ii", data, 18)
        return width, abs(height)  # negative: rows from the top down
    if data[:4] in _TIFF:
        return _tiff_dimensions(data, "<" if data[:1] == b"I" else ">")
    raise ValueError("not a JPEG, PNG, BMP or TIFF file")


def _jpeg_dimensions(data: bytes) -> tuple[int, int]:
    """Walk over the segments to the frame header (ITU T.81, B.2.2); a thumbnail inside one has a frame of its own."""
    offset = 2
    while True:
        marker, length, _, height, width = struct.unpack_from(">HHBHH", data, offset)
        if marker in _JPEG_FRAME_MARKERS:
            return width, height
        if marker < 0xFFC0:
            raise ValueError("no marker where a segment should begin")
        offset += 1 if marker == 0xFFFF else 2 + length  # a marker may be padded with FF


def has_many_scans(data: bytes) -> bool:
    """Tell whether a file is a JPEG of more than MAX_SCANS, which could keep a decoder busy for hours.

    Only the first picture counts; what follows it, such as the video of a moving photo, is not decoded.
    """
    if data[:2] != b"\xff\xd8":
        return False
    offset, scans = 2, 0
    while scans <= MAX_SCANS and (found := _JPEG_MARKER.search(data, offset)):
        marker = data[found.end() - 1]
        if marker == _JPEG_END:
            return False
        scans += marker == _JPEG_SCAN
        offset = found.end() + int.from_bytes(data[found.end() : found.end() + 2])
    return scans > MAX_SCANS


def _tiff_dimensions(data: bytes, order: str) -> tuple[int, int]:
    """Read the first directory (TIFF 6.0, section 2)."""
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, directory)
    values: dict[int, int] = {}
    for offset in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, offset)
        (value,) = struct.unpack_from(order + ("H" if kind == _TIFF_SHORT else "I"), data, offset + 8)
        values.setdefault(tag, value)  # of equal tags libtiff takes the first, too
    return values.get(_TIFF_WIDTH, 0), values.get(_TIFF_HEIGHT, 0)
