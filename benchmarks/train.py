"""Measure training on the CPU: images per second of mien compared with typical notebooks.

Each way trains the same network on the same noise, in a process of its own, for a few seconds after a warm-up:

    notebook    float64 arrays in memory, scaled beforehand, `fit` with batches of 32, no augmentation
    generator   the same, augmented image by image by Keras' ImageDataGenerator
    mien        uint8 batches of 128, augmented by OpenCV, batch normalization as one operation, freed memory kept;
                float32, and bfloat16 where the CPU has it
    mien float32, memory returned
                the same, but freed memory goes back to Linux in each step

Two more columns are the share of a step that data and augmentation take, drawn alone, and the share of the machine's
matrix-product peak that the convolutions reach (three passes of two operations per multiply-add). Networks of
keras.applications see faces as small as the others do, and learn in all layers. The output is Markdown.

    python benchmarks/train.py [--networks three_block mien] > reports/benchmarks/train/README.md
"""

import argparse
import multiprocessing
import os
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from timing import seconds

from mien.config import Augmentation, Transfer
from mien.data.augment import augment
from mien.models.registry import NETWORKS, build

IMAGES, SIZE, CLASSES = 28_709, 48, 7  # as many as Training of FER2013 has
CHANGES = Augmentation(
    flip=True, rotation=10.0, shift=0.08, zoom=0.1, brightness=0.0, contrast=0.0, cutout=0.2, interpolation="cubic"
)
RETURNED = "mien float32, memory returned"
WAYS = {"notebook": 32, "generator": 32, RETURNED: 128, "mien float32": 128, "mien bfloat16": 128}  # and their batches
WARM_UP, MIN_BATCHES = 3.0, 3  # seconds that do not count, and the fewest batches that do
DRAWN = 50  # batches that data and augmentation alone are measured by


def noise(count: int = IMAGES) -> tuple[np.ndarray, np.ndarray]:
    """Return images and targets drawn at random: what they show does not change the time."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, SIZE, SIZE), dtype=np.uint8)
    return images, np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, count)]


def train(network: str, way: str, limit: float) -> dict[str, float]:
    """Return the seconds of a step and of its data alone, and the network's multiply-adds in millions.

    The steps are those of one epoch, and end after `limit` seconds.
    """
    from mien.models.complexity import layer_complexity
    from mien.models.keras_backend import fused_batch_norm, keep_freed_memory, keras, use_bfloat16

    if way.startswith("mien") and way != RETURNED:
        keep_freed_memory()
    if way == "mien bfloat16":
        use_bfloat16()
    model = build(
        network,
        SIZE,
        CLASSES,
        Transfer.from_weights(input_size=SIZE),
    )
    mega_macs = layer_complexity(model)["macs"].sum() / 1e6
    arguments, batches = _as_mien() if way.startswith("mien") else _as_notebooks(augmented=way == "generator")
    if not way.startswith("mien"):
        model = _scaled(model, keras)
    model.compile(keras.optimizers.Adam(0.001), "categorical_crossentropy", metrics=["accuracy"])
    ends: list[float] = []  # of batches

    def ended(*_: Any, **__: Any) -> None:
        ends.append(time.perf_counter())
        counted = sum(end > ends[0] + WARM_UP for end in ends[-MIN_BATCHES:])
        model.stop_training = counted == MIN_BATCHES and ends[-1] > ends[0] + WARM_UP + limit

    with fused_batch_norm() if way.startswith("mien") else nullcontext():
        model.fit(**arguments, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=ended)])
    first = min(bisect_right(ends, ends[0] + WARM_UP), len(ends) // 2)  # on a fast machine the epoch is soon over
    step = np.diff(ends[first:]).mean()
    drawn = islice(batches, DRAWN)
    return {"step": step, "data": seconds(lambda: list(drawn)) / DRAWN, "mega_macs": mega_macs}


def _as_mien() -> tuple[dict[str, Any], Iterator[Any]]:
    """Return the arguments of `fit`, and the batches that it draws."""
    from mien.models.keras_backend import prefetch
    from mien.training.batches import Batches

    data = Batches(*noise(), WAYS["mien float32"], 0, lambda x, y, rng: (augment(x, CHANGES, rng), y))
    return {"x": prefetch(data), "shuffle": False}, map(data.__getitem__, range(len(data)))


def _as_notebooks(augmented: bool) -> tuple[dict[str, Any], Iterator[Any]]:
    images, targets = noise()
    scaled = images[..., None].astype(np.float64) / 255
    if not augmented:
        return {"x": scaled, "y": targets, "batch_size": WAYS["notebook"]}, iter(())
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(
        horizontal_flip=True, rotation_range=10, width_shift_range=0.08, height_shift_range=0.08, zoom_range=0.1
    )
    flow = generator.flow(scaled, targets, batch_size=WAYS["generator"])
    return {"x": flow}, map(flow.__getitem__, range(len(flow)))


def _scaled(model: Any, keras: Any) -> Any:
    """Return the same network for images that were scaled beforehand."""
    scaled = keras.Input((SIZE, SIZE, 1))
    grey = keras.ops.cast(keras.ops.round(scaled[..., 0] * 255), "uint8")
    return keras.Model(scaled, model(grey))


def peak(precision: str) -> float:
    """Return the operations per second, in 10^9, of a product of two square matrices of 4096."""
    from mien.models.keras_backend import keras

    matrix = keras.ops.cast(np.random.default_rng(0).normal(size=(4096, 4096)), precision)

    def product() -> float:
        return float(keras.ops.matmul(matrix, matrix)[0, 0])  # which is there when the product is

    product()
    spent = min(seconds(product) for _ in range(5))
    return 2 * 4096**3 / spent / 1e9


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def measure(network: str, limit: float, peaks: dict[str, float]) -> pd.DataFrame:
    """Return a row for each way of training a network."""
    rows = []
    for way, batch in WAYS.items():
        print(network, way, file=sys.stderr)
        spent = apart(train, network, way, limit)
        speed = batch / spent["step"]
        highest = peaks["bfloat16" if way.endswith("bfloat16") else "float32"]
        rows.append(
            (network, way, speed, spent["data"] / spent["step"], 6 * spent["mega_macs"] / 1e3 * speed / highest)
        )
    table = pd.DataFrame(rows, columns=["network", "way", "images/s", "data, of a step", "share of peak"])
    table.insert(3, "times as fast", table["images/s"] / table["images/s"].iloc[0])
    return table


def main() -> None:
    """Print one row per network and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS, help="default: all, half an hour")
    parser.add_argument("--seconds", type=float, default=12, help="that a way is measured for (default: 12)")
    arguments = parser.parse_args()
    peaks = {precision: apart(peak, precision) for precision in ("float32", "bfloat16")}
    table = pd.concat([measure(network, arguments.seconds, peaks) for network in arguments.networks])
    table["images/s"] = table["images/s"].map("{:,.0f}".format)
    for share in ("data, of a step", "share of peak"):
        table[share] = table[share].map("{:.1%}".format).replace("0.0%", "")  # the notebook draws nothing
    print("# Training speed, compared with the notebooks")
    command, cores = f"python benchmarks/train.py --seconds {arguments.seconds:g}", len(os.sched_getaffinity(0))
    print(f"\nMade by `{command}`, on {cores} cores. A matrix product reaches")
    print(" and ".join(f"{value:,.0f} GFLOP/s in {name}" for name, value in peaks.items()), end=".\n\n")
    print(table.to_markdown(index=False, floatfmt=".1f", colalign=["left", "left", *["right"] * 4]))


if __name__ == "__main__":
    main()
