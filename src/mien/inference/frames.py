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

_DEFAULT_RATE = 30.0  # frames per second, where a source does not tell
_MAX_RATE = 240.0
_MIN_SIDE = 16  # pixels
_MAX_CAMERAS = 100  # OpenCV uses higher numbers for other things, and crashes on negative ones


class Frame(NamedTuple):
    """A frame of a video or camera.

    Attributes:
        image: uint8 (height, width, 3), BGR.
        seconds: since the first frame.
    """

    image: np.ndarray
    seconds: float


class Source:
    """An open video file or camera.

    Attributes:
        name: for messages.
        rate: frames per second.
        total: the number of frames as the file states it, 0 if it does not; None for a camera, which has no end.
    """

    def __init__(self, name: str, capture: cv2.VideoCapture, total: int | None) -> None:
        """Use an open capture."""
        self.name = name
        self.total = total
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= _MAX_RATE else _DEFAULT_RATE
        self._capture = capture

    @property
    def is_live(self) -> bool:
        """Tell whether the frames come from a camera, as they happen."""
        return self.total is None

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source ends, all of the size of the first."""
        first, last = None, -math.inf
        size: tuple[int, int] | None = None
        while True:
            success, image = self._capture.read()
            if not success or image is None:
                return
            size = size or (image.shape[1], image.shape[0])
            if image.shape[1::-1] != size:  # a stream may change it in the middle
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
    """Open a video file. Raises InputError if FFmpeg cannot read it."""
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a video")
    with quiet_opencv(), _closing(cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)) as capture:
        if not capture.isOpened():
            raise InputError(
                f"{path}: cannot be read as a video, expected one of a kind that FFmpeg reads, such as MP4"
            )
        sides = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if min(sides) < _MIN_SIDE:
            raise InputError(
                f"{path}: has frames of {sides[0]:.0f} x {sides[1]:.0f} pixels, expected at least "
                f"{_MIN_SIDE} x {_MIN_SIDE}"
            )
        yield Source(str(path), capture, max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0))


@contextmanager
def open_camera(number: int) -> Iterator[Source]:
    """Open a camera by its number, from 0. Raises InputError if it does not exist, or another program uses it."""
    if not 0 <= number < _MAX_CAMERAS:
        raise InputError(f"--camera: found {number}, expected 0..{_MAX_CAMERAS - 1}")
    name = f"camera {number}"
    with quiet_opencv(), _closing(cv2.VideoCapture(number)) as capture:
        if not capture.isOpened():
            raise InputError(
                f"{name}: cannot be opened: there is none, another program uses it, or you may not; --camera names "
                "another"
            )
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # older frames would delay what is shown
        yield Source(name, capture, None)


class Recorder:
    """Writes an MP4 file of constant frame rate. Use as a context, so that the file is closed properly."""

    def __init__(self, path: Path, rate: float) -> None:
        """Start with the first frame. path: where to write, with suffix .mp4. rate: frames per second."""
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
        """Write a frame, uint8 (height, width, 3) BGR, that is shown from `seconds` on; all frames have one size.

        To keep time, a frame is repeated until the next one is due, and left out where it comes too fast.

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
        """Prepare a window; it opens with the first frame."""
        self._title = title
        self._shown = False

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            cv2.destroyAllWindows()

    def show(self, image: np.ndarray, wait: float) -> bool:
        """Show a frame, and wait so many seconds; return False if `q` was pressed or the window was closed."""
        if not self._shown:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
            cv2.resizeWindow(self._title, *image.shape[1::-1])
            self._shown = True
        cv2.imshow(self._title, image)
        key = cv2.waitKey(max(round(wait * 1000), 1)) & 0xFF
        return key != ord("q") and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1


def why_no_window() -> str | None:
    """Return why no window can open here, or None if one can. (Without this, Qt would abort the whole process.)"""
    if sys.platform.startswith("linux"):  # OpenCV's wheels use X11 here, also under Wayland
        if not (display := os.environ.get("DISPLAY")):
            return "there is no display (DISPLAY is not set)"
        if not _x_server_answers():
            return f"the display DISPLAY={display} does not answer"
    gui = next((line for line in cv2.getBuildInformation().splitlines() if line.strip().startswith("GUI:")), "")
    return "this build of OpenCV has no windows (opencv-python-headless)" if "NONE" in gui else None


def _x_server_answers() -> bool:
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
