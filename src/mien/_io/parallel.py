"""Maps functions over many items on this machine's cores or on a Ray cluster, with the same results.

Own code, because results must come in order while few of them wait in memory. joblib 1.6 had finished all of 1,000
tasks when the first result was read; `concurrent.futures.Executor.map` has a `buffersize` only from Python 3.14 on.
"""

import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import cv2

from mien._io.errors import InputError, first_line

if TYPE_CHECKING:
    from mien.config import ExecutorName

_PENDING = 2  # items per thread, or tasks per CPU, that are running or wait for their turn
_BATCH_SIZE = 2  # items per Ray task, as a task costs a millisecond

_T = TypeVar("_T")
_R = TypeVar("_R")


class Executor(Protocol):
    """Maps a function over items like `map`, several at a time. Results come in order; few of them wait in memory.

    Raises the first error in that order. `ray` needs a function, items and results that can be pickled.
    """

    def __call__(self, function: Callable[[_T], _R], items: Iterable[_T], /) -> Iterator[_R]:
        """Yield `function(item)` for each item."""


@contextmanager
def executor(name: "ExecutorName") -> Iterator[Executor]:
    """Yield the executor that `compute.executor` names. `ray` stays connected until the block ends.

    Raises:
        InputError: no cluster can be reached, see `mien._io.ray_cluster.connect`.
    """
    if name == "local":
        yield parallel
        return
    from mien._io.ray_cluster import connect

    with connect():
        yield on_ray


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parallel(function: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Map a function over items on all cores that this process may use. Results come in order, few of them ahead.

    Threads suffice, because OpenCV, zlib, hashlib and NumPy release Python's lock while they work.
    """
    threads = usable_cores()
    pool = ThreadPoolExecutor(threads)
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # more threads inside each of these would only compete for the cores
    pending: deque[Future[_R]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > threads * _PENDING:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(opencv_threads)


def on_ray(function: Callable[[_T], _R], items: Iterable[_T], batch_size: int = _BATCH_SIZE) -> Iterator[_R]:
    """Map a function over items on the CPUs of the connected Ray cluster. Results come in order.

    If a worker dies, others repeat its tasks, so the function may be called twice for an item. Workers find files by
    the same paths as this process: in the same working folder, on storage that all nodes share.

    Uses plain Ray tasks. Tasks of Ray Data cost this process many times as much and leave CPUs idle in between
    (docs/cluster.md). Arguments and results of a task should be below 100 KB; larger ones go through Ray's store.

    Args:
        batch_size: items per task.

    Raises:
        InputError: a worker raised it, cannot read or write a file, or cannot import mien; or workers keep dying.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError

    max_pending = _PENDING * int(ray.cluster_resources().get("CPU", 1))
    task = ray.remote(_work)
    shared, folder = ray.put(ray.cloudpickle.dumps(function)), Path.cwd()
    pending: deque[ray.ObjectRef[bytes]] = deque()
    try:
        for batch in _batched(items, batch_size):
            pending.append(task.remote(shared, folder, pickle.dumps(batch, pickle.HIGHEST_PROTOCOL)))
            if len(pending) > max_pending:
                yield from _results(ray.get(pending.popleft()))
        while pending:
            yield from _results(ray.get(pending.popleft()))
    except RayTaskError as error:
        reason = str(error).rstrip().splitlines()[-1]
        if not reason.startswith(("ImportError", "ModuleNotFoundError")):
            raise
        raise InputError(
            f"a worker of the Ray cluster cannot start ({reason}), expected the same environment on all nodes"
        ) from None
    except RayError as error:
        raise InputError(f"the Ray cluster gave up ({first_line(error)}), expected workers that stay alive") from None


def _batched(items: Iterable[_T], count: int) -> Iterator[list[_T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, count)):  # itertools.batched, from Python 3.12
        yield batch


def _work(function: bytes, folder: Path, items: bytes) -> bytes:
    """Run a task of `on_ray` in a worker: pickled items in, pickled results out. An InputError is the last result.

    If it were raised, Ray would wrap it in a page of text. The same holds if the function cannot be unpickled.
    """
    cv2.setNumThreads(1)  # Ray counts this task as one CPU
    results: list[object] = []
    try:
        os.chdir(folder)
        call = pickle.loads(function)  # noqa: S301  what `on_ray` pickled, as are the items
        results.extend(map(call, pickle.loads(items)))  # noqa: S301
    except InputError as error:
        results.append(error)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError)
        expected = "storage that all nodes share" if is_missing else "a node that can read and write its files"
        results.append(InputError(f"a worker of the Ray cluster cannot continue ({error}), expected {expected}"))
    return pickle.dumps(results, pickle.HIGHEST_PROTOCOL)


def _results(pickled: bytes) -> Iterator[Any]:
    for result in pickle.loads(pickled):  # noqa: S301  what our own worker pickled
        if isinstance(result, InputError):
            raise result
        yield result
