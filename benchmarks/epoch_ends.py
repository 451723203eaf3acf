"""Measure the gap between epochs: the seconds from the last batch of an epoch to the first batch of the next.

A network is trained on batches that Keras draws from a PyDataset, and on batches prefetched by mien
(mien.models.keras_backend.prefetch). Each way runs in a separate process. The first gap is left out, because validation
is compiled in it.

    python benchmarks/epoch_ends.py [--network mien_small] [--images 12800] [--epochs 8]
"""

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from train import CHANGES, CLASSES, SIZE, apart, noise

from mien.config import Transfer
from mien.data.augment import augment
from mien.models.registry import NETWORKS, build

WAYS = ("Keras", "mien")


def train(network: str, way: str, count: int, epochs: int) -> dict[str, Any]:
    """Return the median seconds of an epoch's batches, and the seconds of all gaps between epochs but the first."""
    from mien.models.keras_backend import fused_batch_norm, keras, prefetch
    from mien.training.batches import Batches

    images, targets = noise(count)
    batches = Batches(images, targets, 128, 0, lambda x, y, rng: (augment(x, CHANGES, rng), y))
    model = build(
        network,
        SIZE,
        CLASSES,
        Transfer.from_weights(input_size=SIZE),
    )
    model.compile("sgd", "categorical_crossentropy")
    ends: list[float] = []  # of batches
    clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_, **__: ends.append(time.perf_counter()))
    with fused_batch_norm():
        model.fit(
            prefetch(batches) if way == "mien" else batches,
            validation_data=(images[:1024], targets[:1024]),
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[clock],
        )
    by_epoch = np.reshape(ends, (epochs, -1))
    return {
        "batches": np.median(by_epoch[:, -1] - by_epoch[:, 0]),
        "gaps": by_epoch[2:, 0] - by_epoch[1:-1, -1],
    }


def main() -> None:
    """Print one row per way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="mien_small")
    parser.add_argument("--images", type=int, default=12800, help="images an epoch (default: 12,800)")
    parser.add_argument("--epochs", type=int, default=8, help="default: 8")
    arguments = parser.parse_args()
    rows = []
    for way in WAYS:
        spent = apart(train, arguments.network, way, arguments.images, arguments.epochs)
        gaps = spent["gaps"]
        rows.append((way, spent["batches"], np.median(gaps), gaps.max(), gaps.mean() / spent["batches"]))
    columns = ["drawn by", "batches s", "gap, median s", "gap, max s", "mean gap, share of the batches"]
    print(pd.DataFrame(rows, columns=columns).to_string(index=False, float_format="{:,.2f}".format))


if __name__ == "__main__":
    main()
