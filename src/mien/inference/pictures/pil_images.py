"""The files of PIL images that callers hand over, because Pillow keeps only the upper 8 of 16 bits of colours."""

from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from mien.data.decode import MAX_BYTES

_FORMATS = ("PNG", "TIFF")  # those that Pillow reads and that store colours in 16 bits


def file_of(image: Image.Image) -> bytes:
    """Return the PNG or TIFF file of a PIL image; empty for all others, and if the file is out of reach.

    Args:
        image: at its first picture. If its pixels are loaded, the file is read again by its name, if that still has
            the same pixels.
    """
    if not isinstance(image, ImageFile.ImageFile) or image.format not in _FORMATS or image.tell():
        return b""
    with suppress(OSError, ValueError):
        return _rest_of_stream(image) if image.tile else _same_file(image)
    return b""


def _rest_of_stream(image: ImageFile.ImageFile) -> bytes:
    """Return the whole stream that an image will be decoded from."""
    stream = image.fp
    if stream is None:
        return b""
    position = stream.tell()
    try:
        stream.seek(0)
        return stream.read(MAX_BYTES)
    finally:
        stream.seek(position)


def _same_file(image: ImageFile.ImageFile) -> bytes:
    """Return the file of a loaded image, if it can be found and the caller has not painted on the image."""
    if not image.filename:
        return b""
    path = Path(image.filename)  # type: ignore[arg-type]  # text, but bytes for callers who opened bytes
    if path.stat().st_size > MAX_BYTES:
        return b""
    with Image.open(path, formats=_FORMATS) as stored:
        is_same = stored.mode == image.mode and np.array_equal(np.asarray(stored), np.asarray(image))
    return path.read_bytes() if is_same else b""
