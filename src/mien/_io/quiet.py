"""The one way to silence native libraries (OpenCV, libpng, libtiff, TensorFlow), which print lines of their own."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TextIO

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; OpenCV reads it when it first opens a video


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV silent within the block; what goes wrong there is said in one line, or counted, by the caller."""
    import cv2  # here, so that TensorFlow can be silenced without it

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep OpenCV silent, and libpng and libtiff, too, which no setting reaches. Threads may be inside together."""
    with quiet_opencv(), quiet_native_stderr():
        yield


@contextmanager
def quiet_reading() -> Iterator[None]:
    """Keep decoders silent, and Pillow's warnings of odd metadata, in this thread and in those that it starts.

    One thread at a time may be inside, as Python's filters of warnings are those of the process.
    """
    with quiet_decoders(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


@contextmanager
def quiet_native_stderr() -> Iterator[None]:
    """Drop what native code writes to stderr; what Python writes there arrives. Threads may be inside together."""
    _STDERR.mute()
    try:
        yield
    finally:
        _STDERR.unmute()


class _NativeStderr:
    """File descriptor 2, which leads nowhere as long as somebody is inside; Python's own stderr still arrives.

    The copies that are made of both are kept: a log handler that is made inside goes on to use them.
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


_STDERR = _NativeStderr()
