"""A function is mapped over items by threads: in order, few results ahead, the first error raised."""

import threading
import time
from collections.abc import Iterator

import cv2
import pytest

from mien._io.parallel import executor, parallel


def test_results_come_in_order_whatever_takes_long() -> None:
    def work(item: int) -> int:
        time.sleep(0.02 if item % 3 == 0 else 0)
        return item * item

    assert list(parallel(work, range(30))) == [item * item for item in range(30)]
    assert list(parallel(work, [])) == []


def test_several_threads_work_and_opencv_takes_one_each() -> None:
    threads, before = set(), cv2.getNumThreads()

    def work(_: int) -> int:
        threads.add(threading.get_ident())
        time.sleep(0.01)
        return cv2.getNumThreads()

    assert set(parallel(work, range(16))) == {1}
    assert threading.get_ident() not in threads
    assert cv2.getNumThreads() == before


def test_few_results_wait_for_a_slow_reader() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(1000):
            taken += 1
            yield item

    results = parallel(lambda item: item, items())
    assert next(results) == 0
    time.sleep(0.1)
    assert taken < 100
    assert sum(1 for _ in results) == 999


def test_the_first_error_in_order_is_raised_and_nothing_begins_after_it() -> None:
    done = []

    def work(item: int) -> int:
        if item == 5:
            time.sleep(0.05)
            raise ValueError("five")
        if item == 6:
            raise ValueError("six")
        done.append(item)
        return item

    results: list[int] = []
    before = cv2.getNumThreads()
    with pytest.raises(ValueError, match="five"):
        results.extend(parallel(work, range(10_000)))
    assert results == [0, 1, 2, 3, 4]
    assert max(done) < 200
    assert cv2.getNumThreads() == before


def test_who_stops_reading_stops_the_work() -> None:
    done: list[int] = []
    results = parallel(done.append, range(10_000))
    next(results)
    results.close()  # type: ignore[attr-defined]
    count = len(done)
    assert count < 200
    time.sleep(0.05)
    assert len(done) == count


def test_the_local_executor_is_this_machine() -> None:
    with executor("local") as run:
        assert list(run(str, range(3))) == ["0", "1", "2"]
