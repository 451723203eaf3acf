"""VGG16 (Simonyan & Zisserman 2015) from keras.applications."""

from mien.models.keras_backend import keras
from mien.models.transfer import transfer


def vgg16(size: int, classes: int, weights: str, input_size: int) -> keras.Model:
    """Return the network, see `transfer`. Its pretrained weights expect BGR images minus ImageNet's mean."""
    offset = (-103.939, -116.779, -123.68)
    return transfer(size, classes, "vgg16", keras.applications.VGG16, 1.0, offset, weights, input_size)
