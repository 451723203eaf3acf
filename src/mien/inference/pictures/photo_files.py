"""Reads and writes pictures of all kinds: any name, rotated by EXIF, transparent, 16-bit, grey, CMYK, in memory."""

import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from mien._io.errors import InputError, note
from mien._io.folders import FolderEntry, walk
from mien._io.quiet import quiet_decoders
from mien._io.suffixes import PICTURES
from mien._io.urls import is_url, without_secrets
from mien.data.decode import MAX_BYTES, MAX_PIXELS
from mien.inference.pictures.deep_pictures import open_deep_tiff, to_eight_bits
from mien.inference.pictures.photo_formats import EXPECTED, decoded, open_picture
from mien.inference.pictures.pil_images import file_of
from mien.inference.pictures.pil_pictures import pil_to_bgr

#: Suffixes of the pictures that can be written.
WRITABLE = (".avif", ".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
#: Suffixes of the files that count as photos in a folder.
SUFFIXES = PICTURES
#: Pixels: the smallest picture that is read; a smaller face shows no emotion.
MIN_SIDE = 16

_QUALITY = 95  # quality of JPEG and WebP, 0..100


def read_photo(path: Path, report: Callable[[str], None] = note) -> np.ndarray:
    """Read a picture as viewers show it: uint8 (height, width, 3), BGR.

    It is rotated according to its EXIF data. Transparent areas become white, 16 bits become 8, grey and CMYK become
    BGR. If a file has several pictures, the first is read. The part that is left of a truncated JPEG is read.

    Args:
        path: the file, under any name.
        report: called with a line about what was not read or had to be guessed. The line names the path.

    Raises:
        InputError: it is not a complete picture in a known format, or it is too large or too small.
    """

    def report_file(text: str) -> None:
        report(f"{path}: {text}")

    with _silent(), _reporting(str(path), EXPECTED):
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: has {path.stat().st_size:,} bytes, expected at most {MAX_BYTES:,}")
        return _decode(str(path), path.read_bytes(), report_file)


def decode_photo(data: bytes, report: Callable[[str], None], max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode a picture's file as `read_photo` does. For threads: the caller silences decoders and Pillow's warnings.

    Args:
        data: the file.
        report: called with what was not read or had to be guessed.
        max_pixels: limit of pixels, at most MAX_PIXELS.

    Raises:
        InputError: see `read_photo`; the message calls it "picture".
    """
    with _reporting("picture", EXPECTED):
        return _decode("picture", data, report, max_pixels)


def _decode(name: str, data: bytes, report: Callable[[str], None], max_pixels: int = MAX_PIXELS) -> np.ndarray:
    try:
        image = open_picture(data)
    except UnidentifiedImageError:
        deep = open_deep_tiff(data, report)
        if deep is None:
            raise
        _check_size(name, *deep.size, max_pixels)
        return _pil_to_bgr(name, deep)
    _check_size(name, *image.size, max_pixels)
    return _pil_to_bgr(name, to_eight_bits(decoded(image, data, report), data, report))


def to_bgr(image: str | Path | Image.Image | np.ndarray) -> np.ndarray:
    """Return a picture in OpenCV's form: uint8 (height, width, 3), BGR.

    Args:
        image: a path, a PIL image, or an array uint8 (height, width, 3) in RGB order or (height, width) in grey.

    Raises:
        InputError: it is none of these, is damaged, or is too large or too small.
    """
    if isinstance(image, str) and (not image or is_url(image)):
        found = f"the URL {without_secrets(image)}" if image else "an empty path"
        raise InputError(f"image: found {found}, expected the path of a picture, a PIL image or an array")
    if isinstance(image, str | Path):
        return read_photo(Path(image))
    if isinstance(image, Image.Image):
        with _silent(), _reporting("image", "a PIL image that can be decoded"):
            _check_size("image", *image.size)
            return _pil_to_bgr("image", to_eight_bits(image, file_of(image), lambda text: note(f"image: {text}")))
    expected = "expected a path, a PIL image, or an array uint8 (height, width, 3) in RGB order or (height, width)"
    if not isinstance(image, np.ndarray):
        raise InputError(f"image: found {type(image).__name__}, {expected}")
    if image.dtype != np.uint8 or image.shape[2:] not in ((), (3,)) or image.ndim < 2:
        raise InputError(f"image: found {image.dtype} {image.shape}, {expected}")
    _check_size("image", image.shape[1], image.shape[0])
    code = cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR
    return cv2.cvtColor(np.ascontiguousarray(image), code)


@contextmanager
def _silent() -> Iterator[None]:
    with quiet_decoders(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about odd metadata and about sizes that are checked here
        yield


@contextmanager
def _reporting(name: str, expected: str) -> Iterator[None]:
    """Turn whatever Pillow raises about a picture into an InputError."""
    try:
        yield
    except UnidentifiedImageError:
        raise InputError(f"{name}: is not a picture that can be read, expected {expected}") from None
    except Image.DecompressionBombError:
        raise InputError(f"{name}: has too many pixels, expected at most {MAX_PIXELS:,}") from None
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 -- Pillow's errors about damaged files share no narrower base
        reason = getattr(error, "strerror", None) or str(error).strip()
        raise InputError(f"{name}: cannot be read ({reason}), expected {expected}") from None


def _pil_to_bgr(name: str, image: Image.Image) -> np.ndarray:
    _check_size(name, *image.size)
    return pil_to_bgr(image)


def _check_size(name: str, width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{name}: has {width} x {height} pixels, expected at least {MIN_SIDE} x {MIN_SIDE}")
    if width * height > max_pixels:
        raise InputError(f"{name}: has {width:,} x {height:,} pixels, expected at most {max_pixels:,} in all")


def find_photos(paths: Sequence[Path], report: Callable[[str], None] = note) -> list[Path]:
    """Return the photos at paths: a file as it is; for a folder, all files in it with a suffix of SUFFIXES.

    Links are followed. A broken one with such a suffix is a photo that cannot be read. Other files and broken links,
    loops of links and subfolders that cannot be read are counted. Hidden files and folders (.DS_Store, ._IMG_1.jpg) are
    ignored, as systems create them.

    Args:
        paths: files and folders.
        report: called with a line about what was left out, if anything.

    Raises:
        InputError: a folder has no photo or cannot be listed.
    """
    photos: list[Path] = []
    left_out: Counter[str] = Counter()
    for path in paths:
        if path.is_dir():
            entries = [entry for entry in walk(path, strict=False) if entry.kind != "folder"]
            inside = sorted(path / entry.name for entry in entries if _is_photo(entry))
            others = Counter(_kind_of(entry) for entry in entries if not _is_photo(entry))
            if not inside:
                found = f" but {_counted(others)}" if others else ""
                expected = f"expected some of {', '.join(SUFFIXES)}"
                raise InputError(f"{path}: found no photo in this folder{found}, {expected}")
            photos += inside
            left_out += others
        else:
            photos.append(path)
    if left_out:
        total = left_out.total()
        report(f"{total:,} {'file was' if total == 1 else 'files were'} left out: {_counted(left_out)}")
    return list(dict.fromkeys(photos))


def _is_photo(entry: FolderEntry) -> bool:
    return entry.kind in ("file", "broken link") and Path(entry.name).suffix.lower() in SUFFIXES


def _kind_of(entry: FolderEntry) -> str:
    return (Path(entry.name).suffix.lower() or "no suffix") if entry.kind == "file" else entry.kind


def _counted(suffixes: Counter[str]) -> str:
    return ", ".join(
        f"{suffix} ({count:,})" for suffix, count in sorted(suffixes.items(), key=lambda item: (-item[1], item[0]))
    )


def write_photo(path: Path, image: np.ndarray) -> None:
    """Write a picture, uint8 (height, width, 3) BGR, in the format of its suffix (one of WRITABLE), under any name.

    Raises:
        OSError: it cannot be written.
        InputError: it is too large for the format.
    """
    stream = io.BytesIO()  # Pillow does not notice if a full disk takes only the first part of a small file
    try:
        kind = Image.registered_extensions()[path.suffix.lower()]
        Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).save(stream, kind, quality=_QUALITY)
    except ValueError as error:
        size = f"{image.shape[1]:,} x {image.shape[0]:,}"
        raise InputError(
            f"{size} pixels cannot be written as {path.suffix} ({error}), expected another suffix"
        ) from None
    path.write_bytes(stream.getvalue())
