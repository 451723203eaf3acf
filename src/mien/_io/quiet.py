"""OpenCV and the libraries below it without the lines that they print of their own about what goes wrong."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TextIO

import cv2


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV silent within the block; what goes wrong there is said in one line, or counted, by the caller."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep OpenCV silent, and libpng and libtiff, too, which no setting reaches. Threads may be inside together."""
    with quiet_opencv():
        _MUTE.enter()
        try:
            yield
        finally:
            _MUTE.leave()


class _Mute:
    """Sends file descriptor 2 to nowhere as long as somebody is inside; Python's own stderr still arrives."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._kept = -1
        self._stderr: TextIO | None = None

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            sys.stderr.flush()
            self._kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)
            os.close(null)
            if sys.stderr is sys.__stderr__:  # tests put another one there
                self._stderr = sys.stderr
                sys.stderr = open(self._kept, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside:
                return
            if self._stderr is not None:
                sys.stderr.flush()
                sys.stderr, self._stderr = self._stderr, None
            os.dup2(self._kept, 2)
            os.close(self._kept)


_MUTE = _Mute()
