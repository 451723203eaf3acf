"""Labelled images as arrays, in memory and on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mien._io.checksums import checked
from mien._io.classes import read_classes, save_classes
from mien._io.errors import InputError


@dataclass(frozen=True)
class Images:
    """Labelled images.

    Attributes:
        pixels: uint8 (N, size, size).
        labels: indices into `classes`, uint8 (N,).
        classes: their names.
        votes: the share of taggers for each class, float32 (N, classes), rows sum to 1; None without votes.
        extra: which images are of `oversample_augment.extra`, bool (N,); None if that names no source.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: list[str]
    votes: np.ndarray | None = None
    extra: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Width and height, in pixels."""
        return self.pixels.shape[1]

    def targets(self) -> np.ndarray:
        """Return the training targets, float32 (N, classes): the votes, or else the labels, one-hot."""
        if self.votes is not None:
            return self.votes
        return np.eye(len(self.classes), dtype=np.float32)[self.labels]

    def save(self, folder: Path, name: str) -> None:
        """Write `NAME_images.npy`, `NAME_labels.npy`, `classes.json`, and votes and extra if there are any."""
        with open_npy(folder / f"{name}_images.npy", self.pixels.shape) as file:
            self.pixels.tofile(file)
        self.save_labels(folder, name)

    def save_labels(self, folder: Path, name: str) -> None:
        """Write everything that `save` writes, except the pixels."""
        np.save(folder / f"{name}_labels.npy", self.labels)
        for part, values in (("votes", self.votes), ("extra", self.extra)):
            if values is not None:
                np.save(folder / f"{name}_{part}.npy", values)
        save_classes(folder, self.classes)

    @classmethod
    def load(cls, folder: Path, name: str) -> "Images":
        """Open what `save` wrote, with memory-mapped pixels. Raises InputError if it is incomplete."""
        try:
            pixels = np.load(checked(folder / f"{name}_images.npy"), mmap_mode="r", allow_pickle=False)
            labels = np.load(checked(folder / f"{name}_labels.npy"), allow_pickle=False)
            votes, extra = (_load_if_there(folder / f"{name}_{part}.npy") for part in ("votes", "extra"))
            images = cls(pixels, labels, read_classes(folder), votes, extra)
        except (OSError, ValueError, EOFError, MemoryError) as error:
            raise InputError(
                f"{folder}: {name} images cannot be read ({error}), expected those of `dvc repro`"
            ) from None
        if fault := images._fault():
            raise InputError(f"{folder}: {name} images: found {fault}, expected those of `dvc repro`")
        return images

    def _fault(self) -> str:
        """Return what is wrong with arrays that were read; empty if nothing is wrong."""
        pixels, labels, votes, extra, classes = self.pixels, self.labels, self.votes, self.extra, len(self.classes)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or 0 in pixels.shape or pixels.shape[1] != pixels.shape[2]:
            return f"pixels {pixels.dtype} {pixels.shape}"
        if labels.dtype != np.uint8 or labels.shape != pixels.shape[:1]:
            return f"labels {labels.dtype} {labels.shape} for {len(pixels):,} images"
        if labels.max() >= classes:
            return f"a label {labels.max()} for {classes} classes"
        if extra is not None and (extra.dtype != np.bool_ or extra.shape != labels.shape):
            return f"extra {extra.dtype} {extra.shape} for {len(pixels):,} images"
        if votes is None:
            return ""
        if votes.dtype != np.float32 or votes.shape != (len(pixels), classes):
            return f"votes {votes.dtype} {votes.shape} for {len(pixels):,} images and {classes} classes"
        is_distribution = (votes >= 0).all() and np.allclose(votes.sum(axis=1), 1, atol=1e-3)
        return "" if is_distribution else "votes that do not sum to 1"

    def counts(self) -> dict[str, int]:
        """Return the number of images per class."""
        return {name: int((self.labels == label).sum()) for label, name in enumerate(self.classes)}

    def samples(self, columns: int, rng: np.random.Generator) -> np.ndarray:
        """Return random images of each class: uint8 (classes, columns, size, size). Small classes repeat images."""
        per_class = (np.flatnonzero(self.labels == label) for label in range(len(self.classes)))
        return np.stack([self.pixels[rng.choice(rows, columns, len(rows) < columns)] for rows in per_class])


def _load_if_there(path: Path) -> np.ndarray | None:
    return np.load(checked(path), allow_pickle=False) if path.exists() else None


def has_images(folder: Path, name: str) -> bool:
    """Tell whether a folder has the files for `Images.load(folder, name)`."""
    return (folder / f"{name}_images.npy").exists()


@contextmanager
def open_npy(path: Path, shape: tuple[int, ...]) -> Iterator[BinaryIO]:
    """Open a new .npy file of uint8 (`shape`), to be written from front to back in parts of any length.

    So only one part is in memory; pages of a writable memory map would stay there.
    """
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        yield file


def write_at(path: Path, start: int, pixels: np.ndarray) -> None:
    """Write pixels into an existing file, from byte `start` on.

    The file is opened and closed each time, so that other nodes see the pixels, also on a network file system.
    """
    with path.open("r+b") as file:
        file.seek(start)
        file.write(pixels.data)
