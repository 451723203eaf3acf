"""The four-convolution CNN of many webcam demos: 32, 64, 128 and 128 filters, then Dense 1024."""

from mien.models.blocks import classifier, image_input, rescaled
from mien.models.keras_backend import keras


def four_conv(size: int, classes: int) -> keras.Model:
    """Return the network, without batch norm: uint8 (N, size, size) grey images in, (N, classes) probabilities out."""
    images = image_input(size)
    x = rescaled(images)
    for filters, pools in ((32, False), (64, True), (128, True), (128, True)):
        x = keras.layers.Conv2D(filters, 3, activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x) if pools else x
        x = keras.layers.Dropout(0.25)(x) if filters == 64 else x
    x = keras.layers.Dropout(0.25)(x)
    x = keras.layers.Dense(1024, activation="relu")(keras.layers.Flatten()(x))
    return classifier(images, keras.layers.Dropout(0.5)(x), classes, "four_conv")
