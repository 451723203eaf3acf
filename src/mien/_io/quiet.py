"""Silences native libraries (OpenCV, libpng, libtiff, FFmpeg, TensorFlow) that print lines of their own."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TextIO

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; OpenCV reads it when it first opens a video
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's later warnings are shown, notes are not


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV silent within the block. The caller reports or counts what goes wrong there. Safe for threads."""
    _OPENCV.mute()
    try:
        yield
    finally:
        _OPENCV.unmute()


def quiet_ffmpeg() -> None:
    """Keep PyAV's FFmpeg silent from now on. The caller reports what goes wrong there."""
    import av

    av.logging.set_level(av.logging.PANIC)


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep OpenCV, libpng and libtiff silent; the latter two have no setting for it. Safe for threads."""
    with quiet_opencv(), quiet_native_stderr():
        yield


@contextmanager
def quiet_reading() -> Iterator[None]:
    """Keep decoders and Pillow's warnings about odd metadata silent, in this thread and in those it starts.

    Only one thread at a time may be inside, because Python's warning filters belong to the whole process.
    """
    with quiet_decoders(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


@contextmanager
def quiet_native_stderr() -> Iterator[None]:
    """Drop what native code writes to stderr, but keep what Python writes. Safe for threads."""
    _STDERR.mute()
    try:
        yield
    finally:
        _STDERR.unmute()


class _OpenCvLog:
    """OpenCV's log level, which belongs to the whole process: silent while a thread is inside."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._level = 0

    def mute(self) -> None:
        import cv2  # here, so that TensorFlow can be silenced without it

        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

    def unmute(self) -> None:
        import cv2

        with self._lock:
            self._inside -= 1
            if not self._inside:
                cv2.utils.logging.setLogLevel(self._level)


class _NativeStderr:
    """File descriptor 2, redirected to nowhere while a thread is inside. Python's own stderr still works.

    Its copies of both are kept open, because a log handler created inside continues to use them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._copy: int | None = None
        self._stream: TextIO | None = None

    def mute(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            sys.stderr.flush()
            if self._copy is None:
                self._copy = os.dup(2)
                self._stream = open(self._copy, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
            else:
                os.dup2(2, self._copy, inheritable=False)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)
            os.close(null)
            if sys.stderr is sys.__stderr__:  # tests put another one there
                sys.stderr = self._stream

    def unmute(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside or self._copy is None:
                return
            sys.stderr.flush()
            if sys.stderr is self._stream:
                sys.stderr = sys.__stderr__
            os.dup2(self._copy, 2)


_OPENCV, _STDERR = _OpenCvLog(), _NativeStderr()
