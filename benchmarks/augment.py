"""Measure augmentation against Keras' ImageDataGenerator in the same run, and the memory of balancing a large set.

The peer is the class that Keras still contains and notebooks use: for each image it makes a matrix with NumPy and calls
scipy.ndimage.affine_transform on float32 (order 1, edges repeated); brightness is changed via a PIL image. It cannot
change contrast, so both do rotation, shift, zoom and flip, with and without brightness.

Balancing raises one class from a tenth to the size of the other, in a separate process. The memory of its libraries is
reported separately.

    python benchmarks/augment.py [--count 20000] [--images 10000 100000 1000000]
"""

import argparse
import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from timing import Usage, measured, seconds

from mien.config import Augmentation
from mien.data.arrays import Images, open_npy
from mien.data.augment import augment
from mien.data.balance import oversample

SIZE = 48
PEER_IMAGES = 2_000
TURN = Augmentation(
    flip=True, rotation=10.0, shift=0.08, zoom=0.1, brightness=0.0, contrast=0.0, cutout=0.0, interpolation="linear"
)
LIGHT = TURN.model_copy(update={"brightness": 20.0})


def noise(count: int) -> np.ndarray:
    """Return images whose pixels are drawn at random: what they show does not change the time."""
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE), dtype=np.uint8)


def shortest(action: Callable[[], object]) -> float:
    """Return the shortest time of three calls, in seconds."""
    return min(seconds(action) for _ in range(3))


def per_image(images: np.ndarray, augmentation: Augmentation) -> Callable[[], list[np.ndarray]]:
    """Return what makes a view of each image with Keras' class, set to the same changes."""
    from mien.models.keras_backend import keras  # noqa: F401  (quiet, and before TensorFlow)
    from tensorflow.keras.preprocessing.image import ImageDataGenerator  # isort: skip

    generator = ImageDataGenerator(
        horizontal_flip=augmentation.flip,
        rotation_range=augmentation.rotation,
        width_shift_range=augmentation.shift,
        height_shift_range=augmentation.shift,
        zoom_range=augmentation.zoom,
        brightness_range=[0.85, 1.15] if augmentation.brightness else None,
    )
    floats = images[..., None].astype(np.float32)
    return lambda: [generator.random_transform(image) for image in floats]


def speed(count: int) -> pd.DataFrame:
    """Compare augmented images per second."""
    rows = []
    images = noise(count)
    for name, augmentation in (("rotation, shift, zoom, flip", TURN), ("and brightness", LIGHT)):
        peer = PEER_IMAGES / shortest(per_image(images[:PEER_IMAGES], augmentation))
        own = count / shortest(lambda changes=augmentation: augment(images, changes, np.random.default_rng(0)))
        rows.append((name, peer, own, own / peer))
    return pd.DataFrame(rows, columns=["changes", "ImageDataGenerator, images/s", "mien, images/s", "times as fast"])


def balance(source: Path, output: Path) -> Usage:
    """Balance the two classes in `source`."""
    images = Images.load(source, "train")
    goal = max(images.counts().values())
    with measured() as usage:
        oversample(images, dict.fromkeys(images.classes, goal), LIGHT, np.random.default_rng(0), output, "train")
    return usage


def memory(counts: list[int]) -> pd.DataFrame:
    """Measure balancing to so many images."""
    rows = []
    for count in counts:
        many, few = count // 2, count // 20
        labels = np.repeat([0, 1], [many, few]).astype(np.uint8)
        with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as output:
            part = noise(1000)
            with open_npy(Path(source, "train_images.npy"), (len(labels), SIZE, SIZE)) as file:
                for start in range(0, len(labels), len(part)):
                    part[: len(labels) - start].tofile(file)
            Images(part, labels, ["happy", "disgust"]).save_labels(Path(source), "train")
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                usage = process.submit(balance, Path(source), Path(output)).result()
            written = Path(output, "train_images.npy").stat().st_size / 2**20
        rows.append(
            (count, usage.seconds, count / usage.seconds, written, usage.peak, usage.grown, usage.grown / written)
        )
    columns = ["images", "seconds", "images/s", "output MB", "peak MB", "grown MB", "grown / output"]
    return pd.DataFrame(rows, columns=columns)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="images to augment at once (default: 20,000)")
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="sizes to balance")
    arguments = parser.parse_args()
    for table in (speed(arguments.count), memory(arguments.images)):
        print(table.to_string(index=False, float_format="{:,.1f}".format), end="\n\n")


if __name__ == "__main__":
    main()
