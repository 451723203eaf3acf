"""The networks for images, by name."""

from importlib import import_module
from typing import TYPE_CHECKING, get_args

from mien.config import NetworkName, Transfer, TransferNetworkName

if TYPE_CHECKING:
    import keras

#: Networks of keras.applications, which may start from weights learnt elsewhere.
TRANSFER: tuple[str, ...] = get_args(TransferNetworkName)

#: A name is a module of this package and the function in it that builds the network.
NETWORKS: tuple[str, ...] = get_args(NetworkName)


def build(network: str, size: int, classes: int, transfer: Transfer) -> "keras.Model":
    """Build an architecture: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Raises:
        InputError: weights that `transfer` names cannot be had.
    """
    function = getattr(import_module(f"mien.models.{network}"), network)
    if network in TRANSFER:
        return function(size, classes, transfer.weights, transfer.input_size)
    return function(size, classes)
