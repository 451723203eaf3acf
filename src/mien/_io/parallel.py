"""Where work on many items is done: by this machine's cores, or by a Ray cluster. The results are the same."""

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

_AHEAD = 2  # items a thread, or tasks a CPU, finished or in work, that wait for the one whose turn it is
_TOGETHER = 2  # items that one task of Ray works on, as a task costs a millisecond

_T = TypeVar("_T")
_R = TypeVar("_R")


class Executor(Protocol):
    """Maps a function over items, as `map` does, several at a time: results in order, of which few wait in memory.

    The first error in that order is raised. Function, items and results of `ray` can be pickled.
    """

    def __call__(self, function: Callable[[_T], _R], items: Iterable[_T], /) -> Iterator[_R]:
        """Yield `function(item)` for each item."""


@contextmanager
def executor(name: "ExecutorName") -> Iterator[Executor]:
    """Yield what `compute.executor` names; `ray` is connected to until the block ends.

    Raises:
        InputError: there is no cluster to work on, see `mien._io.ray_cluster.connect`.
    """
    if name == "local":
        yield parallel
        return
    from mien._io.ray_cluster import connect

    with connect():
        yield on_ray


def parallel(function: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Map a function over items on all cores that this process may use; results in order, a few at most ahead.

    Threads do: OpenCV, zlib, hashlib and NumPy release Python's lock while they work.
    """
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pool = ThreadPoolExecutor(threads)
    threads_of_opencv = cv2.getNumThreads()
    cv2.setNumThreads(1)  # more, inside each of these threads, would only keep the cores from each other
    waiting: deque[Future[_R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > threads * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(threads_of_opencv)


def on_ray(function: Callable[[_T], _R], items: Iterable[_T], together: int = _TOGETHER) -> Iterator[_R]:
    """Map a function over items on the CPUs of the Ray cluster that is connected to; results in order.

    What a worker that dies had in hand, others do again, so the function may be called twice for an item. Workers find
    files where this process does: by the same paths, in the same working folder, on storage that all nodes share.

    By tasks of Ray itself: those of Ray Data cost this process many times as much, and none waits ready behind another
    (docs/cluster.md). What a task takes and returns should have less than 100 KB, or it goes by way of Ray's store.

    Args:
        together: how many items a task takes.

    Raises:
        InputError: a worker raised it, or cannot read or write a file or import mien; or workers keep dying.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError

    most = _AHEAD * int(ray.cluster_resources().get("CPU", 1))
    work = ray.remote(_work)
    shared, folder = ray.put(ray.cloudpickle.dumps(function)), Path.cwd()
    waiting: deque[ray.ObjectRef[bytes]] = deque()
    try:
        for some in _batched(items, together):
            waiting.append(work.remote(shared, folder, pickle.dumps(some, pickle.HIGHEST_PROTOCOL)))
            if len(waiting) > most:
                yield from _results(ray.get(waiting.popleft()))
        while waiting:
            yield from _results(ray.get(waiting.popleft()))
    except RayTaskError as error:
        reason = str(error).rstrip().splitlines()[-1]
        if not reason.startswith(("ImportError", "ModuleNotFoundError")):
            raise
        raise InputError(
            f"a worker of the Ray cluster cannot start ({reason}), expected the same environment on all nodes"
        ) from None
    except RayError as error:
        raise InputError(f"the Ray cluster gave up ({first_line(error)}), expected workers that stay") from None


def _batched(items: Iterable[_T], count: int) -> Iterator[list[_T]]:
    rest = iter(items)
    while some := list(islice(rest, count)):
        yield some


def _work(function: bytes, folder: Path, items: bytes) -> bytes:
    """Do what `on_ray` wants of a worker: pickled results of pickled items, up to the first InputError, as the last.

    Ray would wrap that in a page of text. So would it those of a function that cannot be unpickled.
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
        missing = isinstance(error, FileNotFoundError)
        expected = "storage that all nodes share" if missing else "a node that can read and write its files"
        results.append(InputError(f"a worker of the Ray cluster cannot go on ({error}), expected {expected}"))
    return pickle.dumps(results, pickle.HIGHEST_PROTOCOL)


def _results(pickled: bytes) -> Iterator[Any]:
    for result in pickle.loads(pickled):  # noqa: S301  what our own worker pickled
        if isinstance(result, InputError):
            raise result
        yield result
