"""Photos from files as people have them: turned by EXIF, transparent, 16-bit, grey or for print, of any name."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mien._io.errors import InputError
from mien._io.quiet import quiet_decoders
from mien.data.decode import MAX_BYTES, MAX_PIXELS

#: Suffixes of the files that are looked for in a folder, and that can be written.
SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

_FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
_KIND = "a JPEG, PNG, BMP, TIFF or WebP file"
_QUALITY = 95  # of JPEG and WebP, 0..100
_SMALLEST = 16  # pixels; nothing can be told from a smaller face
_DEEP = {"I": 257.0, "I;16": 257.0, "I;16B": 257.0, "I;16L": 257.0, "F": 1.0}  # grey modes, and what makes 0..255


def read_photo(path: Path) -> np.ndarray:
    """Read a picture as it is meant to be looked at: uint8 (height, width, 3), BGR.

    It is turned as its EXIF data say; what is transparent becomes white; 16 bits become 8, grey and CMYK become BGR.

    Raises:
        InputError: it is no whole picture of a kind that is read, is moving, or too large or too small.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: has {path.stat().st_size:,} bytes, expected at most {MAX_BYTES:,}")
        with path.open("rb") as file, quiet_decoders(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's of odd metadata, and of sizes that are checked here
            return _read(path, Image.open(file, formats=(*_FORMATS, "GIF")))
    except UnidentifiedImageError:
        raise InputError(f"{path}: is no picture that can be read, expected {_KIND}") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path}: has too many pixels, expected at most {MAX_PIXELS:,}") from None
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 -- Pillow's errors about damaged files share no narrower base
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}), expected {_KIND}") from None


def _read(path: Path, image: Image.Image) -> np.ndarray:
    width, height = image.size
    if image.format == "GIF":
        raise InputError(f"{path}: is a GIF, expected {_KIND}; mien video reads moving pictures")
    if min(width, height) < _SMALLEST:
        raise InputError(f"{path}: has {width} x {height} pixels, expected at least {_SMALLEST} x {_SMALLEST}")
    if width * height > MAX_PIXELS:
        raise InputError(f"{path}: has {width:,} x {height:,} pixels, expected at most {MAX_PIXELS:,} in all")
    image = ImageOps.exif_transpose(image)
    if image.mode in _DEEP:
        grey = np.clip(np.asarray(image, np.float32) / _DEEP[image.mode], 0, 255)
        return cv2.cvtColor(np.rint(grey).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR)


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Return the photos that paths name: files as they are, of folders and those in them all with a known suffix.

    Raises:
        InputError: a path does not exist, or a folder has no photo.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
            if not inside:
                raise InputError(f"{path}: found no photo in this folder, expected some of {', '.join(SUFFIXES)}")
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def write_photo(path: Path, image: np.ndarray) -> None:
    """Write a picture, uint8 (height, width, 3) BGR, in the format of the suffix, one of SUFFIXES, under any name.

    Raises:
        OSError: it cannot be written.
        InputError: it is too large for the format.
    """
    try:
        Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).save(path, quality=_QUALITY)
    except ValueError as error:
        size = f"{image.shape[1]:,} x {image.shape[0]:,}"
        raise InputError(
            f"{size} pixels cannot be written as {path.suffix} ({error}), expected another suffix"
        ) from None
