"""A small CNN: half as wide as `base_cnn`, one block deeper."""

from mien.models.blocks import classifier, conv_block, image_input, rescaled
from mien.models.keras_backend import keras


def small_cnn(size: int, classes: int) -> keras.Model:
    """Return the network: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Blocks of 16, 32, 64 and 64 filters, then Dense 64.
    """
    images = image_input(size)
    x = rescaled(images)
    for filters in (16, 32, 64, 64):
        x = conv_block(x, (filters,), 0.1)
    x = keras.layers.Dense(64, activation="relu")(keras.layers.Flatten()(x))
    return classifier(images, keras.layers.Dropout(0.2)(x), classes, "small_cnn")
