"""The group of processes that train one network together on JAX. On other backends, this process is alone."""

from hashlib import blake2b

import numpy as np

from mien._io.errors import InputError
from mien.models.keras_backend import keras


def process_index() -> int:
    """Return the index of this process, from 0."""
    if keras.backend.backend() != "jax":
        return 0
    import jax

    return jax.process_index()


def process_count() -> int:
    """Return the number of processes."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def is_main_process() -> bool:
    """Tell whether this is the process that writes files."""
    return process_index() == 0


def shard(rows: np.ndarray) -> np.ndarray:
    """Return this process's consecutive share of rows (N, ...), N / process_count() rows.

    N must be a multiple of process_count(). The shards of all processes in order give `rows` again. So what a network
    draws per row of a batch, such as dropout, does not depend on the number of processes.
    """
    count = len(rows) // process_count()
    return rows[process_index() * count : (process_index() + 1) * count]


def assert_same(name: str, value: object) -> None:
    """Wait for all processes, and check that a value is the same in each one.

    Raises:
        InputError: the value differs; raised in each process.
    """
    if process_count() == 1:
        return
    from jax.experimental import multihost_utils

    digest = np.frombuffer(blake2b(repr(value).encode(), digest_size=16).digest(), np.uint8)
    digests = np.asarray(multihost_utils.process_allgather(digest)).reshape(process_count(), -1)
    if different := [index for index, other in enumerate(digests) if not np.array_equal(other, digests[0])]:
        raise InputError(
            f"process {different[0]} of {process_count()}: found other {name} than process 0, expected the same"
        )
