"""Decoded images on their way from a source to arrays: on disk, so that memory holds a part at a time."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien.compute import Engine, parallel
from mien.images.sources import Source
from mien.images.sources.source import MEASURES, Batch, Entry, each_batch
from mien.quiet import quiet_decoders

_PART_PIXELS = 2**22


class Pixels:
    """Decoded images that wait in a temporary file until it is known where they go; memory holds a part at a time."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Keep grey images of `size` x `size` in an empty file, open for reading and writing."""
        self._file = file
        self.size = size

    def append(self, pixels: np.ndarray) -> None:
        """Add images: uint8 (N, size, size)."""
        self._file.write(pixels.data)

    def mapped(self) -> np.ndarray:
        """Return all images, read from disk where they are used: uint8 (N, size, size)."""
        self._file.flush()
        return np.memmap(self._file, np.uint8, "r").reshape(-1, self.size, self.size)

    def parts(self) -> Iterator[np.ndarray]:
        """Yield all images in order, some at a time: uint8 (N, size, size)."""
        self._file.seek(0)
        step = max(_PART_PIXELS // self.size**2, 1) * self.size**2
        while data := self._file.read(step):
            yield np.frombuffer(data, np.uint8).reshape(-1, self.size, self.size)


def read_images(source: Source, pixels: Pixels, engine: Engine = parallel) -> pd.DataFrame:
    """Decode every image of a source into `pixels`, and return an index with a row for each, in the source's order.

    Its columns: origin, emotion, split (None where the source names none), hash (of the decoded pixels, so that a copy
    in another format is still a copy), width and height (of the file, in pixels), brightness and contrast (mean and
    standard deviation of the grey levels). An unreadable image has an empty hash, no measures and black pixels.

    Raises:
        InputError: the source is not sound.
    """
    entries: list[Entry] = []
    hashes: list[str] = []
    measures = []
    told = {"total": source.total, "desc": "reading images", "unit": "", "disable": None, "delay": 2}
    with quiet_decoders(), tqdm(**told) as progress:  # unreadable images are counted, not narrated
        for batch in each_batch(source, pixels.size, _as_is, engine):
            pixels.append(batch.pixels)
            entries += batch.entries
            hashes += batch.hashes
            measures.append(batch.measures)
            progress.update(len(batch.entries))
    index = pd.DataFrame(entries, columns=Entry._fields).assign(hash=hashes)
    return index.join(pd.DataFrame(np.concatenate(measures), columns=list(MEASURES)))


def _as_is(batch: Batch) -> Batch:
    return batch
