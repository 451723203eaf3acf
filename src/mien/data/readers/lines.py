"""Splits a long text file into runs of lines, so that several machines can share the reading."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mien._io.parallel import Executor
from mien._io.urls import Location, Span, read_spans

_CHUNK = 2**26  # bytes that are searched at once
_TAIL = 2**16  # bytes


class Lines(NamedTuple):
    """Some lines of a file.

    Attributes:
        first: the number of the first.
        start, stop: the bytes where they start and stop.
        to_end: whether they include the last line of the file.
    """

    first: int
    start: int
    stop: int
    to_end: bool


def split_lines(path: Location, begin: int, count: int, executor: Executor) -> Iterator[Lines]:
    """Split a file from byte `begin` on into runs of `count` lines, without the empty lines at its end.

    The file is read once, by `executor`.
    """
    end = max(_end_of_text(path), begin)
    chunks = [(start, min(start + _CHUNK, end)) for start in range(begin, end, _CHUNK)]
    ends = [np.array([begin - 1]), *executor(partial(_line_ends, path), chunks)]
    starts = [*(np.concatenate(ends)[::count] + 1).tolist(), end]
    last = len(starts) - 2
    for run, (start, stop) in enumerate(pairwise(starts)):
        yield Lines(run * count, start, stop, run == last)


def _line_ends(path: Location, chunk: tuple[int, int]) -> np.ndarray:
    """Return the positions of line feeds in a part of a file: int64 (N,)."""
    start, stop = chunk
    (text,) = read_spans(path, [Span(start, stop)])
    return start + np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))


def _end_of_text(path: Location) -> int:
    """Return the end of a file's text, without trailing blanks and empty lines."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        while end:
            start = max(end - _TAIL, 0)
            file.seek(start)
            if text := file.read(end - start).rstrip():
                return start + len(text)
            end = start
    return 0
