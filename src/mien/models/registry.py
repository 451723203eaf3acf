"""The architectures for images, by name."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from mien._io.errors import InputError
from mien.config import NetworkName, PretrainedName, Transfer, TransferNetworkName

if TYPE_CHECKING:
    import keras

#: Networks of keras.applications, which may start from pretrained weights.
TRANSFER: tuple[str, ...] = get_args(TransferNetworkName)

#: A name is a module of this package and its function that builds the network.
NETWORKS: tuple[str, ...] = get_args(NetworkName)


def check_start(network: str, transfer: Transfer) -> None:
    """Check that the start weights of train_cnn.transfer.weights or .path exist.

    Raises:
        InputError: it is neither a known name nor the folder of a trained network nor, for networks of
            keras.applications, a file.
    """
    weights, key = transfer.start, transfer.start_key
    if weights in ("none", "imagenet", *get_args(PretrainedName)) or Path(weights, "best.keras").is_file():
        return
    if Path(weights).is_dir():
        raise InputError(f"{key}: found no best.keras in {weights}, expected a folder that train_cnn wrote")
    if network not in TRANSFER:
        raise InputError(
            f"{key}: found {weights!r}, which is not a folder, expected "
            f"{f'{network}, ' if network in get_args(PretrainedName) else ''}none or a folder of a trained {network}"
        )
    if not Path(weights).is_file():
        raise InputError(
            f"{key}: found {weights!r}, which is not a file or folder, expected imagenet, none, a "
            f"file of weights without the top or a folder of a trained {network}"
        )


def build(network: str, size: int, classes: int, transfer: Transfer) -> "keras.Model":
    """Build an architecture: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Its weights are random, except for networks of keras.applications if `transfer` names imagenet or a file. Weights of
    whole networks are loaded later, see `mien.training.fine_tuning`.

    Raises:
        InputError: the weights of `transfer` are not available.
    """
    function = getattr(import_module(f"mien.models.{network}"), network)
    if network in TRANSFER:
        check_start(network, transfer)
        weights = "none" if Path(transfer.start).is_dir() else transfer.start
        return function(size, classes, weights, transfer.input_size)
    return function(size, classes)
