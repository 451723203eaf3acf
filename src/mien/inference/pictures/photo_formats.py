"""Formats of picture files. pi-heif opens HEIC, Pillow all others; the suffix does not matter.

If a file has several pictures, the first is read. A truncated JPEG is read as far as it goes, as viewers do.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from PIL import Image

from mien.data.decode import MAX_SCANS, has_many_scans
from mien.data.further_pictures import further_pictures
from mien.data.heif import is_heif
from mien.inference.pictures.file_ends import gif_end, is_cut_off

#: What error messages expect of a picture file.
EXPECTED = "a JPEG, PNG, BMP, TIFF, WebP, HEIC, AVIF or GIF file"

_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_JPEG_END = b"\xff\xd9"
_JPEG_TABLE, _JPEG_SCAN = b"\xff\xc4", b"\xff\xda"  # markers of segments between the scans of a progressive file
_MAX_REPAIRS = 8


def open_picture(data: bytes) -> Image.Image:
    """Open a picture file. Its pixels are decoded when first needed.

    Raises:
        PIL.UnidentifiedImageError: its format is not known.
        Exception: by Pillow and pi-heif for damaged files; their exceptions have no narrower base class.
    """
    if is_heif(data):
        from pi_heif import HeifImageFile  # here, as few files need it

        with _naming_heic(), _naming_cut(data):
            return HeifImageFile(io.BytesIO(data))  # pi-heif has rotated it and updated its EXIF data
    with _naming_cut(data):
        return Image.open(io.BytesIO(data), formats=_FORMATS)


@contextmanager
def _naming_cut(data: bytes) -> Iterator[None]:
    """Make errors say that the file is truncated; decoders of WebP, AVIF and HEIC use other words."""
    try:
        yield
    except Exception:
        if is_cut_off(io.BytesIO(data)):
            raise ValueError("is cut off") from None
        raise


@contextmanager
def _naming_heic() -> Iterator[None]:
    """Make errors say that the file is HEIC, as its name may hide this."""
    try:
        yield
    except (EOFError, RuntimeError, SyntaxError, ValueError) as error:
        raise ValueError(f"HEIC: {str(error).strip()}") from None


def decoded(image: Image.Image, data: bytes, report: Callable[[str], None]) -> Image.Image:
    """Decode a picture, and report what was not read of its file.

    Args:
        image: from `open_picture`.
        data: the file that it was opened from.
        report: called with a line about further pictures in the file, and about the missing end of a JPEG or GIF.

    Raises:
        Exception: see `open_picture`.
    """
    if has_many_scans(data):
        raise ValueError(f"has more than {MAX_SCANS} scans")
    try:
        with _naming_heic() if image.format == "HEIF" else nullcontext(), _naming_cut(data):
            image.load()
    except OSError as error:
        if image.format not in ("JPEG", "MPO") or "truncated" not in str(error):
            raise
        image = _cut_short(data, error)
        report("is a JPEG that is cut short; what is there was read")
    if image.format == "GIF" and (end := gif_end(io.BytesIO(data)).value):
        report(end)
    if getattr(image, "is_animated", False):
        report_further(data, report)
    return image


def report_further(data: bytes, report: Callable[[str], None]) -> None:
    """Report the pictures of a file beside the one that `open_picture` opens. Raises what that raises."""
    if text := further_pictures(open_picture(data)):  # opened again, because counting moves the position in the file
        report(text)


def _cut_short(data: bytes, error: OSError) -> Image.Image:
    """Return a truncated JPEG with its missing part filled in grey by libjpeg."""
    for _ in range(_MAX_REPAIRS):
        image = open_picture(data + _JPEG_END)
        try:
            image.load()
        except OSError:  # truncated in a segment between two scans
            data = data[: max(data.rfind(_JPEG_TABLE), data.rfind(_JPEG_SCAN))]
        else:
            return image
    raise error
