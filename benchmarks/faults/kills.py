"""kill -9 during `dvc repro`: the next run continues and ends as if nothing had happened."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.repository import Repository
from trials import Fault, copy_of, difference, last_error, stages_of


@dataclass(frozen=True)
class Beginning:
    """A repository just before a stage runs in it, and how many seconds DVC then takes for that stage."""

    stage: str
    repository: Repository
    seconds: float


def beginnings(start: Repository, work: Path) -> tuple[list[Beginning], Repository]:
    """Run stage by stage in a copy of `start`; return copies of what stood before each, and the end.

    Trials that begin there need not do again what comes before the stage that they kill.
    """
    running = copy_of(start, work / "untouched")
    before = []
    for stage in stages_of(start):
        copy = copy_of(running, work / f"before-{stage}")
        began = time.monotonic()
        running.ok("dvc", "repro", "--single-item", stage)
        before.append(Beginning(stage, copy, time.monotonic() - began))
    return before, running


def kill_at_random(before: Sequence[Beginning], lock: bytes, count: int, rng: random.Random, work: Path) -> Fault:
    """Kill `dvc repro` and the stage that it runs at random moments, each time in a new copy, and run it again.

    Args:
        before: the repository before each of its stages.
        lock: the dvc.lock of an untouched run.
        count: how many kills.
        rng: draws the moments, evenly over the duration of all stages.
        work: an empty folder for the copies.
    """
    fault = Fault("kill -9 of `dvc repro` at a random moment, then `make repro`")
    while fault.tried < count:
        (beginning,) = rng.choices(before, [beginning.seconds for beginning in before])
        copy = copy_of(beginning.repository, work / f"kill-{fault.tried}")
        moment = rng.uniform(0, beginning.seconds)
        end = time.monotonic() + moment
        if kill(copy, lambda end=end: time.monotonic() >= end):
            again = repro_again(copy)
            problem = last_error(again.stderr) if again.returncode else difference(copy, lock)
            place = f"{beginning.stage} + {moment:.1f} s"
            fault.record(f"{place}: {problem}" if problem else "", place)
        shutil.rmtree(copy.path.parent)
    return fault


def cut_lock_short(untouched: Repository, lock: bytes, count: int, rng: random.Random) -> Fault:
    """Cut dvc.lock short, as a kill does that comes while DVC writes it, at places too rare for random moments.

    Args:
        untouched: a repository in which everything has run; it ends as it was.
        lock: its dvc.lock.
        count: how many cuts, the first of which leaves nothing.
        rng: draws the others.
    """
    fault = Fault("dvc.lock cut short by a kill while DVC writes it, then `make repro`")
    for cut in [0, *(rng.randrange(1, len(lock)) for _ in range(count - 1))]:
        (untouched.path / "dvc.lock").write_bytes(lock[:cut])
        again = repro_again(untouched)
        problem = last_error(again.stderr) if again.returncode else difference(untouched, lock)
        fault.record(f"after {cut} bytes: {problem}" if problem else "", again.stdout.splitlines()[0])
    return fault


def repro_again(repository: Repository, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run what `make repro` runs, `dvc repro` with some arguments."""
    repaired = repository.run("python", "tools/repair_dvc.py", PYTHONPATH="src")
    again = repository.run("dvc", "repro", *arguments)
    again.stdout = repaired.stdout + again.stdout
    return again


def kill(repository: Repository, now: Callable[[], bool]) -> bool:
    """Run `dvc repro` and kill it, its stage included, once `now` says so; return whether it had not ended before."""
    process = subprocess.Popen(
        ["dvc", "repro"],  # noqa: S607
        cwd=repository.path,
        env=repository.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and not now():
        time.sleep(0.01)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL
