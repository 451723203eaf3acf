"""The formats of picture files: HEIC is opened by pillow-heif, all others by Pillow, whatever the suffix."""

import io

from PIL import Image

#: What errors say that a picture file should be.
EXPECTED = "a JPEG, PNG, BMP, TIFF, WebP, HEIC, AVIF or GIF file"

_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))


def open_picture(data: bytes) -> Image.Image:
    """Open a picture file; its pixels are decoded when they are first needed.

    Raises:
        PIL.UnidentifiedImageError: it is not of a format that is read.
        Exception: Pillow's and pillow-heif's about damaged files, which share no narrower base.
    """
    if _is_heif(data):
        return _open_heif(data)
    return Image.open(io.BytesIO(data), formats=_FORMATS)


def _is_heif(data: bytes) -> bool:
    """Tell by the brands of the file type box (ISO/IEC 14496-12, 4.3) whether a file is HEIF, and not AVIF."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), len(data))
    brands = {data[8:12], *(data[offset : offset + 4] for offset in range(16, end, 4))}
    return bool(brands & _HEIF_BRANDS) and not brands & _AVIF_BRANDS


def _open_heif(data: bytes) -> Image.Image:
    """Open the main picture of a HEIF file. It is upright already, and its EXIF data say so."""
    from pillow_heif import HeifImageFile  # here, as few files need it

    return HeifImageFile(io.BytesIO(data))
