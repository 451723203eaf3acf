"""The arrays of `prepare_fer`, such as data/fer, as a source: the same images that the pipeline measures on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien._io.parallel import Executor
from mien._io.tables import read_csv
from mien._io.urls import Location
from mien.data.arrays import Images, has_images
from mien.data.decode import resize
from mien.data.readers.source import Batch, Columns, Entry
from mien.splits import SPLITS

INDEX = "index.csv"
_BATCH_IMAGES = 2_048
_COLUMNS = ("origin", "emotion", "split", "dropped", "width", "height")
_SEARCH = ("faces", "face_size", "tilt")  # columns of an index if a detector was used


def is_prepared(folder: Path) -> bool:
    """Tell whether a folder is what `prepare_fer` writes."""
    return (folder / INDEX).is_file() and any(has_images(folder, split) for split in SPLITS)


class PreparedSource:
    """Arrays of faces by split, with an index of their labels, without images that were left out."""

    def __init__(self, path: Path) -> None:
        """Open a folder for which `is_prepared` holds. Raises InputError if its files do not fit each other."""
        self.path: Location = path
        self.notes: list[str] = []
        index = read_csv(path / INDEX)
        if absent := [name for name in _COLUMNS if name not in index]:
            raise InputError(f"{path / INDEX}: found no column {absent[0]}, expected the index of prepare_fer")
        kept = index[index["dropped"].isna()]
        self._blocks: list[PreparedBlock] = []
        self.total: int | None = 0
        for split in SPLITS:
            rows = kept[kept["split"] == split].reset_index(drop=True)
            if len(rows) or has_images(path, split):
                self._add(path, split, rows, Images.load(path, split))

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all images, train before validation before test."""
        for block in self._blocks:
            yield from block.batches(size)

    def blocks(self, _size: int, _executor: Executor) -> "list[PreparedBlock]":
        """Split all images into blocks of one batch each."""
        return self._blocks

    def sample(self, _: int) -> list[bytes]:
        """See `Source`."""
        return []

    def _add(self, path: Path, split: str, rows: pd.DataFrame, images: Images) -> None:
        labels = [images.classes[label] for label in images.labels]
        if labels != rows["emotion"].tolist():
            raise InputError(
                f"{path / INDEX}: found {len(rows):,} {split} images, expected the {len(labels):,} of "
                f"{split}_labels.npy with their labels in the same order"
            )
        for start in range(0, len(rows), _BATCH_IMAGES):
            block = rows[start : start + _BATCH_IMAGES]
            self._blocks.append(PreparedBlock(path, split, block, (self.total or 0) + start, start))
        self.total = (self.total or 0) + len(rows)


@dataclass(frozen=True)
class PreparedBlock:
    """Some images of a split, in order.

    Attributes:
        path: of the folder.
        split: their split.
        rows: of the index.
        first: see `Block`.
        start: the position of the first one in the split's array.
    """

    path: Path
    split: str
    rows: pd.DataFrame
    first: int
    start: int

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield the images as one batch, see `Block`."""
        stored = np.load(self.path / f"{self.split}_images.npy", mmap_mode="r", allow_pickle=False)
        faces = stored[self.start : self.start + len(self.rows)]
        pixels = np.stack([resize(face, size) for face in faces])
        persons = self.rows["person"].fillna("") if "person" in self.rows else [""] * len(self.rows)
        named = zip(self.rows["origin"], self.rows["emotion"], self.rows["split"], persons, strict=True)
        search: Columns = {name: self.rows[name].to_numpy() for name in _SEARCH if name in self.rows}
        yield Batch.measured(
            [Entry(*names) for names in named],
            pixels,
            self.rows[["width", "height"]].to_numpy(),
            {**search, "remark": [""] * len(self.rows)} if search else None,
        )
