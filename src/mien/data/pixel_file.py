"""A temporary file of decoded images, between source and arrays, so that only part of them is in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien._io.parallel import Executor, parallel
from mien._io.quiet import quiet_reading
from mien.data.arrays import write_at
from mien.data.readers.source import Batch, Columns, Source, concatenate_columns, map_batches

_CHUNK_PIXELS = 2**22


@dataclass(frozen=True)
class PixelFile:
    """Decoded images in a temporary file, until their array is known.

    The file exists inside a `with` block. Any process that finds it may write images to their positions.

    Attributes:
        path: of the file.
        size: width and height of the images, in pixels.
    """

    path: Path
    size: int

    def __enter__(self) -> Self:
        self.path.touch()
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)

    def write(self, first: int, pixels: np.ndarray) -> None:
        """Write images, uint8 (N, size, size), from position `first` on."""
        write_at(self.path, first * self.size**2, pixels)

    def memmap(self) -> np.ndarray:
        """Return all images, memory-mapped: uint8 (N, size, size)."""
        return np.memmap(self.path, np.uint8, "r").reshape(-1, self.size, self.size)

    def chunks(self) -> Iterator[np.ndarray]:
        """Yield all images in order, in chunks: uint8 (N, size, size)."""
        step = max(_CHUNK_PIXELS // self.size**2, 1) * self.size**2
        with self.path.open("rb") as file:
            while data := file.read(step):
                yield np.frombuffer(data, np.uint8).reshape(-1, self.size, self.size)


def read_images(source: Source, pixels: PixelFile, executor: Executor = parallel) -> pd.DataFrame:
    """Decode every image of a source into `pixels`. Returns an index with one row per image, in the source's order.

    Returns:
        Columns origin, emotion, split (None if the source names none), hash (of the decoded pixels, so that a copy in
        another format is still a copy), width and height (of the file, in pixels), brightness and contrast (mean and
        standard deviation of the grey levels). An unreadable image has an empty hash, no measures and black pixels.
        With a detector also: faces (how many were found; 0 if unreadable), remark (what was not read of the file or
        guessed), face_size and tilt (see `Decoded`). An image without a face has an empty hash, no brightness and
        contrast, and black pixels.

    Raises:
        InputError: the source is not sound.
    """
    parts: list[Columns] = []
    bar = {"total": source.total, "desc": "reading images", "unit": "", "disable": None, "delay": 2}
    with quiet_reading(), tqdm(**bar) as progress:  # unreadable images are counted at the end
        for part in map_batches(source, pixels.size, partial(_store, pixels), executor):
            parts.append(part)
            progress.update(len(part["hash"]))
    return concatenate_columns(parts)


def _store(pixels: PixelFile, first: int, batch: Batch) -> Columns:
    pixels.write(first, batch.pixels)
    return batch.columns()
