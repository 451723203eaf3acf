"""Complexity of a network: layers, weights, multiply-adds, file sizes, memory in training."""

from pathlib import Path

import numpy as np
import pandas as pd

from mien.models.keras_backend import keras
from mien.models.layers import layers_of


def layer_complexity(model: keras.Model) -> pd.DataFrame:
    """Return one row per layer, including those of nested models.

    Columns:
        layer: its name.
        type: its class in Keras.
        output: the shape of its output without the batch, such as 24x24x64.
        weights: the number of its weights, trainable or not.
        macs: multiply-adds per image, for convolutions and dense layers; 0 for other layers, which are not counted.
    """
    rows = [
        (layer.name, type(layer).__name__, "x".join(map(str, _shape(layer))), layer.count_params(), _macs(layer))
        for layer in layers_of(model)
    ]
    return pd.DataFrame(rows, columns=["layer", "type", "output", "weights", "macs"])


def model_complexity(layers: pd.DataFrame, folder: Path) -> dict[str, float]:
    """Return the complexity of a whole network.

    Args:
        layers: from `layer_complexity`.
        folder: the folder with its best.keras and best.onnx.

    Returns:
        weights; mega_macs, in millions; keras_mb and onnx_mb, the sizes of the files.
    """
    return {
        "weights": int(layers["weights"].sum()),
        "mega_macs": round(float(layers["macs"].sum()) / 1e6, 2),
        **{f"{kind}_mb": round((folder / f"best.{kind}").stat().st_size / 1e6, 2) for kind in ("keras", "onnx")},
    }


def min_training_memory(model: keras.Model, batch_size: int) -> int:
    """Return a lower bound of the bytes that training needs: float32 outputs of all layers, and each weight 3 times."""
    outputs = sum(int(np.prod(_shape(layer))) for layer in layers_of(model))
    return 4 * (batch_size * outputs + 3 * model.count_params())


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
