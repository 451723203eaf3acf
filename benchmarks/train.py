"""Measure training on the CPU: images per second of mien's way against the ways of the notebooks it replaces.

Each way trains the same network on the same noise, in a process of its own, and is timed after a first epoch:

    notebook    float64 arrays in memory, scaled beforehand, `fit` with batches of 32, no augmentation
    generator   the same, augmented image by image by Keras' ImageDataGenerator
    mien        uint8 batches of 128, augmented by OpenCV, batch normalization as one operation; float32, and bfloat16
                where the CPU has it

Beside it stands what data and augmentation cost of a step, and the share of the machine's matrix-product peak that the
convolutions reach (three passes of two operations a multiply-add).

    python benchmarks/train.py [--networks three_block mien] [--images 6400]
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd

from mien.images.augment import Augmentation, augment
from mien.models.registry import NETWORKS, Transfer, build

SIZE, CLASSES = 48, 7
CHANGES = Augmentation(
    flip=True, rotation=10.0, shift=0.08, zoom=0.1, brightness=0.0, contrast=0.0, cutout=0.2, interpolation="cubic"
)
WAYS = ("notebook", "generator", "mien float32", "mien bfloat16")


def noise(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images and targets drawn at random: what they show does not change the time."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, SIZE, SIZE), dtype=np.uint8)
    return images, np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, count)]


def seconds(action: Callable[[], object]) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def train(network: str, way: str, count: int) -> dict[str, float]:
    """Return the seconds of an epoch, those of its batches alone, and the network's multiply-adds (millions)."""
    from mien.engine import drawn_ahead, fused_normalization, keras, use_bfloat16
    from mien.models.cost import layers
    from mien.training.loop import Batches

    images, targets = noise(count)
    if way == "mien bfloat16":
        use_bfloat16()
    model = build(network, SIZE, CLASSES, Transfer(weights="none", input_size=SIZE, frozen_epochs=0))
    mega_macs = layers(model)["macs"].sum() / 1e6
    if way.startswith("mien"):
        data = Batches(images, targets, 128, 0, lambda x, y, rng: (augment(x, CHANGES, rng), y))
        arguments: dict[str, Any] = {"x": drawn_ahead(data), "shuffle": False}
        alone = seconds(lambda: [data[number] for number in range(len(data))])
    else:
        arguments, alone = _as_notebooks(images, targets, augmented=way == "generator")
        model = _scaled(model, keras)
    model.compile(keras.optimizers.Adam(0.001), "categorical_crossentropy", metrics=["accuracy"])
    ends: list[float] = []  # of batches
    clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_, **__: ends.append(time.perf_counter()))
    with fused_normalization() if way.startswith("mien") else nullcontext():
        model.fit(**arguments, epochs=2, verbose=0, callbacks=[clock])
    second = ends[len(ends) // 2 :]  # not what lies between epochs, which is epoch_ends.py's
    spent = (second[-1] - second[0]) / (len(second) - 1) * len(second)
    return {"seconds": spent, "data": alone, "mega_macs": mega_macs}


def _as_notebooks(images: np.ndarray, targets: np.ndarray, augmented: bool) -> tuple[dict[str, Any], float]:
    scaled = images[..., None].astype(np.float64) / 255
    if not augmented:
        return {"x": scaled, "y": targets, "batch_size": 32}, 0.0
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(
        horizontal_flip=True, rotation_range=10, width_shift_range=0.08, height_shift_range=0.08, zoom_range=0.1
    )
    flow = generator.flow(scaled, targets, batch_size=32)
    return {"x": flow}, seconds(lambda: [flow[number] for number in range(len(flow))])


def _scaled(model: Any, keras: Any) -> Any:
    """Return the same network for images that were scaled beforehand."""
    scaled = keras.Input((SIZE, SIZE, 1))
    grey = keras.ops.cast(keras.ops.round(scaled[..., 0] * 255), "uint8")
    return keras.Model(scaled, model(grey))


def peak(precision: str) -> float:
    """Return the operations per second, in 10^9, of a product of two square matrices of 4096."""
    from mien.engine import keras

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


def main() -> None:
    """Print a row a network and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=["three_block", "mien"])
    parser.add_argument("--images", type=int, default=6400, help="images an epoch (default: 6,400)")
    arguments = parser.parse_args()
    peaks = {precision: apart(peak, precision) for precision in ("float32", "bfloat16")}
    print("matrix product:", ", ".join(f"{name} {value:,.0f} GFLOP/s" for name, value in peaks.items()), end="\n\n")
    rows = []
    for network in arguments.networks:
        for way in WAYS:
            spent = apart(train, network, way, arguments.images)
            speed = arguments.images / spent["seconds"]
            highest = peaks["bfloat16" if way.endswith("bfloat16") else "float32"]
            reached = 6 * spent["mega_macs"] / 1e3 * speed / highest
            rows.append((network, way, speed, spent["data"] / spent["seconds"], reached))
    table = pd.DataFrame(rows, columns=["network", "way", "images/s", "data, share of a step", "share of peak"])
    table.insert(3, "times as fast", table["images/s"] / table.groupby("network")["images/s"].transform("first"))
    print(table.to_string(index=False, float_format="{:,.2f}".format))


if __name__ == "__main__":
    main()
