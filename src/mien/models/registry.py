"""The architectures for images, by name."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from mien._io.errors import InputError
from mien.config import NetworkName, Transfer, TransferNetworkName

if TYPE_CHECKING:
    import keras

#: Networks of keras.applications, which may start from pretrained weights.
TRANSFER: tuple[str, ...] = get_args(TransferNetworkName)

#: A name is a module of this package and the function in it that builds the network.
NETWORKS: tuple[str, ...] = get_args(NetworkName)


def check_weights(weights: str) -> None:
    """Check what train_cnn.transfer.weights names. Raises InputError unless it is imagenet, none or a file."""
    if weights not in ("imagenet", "none") and not Path(weights).is_file():
        raise InputError(
            f"train_cnn.transfer.weights: found {weights!r}, which is not a file, expected imagenet, none or a file"
        )


def build(network: str, size: int, classes: int, transfer: Transfer) -> "keras.Model":
    """Build an architecture: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Raises:
        InputError: the weights that `transfer` names cannot be had.
    """
    function = getattr(import_module(f"mien.models.{network}"), network)
    if network in TRANSFER:
        return function(size, classes, transfer.weights, transfer.input_size)
    return function(size, classes)
