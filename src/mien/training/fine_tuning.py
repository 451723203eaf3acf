"""Fine-tunes trained networks: first the last layer, then all layers (Yosinski et al. 2014)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, get_args

import numpy as np
import pandas as pd

from mien._io.errors import InputError, note
from mien.config import PretrainedName, Transfer
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.pretrained import FACE_NETWORKS
from mien.models.batch_norm import update_batch_norm
from mien.models.blocks import HEAD
from mien.models.keras_backend import keras
from mien.models.onnx_weights import load_onnx_weights
from mien.models.registry import build
from mien.models.serialization import load_best, make_reproducible
from mien.training import process_group
from mien.training.history import best_epoch
from mien.training.trainer import TrainingJob, fit


@dataclass(frozen=True)
class StartWeights:
    """The weights of a trained network, as a start for another network of the same architecture.

    Attributes:
        source: their origin, for messages.
        layers: the weights of each layer, in the order of `keras.Model.layers`.
        classes: the names of the network's outputs.
    """

    source: str
    layers: list[list[np.ndarray]]
    classes: list[str]

    @classmethod
    def load(cls, network: str, transfer: Transfer, images: np.ndarray) -> Self | None:
        """Load the network of `transfer`; None if it names no whole network (imagenet, a file or none).

        Args:
            network: the architecture to train.
            transfer: names weights or the path of a folder.
            images: uint8 (N, size, size), the training images. The statistics of the pretrained networks' batch
                normalization are measured on some of them, see `mien.models.onnx_weights`.

        Raises:
            InputError: the folder cannot be read; its network has another architecture or image size; or
                transfer.start_share is set without a whole network.
        """
        if transfer.weights in get_args(PretrainedName):
            model, classes = _load_pretrained(transfer.weights, images)
        elif Path(transfer.start).is_dir():
            model, classes = load_best(Path(transfer.start))
        elif transfer.start_share:
            raise InputError(
                f"train_cnn.transfer.start_share: found {transfer.start_share}, expected 0 while {transfer.start_key} "
                f"is {transfer.start}, which is not a complete network to average with"
            )
        else:
            return None
        if model.name != network:
            raise InputError(f"{transfer.start_key}: found a {model.name} in {transfer.start}, expected a {network}")
        _expect_size(transfer.start, model.input_shape[1], images)
        return cls(transfer.start, [layer.get_weights() for layer in model.layers], classes)

    def apply(self, model: keras.Model, classes: Sequence[str]) -> None:
        """Load the weights into a network. In the last layer, classes of the same name keep theirs; others start anew.

        A note names them.

        Raises:
            InputError: the network has other layers.
        """
        *body, head = self.layers
        ours = [[tuple(weight.shape) for weight in layer.weights] for layer in model.layers[:-1]]
        if [[weight.shape for weight in layer] for layer in body] != ours:
            raise InputError(
                f"train_cnn.transfer: found other layers in {self.source} than {model.name} has, expected a "
                "network that this version of mien trained"
            )
        for layer, weights in zip(model.layers[:-1], body, strict=True):
            layer.set_weights(weights)
        model.get_layer(HEAD).set_weights(self._head(model.get_layer(HEAD).get_weights(), head, classes))
        kept = [name for name in classes if name in self.classes]
        new = [name for name in classes if name not in self.classes]
        note(
            f"train_cnn starts from {self.source}; of the last layer it keeps {', '.join(kept) or 'nothing'}; "
            f"new: {', '.join(new) or 'nothing'}"
        )

    def _head(self, new: list[np.ndarray], old: list[np.ndarray], classes: Sequence[str]) -> list[np.ndarray]:
        """Return kernel (width, classes) and bias (classes,) of the last layer, merged from new and old ones."""
        for target, source in zip(new, old, strict=True):
            for index, name in enumerate(classes):
                if name in self.classes:
                    target[..., index] = source[..., self.classes.index(name)]
        return new


def _load_pretrained(name: str, images: np.ndarray) -> tuple[keras.Model, list[str]]:
    path = FACE_NETWORKS[name]
    metadata = OnnxModel.load(path, threads=1).metadata
    size = metadata.input["size"]
    _expect_size(name, size, images)
    nothing = Transfer.from_weights(input_size=size)
    model = build(name, size, len(metadata.classes), nothing)
    load_onnx_weights(model, path, images)
    return model, metadata.classes


def _expect_size(source: str, size: int, images: np.ndarray) -> None:
    if images.shape[1] != size:
        raise InputError(
            f"train_cnn.transfer: found a network for images of size {size} in {source}, expected size "
            f"{images.shape[1]}, that of the training images; set prepare_fer.size to {size}"
        )


def fit_in_phases(job: TrainingJob, frozen_epochs: int, tuning_rate: float) -> pd.DataFrame:
    """Train like `fit`, but only the last layer in the first `frozen_epochs` epochs.

    Then all layers learn, at the share `tuning_rate` of the learning rate. The best model over all epochs is kept. Each
    phase resumes after a kill. Without frozen epochs this is `fit`.
    """
    if not frozen_epochs:
        return fit(job)
    config = job.config
    _freeze_body(job.model, True)
    first = fit(
        replace(
            job,
            config=config.model_copy(update={"epochs": frozen_epochs}),
            checkpoints=job.checkpoints / "frozen",
        )
    )
    best = job.folder / "best.keras"
    best_of_first = best.read_bytes() if process_group.is_main_process() else b""
    _freeze_body(job.model, False)
    tuned = {"epochs": config.epochs - frozen_epochs, "learning_rate": config.learning_rate * tuning_rate}
    second = fit(
        replace(
            job,
            config=config.model_copy(update=tuned),
            checkpoints=job.checkpoints / "tuned",
            on_epoch=lambda row: job.on_epoch(row | {"epoch": row["epoch"] + len(first)}),
        )
    )
    history = pd.concat([first, second.assign(epoch=second["epoch"] + len(first))], ignore_index=True)
    if best_of_first and best_epoch(history)["epoch"] <= len(first):
        best.write_bytes(best_of_first)
    return history


def average_with_start(folder: Path, start: Sequence[np.ndarray], share: float, images: np.ndarray) -> None:
    """Replace the weights of a folder's best model by their weighted mean with the start weights.

    Such a mean is often better than both, because fine-tuning stays in one basin of the loss (Wortsman et al. 2022,
    "Robust fine-tuning of zero-shot models"). The statistics of batch normalization are then measured anew.

    Args:
        folder: the folder of best.keras.
        start: the weights before training, in the order of `keras.Model.get_weights`.
        share: weight of `start`, 0..1.
        images: uint8 (N, size, size), the training images.
    """
    model, _ = load_best(folder)
    trained = model.get_weights()
    model.set_weights([share * before + (1 - share) * after for before, after in zip(start, trained, strict=True)])
    update_batch_norm(model, images)
    model.save(folder / "best.keras")
    make_reproducible(folder / "best.keras")


def _freeze_body(model: keras.Model, frozen: bool) -> None:
    """Freeze or unfreeze all layers but the last. Batch normalization in frozen layers works as in inference."""
    for layer in model.layers:
        layer.trainable = layer.name == HEAD or not frozen
