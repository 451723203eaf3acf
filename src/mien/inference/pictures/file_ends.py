"""Checks the ends of picture files: decoders accept some truncated files silently, and reject others without a reason.

GIF blocks follow the specification GIF89a (1990), WebP chunks follow RIFF, and AVIF and HEIC boxes follow ISO/IEC
14496-12, 4.2.
"""

import os
from enum import Enum
from typing import BinaryIO

_SCREEN, _PLACE = 13, 9  # bytes of the signature with the screen's description, and of that of a picture
_EXTENSION, _PICTURE, _TRAILER = b"\x21", b"\x2c", b"\x3b"  # what blocks begin with
_RIFF, _BOX = 12, 8  # bytes: length and name of a WebP file, of a box
_HAS_COLOURS, _COLOURS = 0x80, 0x07  # bits: whether a table of colours follows, and its size


class GifEnd(Enum):
    """How a GIF file ends. The value is the text for a message about the file."""

    WHOLE = ""
    UNMARKED = "has no end mark, so pictures may be missing"
    CUT_OFF = "is cut off"
    DAMAGED = "is damaged"


def gif_end(file: BinaryIO) -> GifEnd:
    """Tell how a GIF file ends. UNMARKED: its last block is whole, but there is no end mark, as some programs write it.

    Args:
        file: at its beginning.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    screen = file.read(_SCREEN)
    if len(screen) < _SCREEN:
        return GifEnd.CUT_OFF
    _skip_colours(file, screen[10])
    while file.tell() <= size:
        kind = file.read(1)
        if kind == _TRAILER:
            return GifEnd.WHOLE
        if not kind:
            return GifEnd.UNMARKED if file.tell() == size else GifEnd.CUT_OFF
        if kind == b"\0":  # padding, which decoders skip
            continue
        if kind not in (_EXTENSION, _PICTURE):
            return GifEnd.DAMAGED
        if kind == _PICTURE:
            _skip_colours(file, (file.read(_PLACE) or b"\0")[-1])
        file.seek(1, os.SEEK_CUR)  # the kind of an extension, or the code size of a picture
        if not _skip_data(file):
            return GifEnd.CUT_OFF
    return GifEnd.CUT_OFF


def is_cut_off(file: BinaryIO) -> bool:
    """Tell whether a WebP, AVIF or HEIC file is shorter than it says; False for all other files.

    Args:
        file: at its beginning.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    header = file.read(_RIFF)
    if header[:4] == b"RIFF" and header[8:] == b"WEBP":
        return int.from_bytes(header[4:8], "little") + _BOX > size
    start = 0
    while header[4:8] == b"ftyp" and start < size:
        file.seek(start)
        length = int.from_bytes(file.read(4), "big")
        if length == 1:  # it follows the name, in 8 bytes
            file.seek(start + _BOX)
            length = int.from_bytes(file.read(_BOX), "big")
        if length < _BOX:  # 0: to the end of the file; else damaged
            return False
        start += length
    return start > size


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & _HAS_COLOURS:
        file.seek(3 << (flags & _COLOURS) + 1, os.SEEK_CUR)


def _skip_data(file: BinaryIO) -> bool:
    """Skip parts of up to 255 bytes, each preceded by its length. Returns whether the empty last part is there."""
    while length := file.read(1):
        if length == b"\0":
            return True
        file.seek(length[0], os.SEEK_CUR)
    return False
