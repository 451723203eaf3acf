"""Shared by all image sources: entries, and decoding in batches on all cores or several machines."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from operator import methodcaller
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import pandas as pd

from mien._io.parallel import Executor, parallel
from mien._io.quiet import quiet_reading
from mien._io.urls import Location
from mien.data.decode import Decoder, decode
from mien.data.image_stats import brightness_and_contrast, pixel_hashes

_BATCH_PIXELS = 2**20
_SEARCHED_PER_BATCH = 32  # images that are searched for faces, which takes some 10 ms each

#: What is measured of an image: its file's width and height in pixels, mean and standard deviation of its grey levels.
MEASURES = ("width", "height", "brightness", "contrast")

_K = TypeVar("_K")
_R = TypeVar("_R")


#: Columns of a table. They are pickled and turned into a table much faster than rows.
Columns = Mapping[str, Sequence[Any] | np.ndarray]


class Entry(NamedTuple):
    """One image of a source.

    Attributes:
        origin: its path inside the source.
        emotion: its label.
        split: None if the source names none.
        person: the person in it; empty if the source does not tell.
    """

    origin: str
    emotion: str
    split: str | None
    person: str = ""


@dataclass(frozen=True)
class Batch:
    """Decoded images.

    Attributes:
        entries: the source's entries.
        pixels: uint8 (N, size, size); black if unreadable.
        hashes: hashes of the pixels; empty if unreadable or without a face.
        measures: float64 (N, MEASURES); NaN if unreadable; brightness and contrast also NaN without a face.
        search: columns faces (how many were found; 0 if unreadable), remark, face_size and tilt (see `Decoded`);
            remark alone if no faces were looked for; empty if images are no files.
    """

    entries: Sequence[Entry]
    pixels: np.ndarray
    hashes: list[str]
    measures: np.ndarray
    search: "Columns" = field(default_factory=dict)

    @classmethod
    def measured(
        cls, entries: Sequence[Entry], pixels: np.ndarray, stored: np.ndarray, search: "Columns | None" = None
    ) -> "Batch":
        """Measure decoded images.

        Args:
            entries: what the source says of them.
            pixels: uint8 (N, size, size).
            stored: (N, 2), width and height of the file, zeros if unreadable.
            search: see `Batch`.
        """
        measures = np.column_stack([stored, *brightness_and_contrast(pixels)])
        hashes = pixel_hashes(pixels)
        for row in np.flatnonzero(~stored.all(axis=1)):
            measures[row], hashes[row] = np.nan, ""
        for row in np.flatnonzero(np.equal(search["faces"], 0)) if search and "faces" in search else ():
            measures[row, 2:], hashes[row] = np.nan, ""
        return cls(entries, pixels, hashes, measures, search or {})

    def columns(self) -> Columns:
        """Return everything except the pixels, by name: fields of Entry, hash, MEASURES and the search."""
        entry_columns = zip(Entry._fields, zip(*self.entries, strict=True), strict=True)
        measures = dict(zip(MEASURES, self.measures.T, strict=True))
        return {**dict(entry_columns), "hash": self.hashes, **measures, **self.search}


class Block(Protocol):
    """Some images of a source, in order. It can be pickled and read by any process that finds the same files.

    Attributes:
        first: the position of the first one in the source, from 0.
    """

    @property
    def first(self) -> int: ...

    def batches(self, size: int) -> Iterator[Batch]:
        """Decode the images to grey `size` x `size`, in batches."""


class Source(Protocol):
    """A set of labelled images.

    Attributes:
        path: where they are.
        notes: what the user should know about the source; complete when all batches are read.
        total: the number of images, None if it is known only after reading.
    """

    path: Location
    notes: list[str]
    total: int | None

    def batches(self, size: int) -> Iterator[Batch]:
        """Decode all images to grey `size` x `size`, in the source's order. Raises InputError if it is damaged."""

    def blocks(self, size: int, executor: Executor) -> Iterable[Block]:
        """Split all images into blocks, in the source's order, for images of `size` x `size`; `executor` may help."""

    def sample(self, count: int) -> list[bytes]:
        """Return up to `count` of its image files, evenly spaced; none if images are not separate files."""


@dataclass(frozen=True)
class Files(Generic[_K]):
    """A block of encoded images, each in its own file.

    Attributes:
        entries: the source's entries.
        keys: the keys for `read`.
        read: yields the file of each key, None if it cannot be read; called from several threads, and pickled
            without an open file.
        decoder: decodes them; decoders other than `decode` find faces.
        first: see Block.
    """

    entries: Sequence[Entry]
    keys: Sequence[_K]
    read: Callable[[Sequence[_K]], Iterator[bytes | None]]
    decoder: Decoder = decode
    first: int = 0

    def split(self, size: int) -> Iterator["Files[_K]"]:
        """Split the files into blocks of one batch each, for images of `size` x `size`."""
        step = max(_BATCH_PIXELS // size**2, 1)
        if self._searches:
            step = min(step, _SEARCHED_PER_BATCH)
        for start in range(0, len(self.entries), step):
            rows = slice(start, start + step)
            yield replace(self, entries=self.entries[rows], keys=self.keys[rows], first=self.first + start)

    def batch(self, size: int) -> Batch:
        """Decode the images to grey `size` x `size`."""
        pixels = np.zeros((len(self.keys), size, size), np.uint8)
        stored = np.zeros((len(self.keys), 2), np.int64)
        search = {"faces": 0, "remark": "", "face_size": math.nan, "tilt": math.nan}
        columns: dict[str, list[Any]] = {name: [value] * len(self.keys) for name, value in search.items()}
        for index, data in enumerate(self.read(self.keys)):
            if data and (image := self.decoder(data, size)):
                pixels[index] = image.pixels
                stored[index] = image.width, image.height
                for name, values in columns.items():
                    values[index] = getattr(image, name)
        measures = columns if self._searches else {"remark": columns["remark"]}
        return Batch.measured(self.entries, pixels, stored, measures)

    def batches(self, size: int) -> Iterator[Batch]:
        """See `Block`."""
        return map(methodcaller("batch", size), self.split(size))

    def sample(self, count: int) -> list[bytes]:
        """See `Source`."""
        rows = np.unique(np.linspace(0, len(self.keys) - 1, count).round().astype(int))
        return [data for data in self.read([self.keys[row] for row in rows]) if data]

    @property
    def _searches(self) -> bool:
        return self.decoder is not decode


def map_batches(source: Source, size: int, function: Callable[[int, Batch], _R], executor: Executor) -> Iterator[_R]:
    """Yield `function(first, batch)` for each batch of a source, in order. first: the position of its first image.

    Locally, all cores decode while the function runs here. On a cluster, the process that reads a block also calls the
    function, so that only its result, which must be picklable, is returned, and no pixels.

    Raises:
        InputError: the source is damaged.
    """
    if executor is parallel:
        return _map(function, 0, source.batches(size))
    results = executor(partial(_map_block, function, size), source.blocks(size, executor))
    return chain.from_iterable(results)


def _map_block(function: Callable[[int, Batch], _R], size: int, block: Block) -> list[_R]:
    with quiet_reading():
        return list(_map(function, block.first, block.batches(size)))


def _map(function: Callable[[int, Batch], _R], first: int, batches: Iterable[Batch]) -> Iterator[_R]:
    for batch in batches:
        yield function(first, batch)
        first += len(batch.entries)


def concatenate_columns(parts: Sequence[Columns]) -> pd.DataFrame:
    """Join parts of a table that have the same columns."""
    return pd.DataFrame({name: _concatenate([part[name] for part in parts]) for name in parts[0]})


def _concatenate(parts: Sequence[Any]) -> Sequence[Any] | np.ndarray:
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else list(chain.from_iterable(parts))
