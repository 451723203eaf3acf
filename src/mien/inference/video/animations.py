"""Animated WebP, PNG and AVIF pictures, read by Pillow, because FFmpeg reads at most one of their frames."""

import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageSequence

from mien._io.errors import InputError, first_line
from mien.inference.pictures.file_ends import is_cut_off
from mien.inference.pictures.pil_pictures import pil_to_bgr
from mien.inference.video.frames import NO_SOUND, Frame

_USUAL_DURATION = 0.1  # seconds of a frame without a duration
_FORMATS = ("AVIF", "PNG", "WEBP")
_HEADER, _ANIMATED = 21, 0x02  # bytes of the header; the bit in its last byte that marks an animated WebP
_AVIF_ANIMATION = b"ftypavis"
_ERRORS = (EOFError, OSError, RuntimeError, SyntaxError, ValueError, Image.DecompressionBombError)  # Pillow's


def is_animation(path: Path) -> bool:
    """Tell whether a file is an animated WebP, PNG or AVIF picture. True also for a damaged WebP or AVIF."""
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if header[:4] == b"RIFF" and header[8:16] == b"WEBPVP8X":
        return bool(header[-1] & _ANIMATED)
    if header[4:12] == _AVIF_ANIMATION:
        return True
    try:
        with Image.open(path, formats=_FORMATS) as image:
            return bool(getattr(image, "is_animated", False))
    except _ERRORS:
        return False


class Animation:
    """An animated picture; see `mien.inference.video.frames.Source`."""

    is_live = False
    sound = NO_SOUND

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self.name, self.damage, self._path = str(path), "", path
        try:
            with Image.open(path, formats=_FORMATS) as image:
                self.total: int | None = getattr(image, "n_frames", 1)
                image.load()
                self.rate = 1 / _seconds(image)
        except _ERRORS as error:
            reason = "is cut off" if _is_cut(path) else first_line(error)
            raise InputError(f"{path}: cannot be read ({reason}), expected a whole picture") from None

    def frames(self) -> Iterator[Frame]:
        """See `Source`."""
        seconds, count = 0.0, 0
        with warnings.catch_warnings(), Image.open(self._path, formats=_FORMATS) as image:
            warnings.simplefilter("ignore")  # Pillow's, of odd metadata
            try:
                for picture in ImageSequence.Iterator(image):
                    yield Frame(pil_to_bgr(picture), seconds)
                    seconds, count = seconds + _seconds(picture), count + 1
            except _ERRORS as error:
                if not count:
                    raise InputError(
                        f"{self.name}: cannot be read ({first_line(error)}), expected a WebP, PNG or AVIF"
                    ) from None
                self.damage = f"holds {count} frames that can be read of {self.total}"


def _is_cut(path: Path) -> bool:
    with path.open("rb") as file:
        return is_cut_off(file)


def _seconds(image: Image.Image) -> float:
    return float(image.info.get("duration") or 1000 * _USUAL_DURATION) / 1000
