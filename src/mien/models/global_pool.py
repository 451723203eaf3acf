"""A CNN whose last convolution is averaged over the face (Lin et al. 2014) instead of feeding a wide dense layer."""

from mien.models.blocks import classifier, conv_block, image_input, rescaled
from mien.models.keras_backend import keras


def global_pool(size: int, classes: int) -> keras.Model:
    """Return the network: uint8 (N, size, size) grey images in, (N, classes) probabilities out."""
    images = image_input(size)
    x = rescaled(images)
    for filters, dropout in ((32, 0.1), (64, 0.2), (128, 0.3)):
        x = conv_block(x, (filters, filters), dropout)
    x = keras.layers.Conv2D(256, 3, padding="same", activation="relu")(x)
    return classifier(images, keras.layers.GlobalAveragePooling2D()(x), classes, "global_pool")
