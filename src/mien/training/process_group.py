"""The processes that train one network together, as JAX knows them; without them this process is alone."""

from hashlib import blake2b

import numpy as np

from mien._io.errors import InputError
from mien.models.keras_backend import keras


def rank() -> int:
    """Return the number of this process, from 0."""
    if keras.backend.backend() != "jax":
        return 0
    import jax

    return jax.process_index()


def size() -> int:
    """Return how many processes there are."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def leads() -> bool:
    """Return whether this is the one process that writes files."""
    return rank() == 0


def own(rows: np.ndarray) -> np.ndarray:
    """Return this process's share of rows (N, ...), of which each process has N / size() that follow each other.

    N is a multiple of size(). The shares joined in the order of the processes are `rows` again, so that what a network
    draws for each row of a batch, such as dropout, does not depend on how many processes there are.
    """
    count = len(rows) // size()
    return rows[rank() * count : (rank() + 1) * count]


def agree(what: str, value: object) -> None:
    """Wait for all processes, and compare a value that each of them should have found alike.

    Raises:
        InputError: it is not the same in all, in each process.
    """
    if size() == 1:
        return
    from jax.experimental import multihost_utils

    digest = np.frombuffer(blake2b(repr(value).encode(), digest_size=16).digest(), np.uint8)
    digests = np.asarray(multihost_utils.process_allgather(digest)).reshape(size(), -1)
    if others := [number for number in range(size()) if not np.array_equal(digests[number], digests[0])]:
        raise InputError(f"process {others[0]} of {size()}: found other {what} than process 0, expected the same")
