"""Measures the statistics of batch normalization anew."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from mien.models.keras_backend import keras
from mien.models.layers import layers_of

_MEASURED, _BATCH = 2048, 256  # images


def update_batch_norm(model: keras.Model, images: np.ndarray) -> None:
    """Set the moving means and variances of a network to those of images, seen without dropout.

    A weighted mean of weights has other statistics than the mean of their statistics (Izmailov et al. 2018, "Averaging
    weights leads to wider optima and better generalization").

    Args:
        model: all its layers are trainable.
        images: uint8 (N, size, size); up to 2,048 of them are used, always the same ones.
    """
    rows = np.random.default_rng(0).permutation(len(images))[:_MEASURED]
    with _settings_restored(model):
        for layer in layers_of(model, keras.layers.Dropout):
            layer.rate = 0
        for number, batch in enumerate(np.array_split(rows, -(-len(rows) // _BATCH))):
            for layer in layers_of(model, keras.layers.BatchNormalization):
                layer.momentum = number / (number + 1)  # the mean over all batches so far
            model(images[np.sort(batch)], training=True)


@contextmanager
def _settings_restored(model: keras.Model) -> Iterator[None]:
    """Restore rates of dropout and momenta of batch normalization when the block ends."""
    kinds = ((keras.layers.Dropout, "rate"), (keras.layers.BatchNormalization, "momentum"))
    settings = [(layer, name, getattr(layer, name)) for kind, name in kinds for layer in layers_of(model, kind)]
    try:
        yield
    finally:
        for layer, name, value in settings:
            setattr(layer, name, value)
