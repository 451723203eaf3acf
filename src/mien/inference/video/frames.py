"""Frames of videos and cameras, with their times."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

import cv2
import numpy as np

from mien._io.errors import InputError
from mien._io.quiet import quiet_opencv

#: Frames per second if a source does not tell.
USUAL_RATE = 30.0
MAX_RATE = 240.0
MIN_SIDE = 16  # pixels

_MAX_CAMERAS = 100  # OpenCV uses larger numbers differently, and crashes at negative ones


class Frame(NamedTuple):
    """A picture of a video.

    Attributes:
        image: uint8 (height, width, 3), BGR.
        seconds: time since the first frame.
    """

    image: np.ndarray
    seconds: float


class Sound(NamedTuple):
    """The sound of a video.

    Attributes:
        location: a file or URL from which it can be read; None for none.
        loss: why a recording has to do without it; empty if there is none, or if it can be read.
    """

    location: Path | str | None = None
    loss: str = ""


NO_SOUND = Sound()


class Source(Protocol):
    """An open video or camera.

    Attributes:
        name: for messages.
        rate: average number of frames per second.
        total: approximate number of frames; None if unknown.
        is_live: whether frames arrive as they happen.
        damage: after the last frame, what is missing or damaged; empty if nothing is.
        sound: for a recording.
    """

    name: str
    rate: float
    total: int | None
    is_live: bool
    damage: str
    sound: Sound

    def frames(self) -> Iterator[Frame]:
        """Yield frames, all of the size of the first one, until the source ends."""


@contextmanager
def open_video(location: Path | str) -> Iterator[Source]:
    """Open a video: a file of any kind that FFmpeg reads, an animated picture, or a URL (str): http://, rtsp:// ..

    Raises:
        InputError: there is no such video, it cannot be read, or a server does not answer.
    """
    from mien.inference.video.animations import Animation, is_animation
    from mien.inference.video.video_files import VideoFile

    if isinstance(location, str) and location.startswith("file:"):
        location = Path(url2pathname(urlsplit(location).path))
    if isinstance(location, Path) and not location.is_file():
        found = "is a folder" if location.is_dir() else "no such file"
        raise InputError(f"{location}: {found}, expected a video")
    if isinstance(location, Path) and is_animation(location):
        yield Animation(location)
        return
    with VideoFile.open(location) as source:
        yield source


@contextmanager
def open_camera(camera: str) -> Iterator[Source]:
    """Open a camera by its number, from 0; by a URL, such as rtsp://; or by a device, such as /dev/video0.

    Raises:
        InputError: there is no such camera, another program uses it, or it does not answer.
    """
    if "://" in camera or camera.startswith("/dev/"):
        from mien.inference.video.video_files import VideoFile

        with VideoFile.open(camera, is_live=True) as source:
            yield source
        return
    number = int(camera) if camera.isdecimal() else -1
    if not 0 <= number < _MAX_CAMERAS:
        raise InputError(
            f"--camera: found {camera or repr(camera)}, expected 0..{_MAX_CAMERAS - 1}, a URL, or a device in /dev"
        )
    name = f"camera {number}"
    with quiet_opencv(), _closing(cv2.VideoCapture(number)) as capture:
        if not capture.isOpened():
            raise InputError(
                f"{name}: cannot be opened: it does not exist, another program uses it, or you lack permission; "
                "--camera selects another"
            )
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # so that the frame shown is the current one
        yield Camera(name, capture)


class Camera:
    """A camera that OpenCV opened; see `Source`."""

    total: int | None = None
    is_live = True
    damage = ""
    sound = NO_SOUND

    def __init__(self, name: str, capture: cv2.VideoCapture) -> None:
        """Use an open capture."""
        self.name = name
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= MAX_RATE else USUAL_RATE
        self._capture = capture

    def frames(self) -> Iterator[Frame]:
        """See `Source`."""
        start, size = None, None
        while True:
            taken, image = self._capture.read()
            if not taken or image is None:
                return
            now = time.monotonic()
            start = now if start is None else start
            size = size or image.shape[1::-1]
            yield Frame(image if image.shape[1::-1] == size else cv2.resize(image, size), now - start)


@contextmanager
def _closing(capture: cv2.VideoCapture) -> Iterator[cv2.VideoCapture]:
    try:
        yield capture
    finally:
        capture.release()
