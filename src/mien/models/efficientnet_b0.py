"""EfficientNetB0 (Tan & Le 2019) from keras.applications."""

from mien.models.keras_backend import keras
from mien.models.transfer import transfer


def efficientnet_b0(size: int, classes: int, weights: str, input_size: int) -> keras.Model:
    """Return the network, see `transfer`. The backbone takes 0..255 and scales them itself."""
    return transfer(size, classes, "efficientnet_b0", keras.applications.EfficientNetB0, 1.0, 0.0, weights, input_size)
