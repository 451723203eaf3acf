"""Finds the layers of a network."""

from collections.abc import Iterator

from mien.models.keras_backend import keras


def layers_of(model: keras.Model, kind: type = keras.Layer) -> Iterator[keras.Layer]:
    """Yield the layers of a kind in order, also those of nested models instead of these models."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer, kind)
        elif isinstance(layer, kind):
            yield layer
