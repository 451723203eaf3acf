"""ResNet50V2 (He et al. 2016) from keras.applications."""

from mien.models.keras_backend import keras
from mien.models.transfer import transfer


def resnet50v2(size: int, classes: int, weights: str, input_size: int) -> keras.Model:
    """Return the network, see `transfer`. Its pretrained weights expect images in -1..1."""
    return transfer(size, classes, "resnet50v2", keras.applications.ResNet50V2, 1 / 127.5, -1.0, weights, input_size)
