"""Batches of training data, newly shuffled and augmented in each epoch."""

from collections.abc import Callable, Iterable
from hashlib import blake2b

import numpy as np

from mien.models.keras_backend import keras
from mien.training import process_group

#: Takes a batch of inputs and targets and a random generator, and returns new inputs and targets.
Augment = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


class Batches(keras.utils.PyDataset):
    """Batches of (inputs, targets), or of the output of `augment`, in a new order in each epoch.

    With class weights a batch has a third part, the weight of each row in the loss, float32 (N,).

    Order and augmentation depend only on seed, epoch and batch number. If several processes train, each one draws the
    whole batch and takes its shard, so the number of processes does not matter.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        targets: np.ndarray,
        batch_size: int,
        seed: int,
        augment: Augment | None = None,
        replicas: int = 1,
        class_weights: np.ndarray | None = None,
    ) -> None:
        """Start with epoch 0 of `inputs` (N, ...) and `targets` (N, classes).

        Each of the `replicas` copies of the network gets the same number of rows of a batch, so each epoch leaves out N
        % replicas rows, different ones each time. `batch_size` is a multiple of `replicas`. `class_weights`:
        (classes,).
        """
        super().__init__()
        self._inputs, self._targets = inputs, targets
        self._batch_size, self._seed, self._augment = batch_size, seed, augment
        self._class_weights = class_weights
        self.replicas = replicas
        self.set_epoch(0)

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Draw as in this epoch. (Some backends call Keras' own on_epoch_begin also when no epoch begins.)"""
        self._epoch = epoch
        order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._inputs))
        self._order = drop_remainder(order, self.replicas)

    def __getitem__(self, number: int) -> tuple[np.ndarray, ...]:
        rows = self._order[number * self._batch_size : (number + 1) * self._batch_size]
        rng = np.random.default_rng((self._seed, self._epoch, number))
        inputs, targets = self._draw(rows, rng)
        if self._augment:
            inputs, targets = self._augment(inputs, targets, rng)
        weights = () if self._class_weights is None else (targets @ self._class_weights,)
        return tuple(map(process_group.shard, (inputs, targets, *weights)))

    def _draw(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002
        """Return the inputs and targets of rows in this epoch, before `augment`."""
        return self._inputs[rows], self._targets[rows]

    def digest(self) -> str:
        """Return a hash over seed, batch size, all data and class weights."""
        weights = () if self._class_weights is None else (self._class_weights,)
        return digest((self._seed, self._batch_size), (self._inputs, self._targets, *weights))


def digest(values: object, arrays: Iterable[np.ndarray]) -> str:
    """Return a hash over the `repr` of values and the bytes of arrays."""
    hashed = blake2b(repr(values).encode(), digest_size=16)
    for array in arrays:
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()


def drop_remainder(rows: np.ndarray, divisor: int) -> np.ndarray:
    """Return the first rows of (N, ...), so that `divisor` divides their number."""
    return rows[: len(rows) - len(rows) % divisor]
