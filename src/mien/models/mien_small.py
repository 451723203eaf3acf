"""The small variant of mien's network, for many faces or little hardware."""

from mien.engine import keras
from mien.models.residual import residual


def mien_small(size: int, classes: int) -> keras.Model:
    """Return the network: under 10 million multiply-adds an image of 48x48."""
    return residual(size, classes, "mien_small", stem=16, stages=((16, 1), (32, 1), (64, 1), (128, 1)), dropout=0.1)
