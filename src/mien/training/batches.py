"""Batches of training data, shuffled and augmented anew in each epoch."""

from collections.abc import Callable, Iterable
from hashlib import blake2b

import numpy as np

from mien.models.keras_backend import keras
from mien.training import process_group

#: Takes a batch of inputs and targets and a generator; returns new ones.
Augment = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


class Batches(keras.utils.PyDataset):
    """Batches of (inputs, targets), or of what `augment` makes of them, in a new order each epoch.

    With class weights a batch has a third part, the weight of each row in the loss, float32 (N,).

    Order and augmentation follow from seed, epoch and batch number alone. Where several processes train, each draws
    the whole batch and takes its shard, so that neither depends on the number of processes.
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
        """Draw from `inputs` (N, ...) and `targets` (N, classes), beginning with epoch 0.

        Each of `replicas` copies of the network, of which `batch_size` is a multiple, gets as many rows of a batch as
        the others: each epoch leaves out N % replicas rows, other ones each time. `class_weights`: (classes,).
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
        """Draw as in this epoch. Some backends call Keras' own on_epoch_begin also where no epoch begins."""
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
        """Return inputs and targets of some rows in this epoch, before `augment`."""
        return self._inputs[rows], self._targets[rows]

    def digest(self) -> str:
        """Return a hash of seed, batch size, all data and class weights."""
        weights = () if self._class_weights is None else (self._class_weights,)
        return digest((self._seed, self._batch_size), (self._inputs, self._targets, *weights))


def digest(values: object, arrays: Iterable[np.ndarray]) -> str:
    """Return a hash of values, by what `repr` shows of them, and of the bytes of arrays."""
    hashed = blake2b(repr(values).encode(), digest_size=16)
    for array in arrays:
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()


def drop_remainder(rows: np.ndarray, divisor: int) -> np.ndarray:
    """Return the first rows of (N, ...), as many as `divisor` divides."""
    return rows[: len(rows) - len(rows) % divisor]
