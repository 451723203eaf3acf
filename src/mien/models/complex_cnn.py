"""A deep CNN: eight convolutions in the style of VGG (Simonyan & Zisserman 2015)."""

from mien.models.blocks import classifier, conv_block, image_input, rescaled
from mien.models.keras_backend import keras


def complex_cnn(size: int, classes: int) -> keras.Model:
    """Return the network: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Blocks of two convolutions with 64, 128, 256 and 512 filters, then Dense 256.
    """
    images = image_input(size)
    x = rescaled(images)
    for filters, dropout in ((64, 0.2), (128, 0.2), (256, 0.3), (512, 0.3)):
        x = conv_block(x, (filters, filters), dropout)
    x = keras.layers.Dense(256, activation="relu")(keras.layers.Flatten()(x))
    return classifier(images, keras.layers.Dropout(0.5)(x), classes, "complex_cnn")
