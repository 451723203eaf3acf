"""Damaged files, given to each command and reader: the rules of tests/helpers/damaged.py must hold."""

import multiprocessing
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from helpers.damaged import Harness, Try
from helpers.readings import readings
from trials import Fault

_PATIENCE = 1800  # seconds for all tries of a reading
_AT_ONCE = 50  # tries; when a process dies, they are tried again one by one, to learn which did it


def harm_inputs(tries: int, seed: int) -> list[Fault]:
    """Harm the files of each reading so many times, each in a process that may die of it."""
    faults = []
    for name, reading in readings().items():
        fault = Fault(f"{name}: `{reading.run}`")
        for first in range(0, tries, _AT_ONCE):
            seeds = range(seed * tries + first, seed * tries + min(first + _AT_ONCE, tries))
            for tried in _tried(name, seeds):
                fault.record(tried.problem, tried.said if tried.outcome == "refused" else tried.outcome)
        faults.append(fault)
    return faults


def _tried(name: str, seeds: range) -> list[Try]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_try, name, seeds).result(_PATIENCE)
        except (BrokenProcessPool, TimeoutError) as error:
            if len(seeds) == 1:
                return [Try(f"seed {seeds.start}: the process died ({type(error).__name__})", "died", "nothing")]
    return [tried for seed in seeds for tried in _tried(name, range(seed, seed + 1))]


def _try(name: str, seeds: range) -> list[Try]:
    warnings.simplefilter("error")
    sys.stdin.close()
    with tempfile.TemporaryDirectory() as folder:
        harness = Harness(readings()[name], Path(folder))
        return [harness.attempt(seed) for seed in seeds]
