"""The three-block CNN of many FER2013 notebooks: 64, 128 and 256 filters, then one wide dense layer."""

from mien.models.blocks import classifier, image_input, standardized
from mien.models.keras_backend import keras


def three_block(size: int, classes: int) -> keras.Model:
    """Return the network: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Each image is standardized (mean 0, variance 1); three blocks of 3x3 convolution, batch norm, pooling and dropout
    (.3, .3, .4) follow, then Dense 512.
    """
    images = image_input(size)
    x = standardized(images)
    for filters, dropout in ((64, 0.3), (128, 0.3), (256, 0.4)):
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.MaxPooling2D()(x)
        x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(512, activation="relu")(x)
    return classifier(images, x, classes, "three_block")
