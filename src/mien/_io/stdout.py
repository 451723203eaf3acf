"""A stdout that may be full or closed early."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, TypeVar, cast

#: The `filename` of an error of stdout, which has none: other errors without one are of temporary files.
STDOUT = "standard output"

_Result = TypeVar("_Result")


class _Named:
    """A stream whose errors name it. A closed pipe is left to those who print."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._named(lambda: self._stream.write(text))

    def flush(self) -> None:
        self._named(self._stream.flush)

    def _named(self, call: Callable[[], _Result]) -> _Result:
        try:
            return call()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), STDOUT) from None


@contextmanager
def named_stdout() -> Iterator[None]:
    """Let errors of stdout name it, and write all that was printed when the block ends, also by SystemExit.

    Python would do so at its exit, and end in a traceback.
    """
    stream = sys.stdout
    if stream is None:  # closed by the shell
        yield
        return
    sys.stdout = cast("TextIO", _Named(stream))
    try:
        try:
            yield
        except SystemExit:
            _flush()
            raise
        _flush()
    finally:
        sys.stdout = stream
        with suppress(ValueError):  # closed
            _drop_if_broken(stream)


def _flush() -> None:
    with suppress(BrokenPipeError):
        sys.stdout.flush()


def _drop_if_broken(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        drop_stdout()


def drop_stdout() -> None:
    """Redirect stdout to nowhere, because Python flushes it once more when it exits."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
