"""Frames from video files and cameras, recordings of frames, and a window that shows them."""

import ctypes
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mien._io.errors import InputError
from mien._io.quiet import quiet_opencv

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; OpenCV reads it when it first opens a video

_USUAL_RATE = 30.0  # frames a second, where a source does not tell
_HIGHEST_RATE = 240.0
_SMALLEST = 16  # pixels
_MOST_CAMERAS = 100  # OpenCV has other uses for numbers from there on, and dies of those below 0


class Frame(NamedTuple):
    """image: uint8 (height, width, 3), BGR. seconds: from the first frame."""

    image: np.ndarray
    seconds: float


class Source:
    """An open video file or camera.

    name: for messages. rate: frames a second. total: frames, as far as the file tells; None for a camera, which has no
    end.
    """

    def __init__(self, name: str, capture: cv2.VideoCapture, total: int | None) -> None:
        """Use an open capture."""
        self.name = name
        self.total = total
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= _HIGHEST_RATE else _USUAL_RATE
        self._capture = capture

    @property
    def is_live(self) -> bool:
        """Tell whether frames come when they happen."""
        return self.total is None

    def frames(self) -> Iterator[Frame]:
        """Yield frames of the size of the first until the source ends."""
        first, last = None, -math.inf
        size: tuple[int, int] | None = None
        while True:
            taken, image = self._capture.read()
            if not taken or image is None:
                return
            size = size or (image.shape[1], image.shape[0])
            if image.shape[1::-1] != size:  # which a stream may change in the middle
                image = cv2.resize(image, size)
            if self.is_live:
                seconds = time.monotonic()
            else:  # by its own time stamps, as phones vary the rate; some files have none
                seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                seconds = seconds if seconds > last else last + 1 / self.rate
            first = seconds if first is None else first
            last = seconds
            yield Frame(image, seconds - first)


@contextmanager
def open_video(path: Path) -> Iterator[Source]:
    """Open a video file. Raises InputError where it is none that FFmpeg can read."""
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a video")
    with quiet_opencv(), _closing(cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)) as capture:
        if not capture.isOpened():
            raise InputError(
                f"{path}: cannot be read as a video, expected one of a kind that FFmpeg reads, such as MP4"
            )
        sides = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if min(sides) < _SMALLEST:
            raise InputError(
                f"{path}: has frames of {sides[0]:.0f} x {sides[1]:.0f} pixels, expected at least "
                f"{_SMALLEST} x {_SMALLEST}"
            )
        yield Source(str(path), capture, max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0))


@contextmanager
def open_camera(number: int) -> Iterator[Source]:
    """Open a camera by its number, from 0. Raises InputError where there is none, or another program has it."""
    if not 0 <= number < _MOST_CAMERAS:
        raise InputError(f"--camera: found {number}, expected 0..{_MOST_CAMERAS - 1}")
    name = f"camera {number}"
    with quiet_opencv(), _closing(cv2.VideoCapture(number)) as capture:
        if not capture.isOpened():
            raise InputError(
                f"{name}: cannot be opened: there is none, another program uses it, or you may not; --camera names "
                "another"
            )
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # what is shown is what happens now
        yield Source(name, capture, None)


class Recorder:
    """Writes an MP4 file of constant frame rate. Use as a context, so that the file is closed properly."""

    def __init__(self, path: Path, rate: float) -> None:
        """Start at the first frame. path: where to write, with suffix .mp4. rate: frames a second."""
        self._path = path
        self._rate = rate
        self._written = 0
        self._writer: cv2.VideoWriter | None = None

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.release()

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Show a frame, uint8 (height, width, 3) BGR, from `seconds` on; the sides are those of the first.

        Frames that come too late are shown longer, those that come too fast are left out, so that time is kept.

        Raises:
            InputError: the file cannot be written.
        """
        if self._writer is None:
            code = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, code, self._rate, image.shape[1::-1])
            if not self._writer.isOpened():
                raise InputError(
                    f"{self._path}: MP4 video of {image.shape[1]} x {image.shape[0]} cannot be written here"
                )
        while self._written < round(seconds * self._rate) + 1:
            self._writer.write(image)
            self._written += 1


class Window:
    """A window that shows frames. Use as a context."""

    def __init__(self, title: str) -> None:
        """Make a window; it opens with the first frame."""
        self._title = title
        self._shown = False

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            cv2.destroyAllWindows()

    def show(self, image: np.ndarray, wait: float) -> bool:
        """Show a frame for so many seconds; return False where `q` was pressed or the window closed."""
        if not self._shown:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
            cv2.resizeWindow(self._title, *image.shape[1::-1])
            self._shown = True
        cv2.imshow(self._title, image)
        pressed = cv2.waitKey(max(round(wait * 1000), 1)) & 0xFF
        return pressed != ord("q") and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1


def why_no_window() -> str | None:
    """Return why no window can open here, or None where one can. (Without this, Qt would abort the whole process.)"""
    if sys.platform.startswith("linux"):  # where OpenCV's wheels speak X11 only, also under Wayland
        if not (display := os.environ.get("DISPLAY")):
            return "there is no display (DISPLAY is not set)"
        if not _answers():
            return f"the display DISPLAY={display} does not answer"
    gui = next((line for line in cv2.getBuildInformation().splitlines() if line.strip().startswith("GUI:")), "")
    return "this build of OpenCV has no windows (opencv-python-headless)" if "NONE" in gui else None


def _answers() -> bool:
    """Tell whether the X server can be reached, by the library that Qt itself needs for it."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not failed


@contextmanager
def _closing(capture: cv2.VideoCapture) -> Iterator[cv2.VideoCapture]:
    try:
        yield capture
    finally:
        capture.release()
