"""How the benchmarks measure: seconds, seconds of the CPU and memory, of calls and of processes."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


@dataclass
class Usage:
    """What something took.

    Attributes:
        seconds: of the clock.
        cpu_seconds: of all threads; they hardly depend on what else the machine does.
        peak: the most memory that the process had so far, in MB.
        grown: by how much that rose meanwhile, in MB.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak: float = 0.0
    grown: float = 0.0


@contextmanager
def measured() -> Iterator[Usage]:
    """Yield what is filled in at the end: what the block took in this process."""
    usage, before = Usage(), peak_memory()
    start, cpu_start = time.perf_counter(), time.process_time()
    yield usage
    usage.seconds, usage.cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    usage.peak = peak_memory()
    usage.grown = usage.peak - before


def peak_memory() -> float:
    """Return the most memory that this process had so far, in MB; `getrusage` would count its parent's at the fork."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def seconds(action: Callable[[], object]) -> float:
    """Return the time of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def cpu_seconds(action: Callable[[], object]) -> float:
    """Return the time that one call takes of a core, so that other processes matter less."""
    start = time.process_time()
    action()
    return time.process_time() - start


def process(words: Sequence[str]) -> Usage:
    """Run a process and return what it took. Leaves where it fails."""
    start = time.perf_counter()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(words)}: failed with {child.returncode}")
    return Usage(time.perf_counter() - start, used.ru_utime + used.ru_stime, peak := used.ru_maxrss / 1024, peak)


def in_turns(
    measurements: Mapping[str, Callable[[], Result]], rounds: int, warm_up: int = 0
) -> dict[str, list[Result]]:
    """Measure each once per round, so that a busy machine slows all of them; rounds to warm up do not count."""
    results: dict[str, list[Result]] = {name: [] for name in measurements}
    for _ in range(warm_up + rounds):
        for name, measure in measurements.items():
            results[name].append(measure())
    return {name: by_round[warm_up:] for name, by_round in results.items()}
