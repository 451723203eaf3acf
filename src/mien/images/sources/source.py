"""What all image sources share: their entries, and decoding in batches, on all cores or on several machines."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import methodcaller
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from mien.compute import Engine, parallel
from mien.images.decode import decode
from mien.images.measure import hashes, light
from mien.quiet import quiet_decoders

_BATCH_PIXELS = 2**20

#: What is measured of an image: its file's width and height in pixels, mean and standard deviation of its grey levels.
MEASURES = ("width", "height", "brightness", "contrast")

_K = TypeVar("_K")
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


class Block(Protocol):
    """Some images of a source, in order: what a process that finds the same files can read by itself, once pickled."""

    def batches(self, size: int) -> Iterator[Batch]:
        """Decode the images to grey `size` x `size`, cut into batches where the source cuts them."""


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

    def blocks(self, size: int, engine: Engine) -> Iterable[Block]:
        """Cut all images into blocks, in the source's order, for images of `size` x `size`; `engine` may help."""


@dataclass(frozen=True)
class Files(Generic[_K]):
    """A block of encoded images, each a file of its own.

    entries: what the source says of them. keys: of each, what `read` finds its file by. read: returns the file of a
    key, None where it cannot be read; called from several threads, and pickled without an open file.
    """

    entries: Sequence[Entry]
    keys: Sequence[_K]
    read: Callable[[_K], bytes | None]

    def cut(self, size: int) -> Iterator["Files[_K]"]:
        """Cut the files into blocks of one batch each, for images of `size` x `size`."""
        step = max(_BATCH_PIXELS // size**2, 1)
        for at in range(0, len(self.entries), step):
            yield Files(self.entries[at : at + step], self.keys[at : at + step], self.read)

    def batch(self, size: int) -> Batch:
        """Decode the images to grey `size` x `size`."""
        pixels = np.zeros((len(self.keys), size, size), np.uint8)
        stored = np.zeros((len(self.keys), 2), np.int64)
        for place, key in enumerate(self.keys):
            data = self.read(key)
            if data and (image := decode(data, size)):
                pixels[place] = image.pixels
                stored[place] = image.width, image.height
        return Batch.measured(self.entries, pixels, stored)

    def batches(self, size: int) -> Iterator[Batch]:
        """See `Block`."""
        return map(methodcaller("batch", size), self.cut(size))


def each_batch(source: Source, size: int, function: Callable[[Batch], _R], engine: Engine) -> Iterator[_R]:
    """Yield what a function makes of each batch of a source, in order; the same on any engine.

    This machine's cores decode while the function works here. Elsewhere both are done by the process that reads the
    block, so that of the pixels only what the function returns comes back; it can be pickled.

    Raises:
        InputError: the source is not sound.
    """
    if engine is parallel:
        return map(function, source.batches(size))
    of_blocks = engine(partial(_of_block, function, size), source.blocks(size, engine))
    return chain.from_iterable(of_blocks)


def _of_block(function: Callable[[Batch], _R], size: int, block: Block) -> list[_R]:
    with quiet_decoders():
        return [function(batch) for batch in block.batches(size)]
