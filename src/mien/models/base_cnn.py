"""A plain CNN, as one would write it on a first try."""

from mien.models.blocks import classifier, conv_block, image_input, rescaled
from mien.models.keras_backend import keras


def base_cnn(size: int, classes: int) -> keras.Model:
    """Return the network: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Blocks of 32, 64 and 128 filters, then Dense 128.
    """
    images = image_input(size)
    x = rescaled(images)
    for filters in (32, 64, 128):
        x = conv_block(x, (filters,), 0.2)
    x = keras.layers.Dense(128, activation="relu")(keras.layers.Flatten()(x))
    return classifier(images, keras.layers.Dropout(0.3)(x), classes, "base_cnn")
