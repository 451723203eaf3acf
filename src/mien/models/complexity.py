"""What a network costs: its layers, weights and multiply-adds."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from mien.models.keras_backend import keras


def layers(model: keras.Model) -> pd.DataFrame:
    """Return one row a layer, those of nested models included.

    Columns: layer, type, output (its shape without the batch, such as 24x24x64), weights (trained or not) and macs, the
    multiply-adds an image of its convolutions or matrix products; what other layers compute is not counted.
    """
    rows = [
        (layer.name, type(layer).__name__, "x".join(map(str, _shape(layer))), layer.count_params(), _macs(layer))
        for layer in _flat(model)
    ]
    return pd.DataFrame(rows, columns=["layer", "type", "output", "weights", "macs"])


def _flat(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _flat(layer)
        else:
            yield layer


def _shape(layer: keras.layers.Layer) -> tuple[int, ...]:
    output = layer.output[0] if isinstance(layer.output, list) else layer.output
    return tuple(output.shape[1:])


def _macs(layer: keras.layers.Layer) -> int:
    match layer:
        case keras.layers.Conv2D() | keras.layers.DepthwiseConv2D():
            height, width, _ = _shape(layer)
            return int(np.prod(layer.kernel.shape)) * height * width
        case keras.layers.Dense():
            return int(np.prod(layer.kernel.shape))
    return 0


def summary(costs: pd.DataFrame, folder: Path) -> dict[str, float]:
    """Return what a trained network costs in all: weights, macs (millions), and the size of its files in MB."""
    return {
        "weights": int(costs["weights"].sum()),
        "mega_macs": round(float(costs["macs"].sum()) / 1e6, 2),
        **{f"{kind}_mb": round((folder / f"best.{kind}").stat().st_size / 1e6, 2) for kind in ("keras", "onnx")},
    }


def training_memory(model: keras.Model, batch_size: int) -> int:
    """Return the bytes that training needs at the least: float32 outputs of all layers, and each weight 3 times."""
    outputs = sum(int(np.prod(_shape(layer))) for layer in _flat(model))
    return 4 * (batch_size * outputs + 3 * model.count_params())
