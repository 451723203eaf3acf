"""Where work on many items is done: by this machine's cores, or by a Ray cluster. The results are the same."""

import logging
import os
import pickle
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

import cv2

from mien.errors import InputError, first_line

if TYPE_CHECKING:
    import pyarrow

Name = Literal["local", "ray"]

_AHEAD = 2  # items a thread, finished or in work, that wait for the one whose turn it is
_TOGETHER = 16  # items that one task of Ray works on, where there are enough for all CPUs; a task costs milliseconds

_T = TypeVar("_T")
_R = TypeVar("_R")


class Engine(Protocol):
    """Maps a function over items, as `map` does, several at a time: results in order, of which few wait in memory.

    The first error in that order is raised. Function, items and results of `ray` can be pickled.
    """

    def __call__(self, function: Callable[[_T], _R], items: Iterable[_T], /) -> Iterator[_R]:
        """Yield `function(item)` for each item."""


@contextmanager
def engine(name: Name) -> Iterator[Engine]:
    """Yield what `compute.engine` names; `ray` is connected to until the block ends.

    Raises:
        InputError: there is no cluster to work on, see `mien.ray_cluster.connect`.
    """
    if name == "local":
        yield parallel
        return
    from mien.ray_cluster import connect

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

    The items are all made before the first is worked on, so they should describe data rather than hold it. What a
    worker that dies had in hand, others do again. Workers find files where this process does: by the same paths, in
    the same working folder, on storage that all nodes share.

    Args:
        together: how many items a task may take.

    Raises:
        InputError: a worker raised it, or cannot read a file or import mien; or workers keep dying.
    """
    import ray.data
    from ray.exceptions import RayError, RayTaskError

    rows = [{"item": pickle.dumps(item)} for item in items]
    if not rows:
        return
    cpus = int(ray.cluster_resources().get("CPU", 1))
    tasks = max(-(-len(rows) // together), min(len(rows), 2 * cpus))
    _set_up_data()
    data = ray.data.from_items(rows, override_num_blocks=tasks)
    del rows  # which are in Ray's store now
    work = _Work(ray.cloudpickle.dumps(function), Path.cwd())
    done = data.map_batches(work, batch_size=None, batch_format="pyarrow")
    try:
        for table in done.iter_batches(batch_size=None, batch_format="pyarrow"):
            for cell in table["result"]:
                result = pickle.loads(cell.as_buffer())  # noqa: S301  what our own worker pickled
                if isinstance(result, InputError):
                    raise result
                yield result
    except RayTaskError as error:
        if not isinstance(error.cause, ImportError):
            raise
        raise InputError(
            f"a worker of the Ray cluster cannot start ({error.cause}), expected the same environment on all nodes"
        ) from None
    except RayError as error:
        raise InputError(f"the Ray cluster gave up ({first_line(error)}), expected workers that stay") from None


def _set_up_data() -> None:
    """Let Ray Data keep the order, and print nothing."""
    from ray.data import DataContext

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about its own defaults
        context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class _Work:
    """What a worker does, in a folder, with a table of pickled items: tables of one pickled result each.

    Input errors are results; Ray would wrap them in a page of text. So would it those of a function that cannot be
    unpickled, which is therefore done here.
    """

    function: bytes
    folder: Path

    def __call__(self, table: "pyarrow.Table") -> Iterator["pyarrow.Table"]:
        import pyarrow

        cv2.setNumThreads(1)  # Ray counts this task as one CPU
        for cell in table["item"]:
            result = pickle.dumps(self._result(cell.as_buffer()), pickle.HIGHEST_PROTOCOL)
            yield pyarrow.table({"result": pyarrow.array([result], pyarrow.large_binary())})

    def _result(self, item: "pyarrow.Buffer") -> object:
        try:
            os.chdir(self.folder)
            return pickle.loads(self.function)(pickle.loads(item))  # noqa: S301  what `on_ray` pickled
        except InputError as error:
            return error
        except OSError as error:
            return InputError(
                f"a worker of the Ray cluster cannot go on ({error}), expected storage that all nodes share"
            )
