"""Exploratory data analysis (EDA): tables and plots of a data set, to look at before training."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien.data.arrays import Images
from mien.plots.faces import class_boxplots, class_counts, mean_face_grid, sample_grid
from mien.plots.png import save_png

_PERCENTILES = (5, 25, 50, 75, 95)
_CHUNK = 4096  # images


def write_eda(folder: Path, index: pd.DataFrame, splits: Mapping[str, Images], seed: int) -> None:
    """Write tables and plots of a data set: class counts, examples, mean faces, brightness and contrast.

    Counts cover all splits. Everything else shows only training images, because nobody should study the test images.

    Args:
        folder: an existing folder, for classes.csv, brightness.csv, contrast.csv, classes.png, samples.png,
            mean_faces.png and light.png.
        index: one row per image, with the columns emotion, split, brightness, contrast and dropped.
        splits: the images left in train, validation and test.
        seed: chooses the examples.
    """
    train = splits["train"]
    counts = {name: images.counts() for name, images in splits.items()}
    pd.DataFrame(counts).to_csv(folder / "classes.csv", index_label="emotion")
    save_png(class_counts(counts, "Images by split and class"), folder / "classes.png")

    samples = train.samples(10, np.random.default_rng(seed))
    save_png(sample_grid(samples, train.classes, "Training images by class"), folder / "samples.png")
    faces = mean_face_grid(mean_faces(train), train.classes, "Mean training image by class")
    save_png(faces, folder / "mean_faces.png")

    used = index[(index["split"] == "train") & (index["dropped"].fillna("") == "")]
    light = {name: quantiles(used, name, train.classes) for name in ("brightness", "contrast")}
    for name, table in light.items():
        table.to_csv(folder / f"{name}.csv", index_label="emotion")
    save_png(class_boxplots(light, "Brightness and contrast of training images"), folder / "light.png")


def mean_faces(images: Images) -> np.ndarray:
    """Return the mean image of each class: float64 (classes, size, size), grey levels. Each class has an image."""
    sums = np.zeros((len(images.classes), *images.pixels.shape[1:]))
    starts = range(0, len(images.labels), _CHUNK)  # the pixels may be mapped from disk
    for start in tqdm(starts, "mean faces", disable=None, delay=2):
        pixels, labels = images.pixels[start : start + _CHUNK], images.labels[start : start + _CHUNK]
        for label in np.unique(labels):
            sums[label] += pixels[labels == label].sum(axis=0, dtype=np.int64)
    counts = np.bincount(images.labels, minlength=len(images.classes))
    return sums / counts[:, None, None]


def quantiles(index: pd.DataFrame, quantity: str, classes: list[str]) -> pd.DataFrame:
    """Return percentiles of a column of an index: one row per class, columns p05, p25, p50, p75 and p95, 1 digit."""
    by_class = {name: np.percentile(index.loc[index["emotion"] == name, quantity], _PERCENTILES) for name in classes}
    return pd.DataFrame.from_dict(by_class, orient="index", columns=[f"p{p:02}" for p in _PERCENTILES]).round(1)
