"""The networks for images, by name."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

#: A name is a module of this package and the function in it that builds the network.
NETWORKS = ("three_block",)


def build(network: str, size: int, classes: int) -> "keras.Model":
    """Build an architecture: uint8 (N, size, size) grey images in, (N, classes) probabilities out."""
    return getattr(import_module(f"mien.models.{network}"), network)(size, classes)
