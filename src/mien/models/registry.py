"""The networks for images, by name."""

from importlib import import_module
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from mien._io.yaml import Schema

if TYPE_CHECKING:
    import keras

#: Networks of keras.applications, which may start from weights learnt elsewhere.
TRANSFER = ("vgg16", "resnet50v2", "efficientnet_b0")

#: A name is a module of this package and the function in it that builds the network.
NETWORKS = (
    "mien",
    "mien_small",
    "three_block",
    "four_conv",
    "global_pool",
    "base_cnn",
    "small_cnn",
    "complex_cnn",
    *TRANSFER,
)


class Transfer(Schema):
    """How networks of keras.applications start: weights (imagenet, none or a file), the width and height of the faces
    they see, and for how many epochs only their last layer learns."""

    weights: str
    input_size: Annotated[int, Field(ge=32, le=512)]
    frozen_epochs: Annotated[int, Field(ge=0)]


def build(network: str, size: int, classes: int, transfer: Transfer) -> "keras.Model":
    """Build an architecture: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Raises:
        InputError: weights that `transfer` names cannot be had.
    """
    function = getattr(import_module(f"mien.models.{network}"), network)
    if network in TRANSFER:
        return function(size, classes, transfer.weights, transfer.input_size)
    return function(size, classes)
