"""What all image sources share: their entries, and decoding in batches on all cores."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import cv2
import numpy as np

from mien.images.decode import decode
from mien.images.measure import hashes, light

_BATCH_PIXELS = 2**20
_AHEAD = 2  # batches a thread, finished or in work, that wait for the one whose turn it is

#: What is measured of an image: its file's width and height in pixels, mean and standard deviation of its grey levels.
MEASURES = ("width", "height", "brightness", "contrast")

_T = TypeVar("_T")
_R = TypeVar("_R")


class Entry(NamedTuple):
    """One image of a source: its path inside the source, its emotion, and its split where the source names one."""

    origin: str
    emotion: str
    split: str | None


@dataclass(frozen=True)
class Batch:
    """Decoded images.

    entries: what the source says of them. pixels: uint8 (N, size, size), black where unreadable.
    hashes: of the pixels, empty where unreadable. measures: float64 (N, MEASURES), NaN where unreadable.
    """

    entries: Sequence[Entry]
    pixels: np.ndarray
    hashes: list[str]
    measures: np.ndarray

    @classmethod
    def measured(cls, entries: Sequence[Entry], pixels: np.ndarray, stored: np.ndarray) -> "Batch":
        """Measure decoded images.

        Args:
            entries: what the source says of them.
            pixels: uint8 (N, size, size).
            stored: (N, 2), width and height of the file, zeros where unreadable.
        """
        measures = np.column_stack([stored, *light(pixels)])
        found = hashes(pixels)
        for row in np.flatnonzero(~stored.all(axis=1)):
            measures[row], found[row] = np.nan, ""
        return cls(entries, pixels, found, measures)


class Source(Protocol):
    """A set of labelled images.

    path: where they are. notes: what the user should know of the source; complete when all batches are read.
    total: the number of images, None where only reading tells it.
    """

    path: Path
    notes: list[str]
    total: int | None

    def batches(self, size: int) -> Iterator[Batch]:
        """Decode all images to grey `size` x `size`, in the source's order. Raises InputError where it is not sound."""


def decode_all(entries: Sequence[Entry], read: Callable[[int], bytes | None], size: int) -> Iterator[Batch]:
    """Decode encoded images in batches, in order.

    Args:
        entries: of all images.
        read: returns the file of the entry at a position, None where it cannot be read; called from several threads.
        size: width and height of the pixels.
    """

    def batch(rows: range) -> Batch:
        pixels = np.zeros((len(rows), size, size), np.uint8)
        stored = np.zeros((len(rows), 2), np.int64)
        for place, row in enumerate(rows):
            data = read(row)
            if data and (image := decode(data, size)):
                pixels[place] = image.pixels
                stored[place] = image.width, image.height
        return Batch.measured(entries[rows.start : rows.stop], pixels, stored)

    step = max(_BATCH_PIXELS // size**2, 1)
    starts = range(0, len(entries), step)
    return parallel(batch, (range(start, min(start + step, len(entries))) for start in starts))


def parallel(function: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Map a function over items on all cores that this process may use; results in order, a few at most ahead.

    Threads do: OpenCV, zlib, hashlib and NumPy release Python's lock while they work.
    """
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pool = ThreadPoolExecutor(threads)
    threads_of_opencv = cv2.getNumThreads()
    cv2.setNumThreads(1)  # more, inside each of these threads, would only keep the cores from each other
    waiting: deque[Future[_R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > threads * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(threads_of_opencv)
