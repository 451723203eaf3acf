"""Labelled images as arrays, in memory and on disk."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import InputError


@dataclass(frozen=True)
class Images:
    """Labelled images: `pixels` uint8 (N, size, size), `labels` uint8 (N,), indices into `classes`."""

    pixels: np.ndarray
    labels: np.ndarray
    classes: list[str]

    def save(self, folder: Path, name: str) -> None:
        """Write `NAME_images.npy`, `NAME_labels.npy` and `classes.json` into `folder`."""
        np.save(folder / f"{name}_images.npy", self.pixels)
        np.save(folder / f"{name}_labels.npy", self.labels)
        (folder / "classes.json").write_text(json.dumps(self.classes) + "\n")

    @classmethod
    def load(cls, folder: Path, name: str) -> "Images":
        """Open what `save` wrote; the pixels are mapped from disk, not read. Raises InputError if it is not whole."""
        try:
            pixels = np.load(folder / f"{name}_images.npy", mmap_mode="r", allow_pickle=False)
            labels = np.load(folder / f"{name}_labels.npy", allow_pickle=False)
            return cls(pixels, labels, json.loads((folder / "classes.json").read_text()))
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"{folder}: {name} images cannot be read ({error}), expected those of `dvc repro`"
            ) from None

    def counts(self) -> dict[str, int]:
        """Return how many images each class has."""
        return {name: int((self.labels == label).sum()) for label, name in enumerate(self.classes)}

    def samples(self, columns: int, rng: np.random.Generator) -> np.ndarray:
        """Return random images of each class: uint8 (classes, columns, size, size). A class with fewer repeats some."""
        rows = (np.flatnonzero(self.labels == label) for label in range(len(self.classes)))
        return np.stack([self.pixels[rng.choice(of_class, columns, len(of_class) < columns)] for of_class in rows])
