"""A disk that becomes full during a stage: one line reports it, nothing half-written stays, and space heals it."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.repository import Repository
from kills import repro_again
from trials import Fault, copy_of, difference, files_of, last_error, outputs_of

#: The name of the file that fills a disk.
BALLAST = "ballast"

_SIZE = "256m"
_SAID = ("No space left", "disk is full", "disk I/O error")  # by mien, or by the database that DVC keeps
_FOR_DVC = 2**15  # bytes that DVC needs for its locks before it runs a stage


@contextmanager
def small_disk(folder: Path) -> Iterator[str]:
    """Mount a small tmpfs on a folder; yield why that cannot be done, or ""."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        reason = mounted.stderr.strip() if mounted.returncode else ""
    except OSError as error:
        reason = str(error)
    try:
        yield reason
    finally:
        if not reason:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


def fill_in_each_stage(
    start: Repository, untouched: Repository, lock: bytes, rng: random.Random, disk: Path
) -> list[Fault]:
    """Run each stage on a disk that has room for a part of what it writes, by hand and by DVC, then with room for all.

    Args:
        start: a repository in which nothing has run.
        untouched: one in which everything has.
        lock: the dvc.lock of the latter.
        rng: draws how much room there is.
        disk: where `small_disk` is mounted.
    """
    hand_written, by_dvc = Fault("disk full in a stage run by hand"), Fault("disk full in a stage run by `dvc repro`")
    copy = copy_of(start, disk / "copy")
    for stage, outputs in outputs_of(untouched).items():
        needed = sum(path.stat().st_size for path in files_of(untouched, outputs))
        with ballast(disk, int(needed * rng.uniform(0, 0.9))):
            result = copy.run("python", f"stages/{stage}.py", PYTHONPATH="src")
        hand_written.record(_problem(stage, copy, outputs, result, 2), last_error(result.stderr))
        with ballast(disk, _FOR_DVC + int(needed * rng.uniform(0, 1.5))):
            result = copy.run("dvc", "repro", "--single-item", stage)
        problem = _traceback(stage, result) if result.returncode else ""
        seen = last_error(result.stderr) if result.returncode else "there was room enough after all"
        healed = repro_again(copy, "--single-item", stage)
        if healed.returncode:
            problem = problem or f"{stage}: with room again: {last_error(healed.stderr)}"
        by_dvc.record(problem, seen)
    end = Fault("after all full disks: the dvc.lock of an untouched run")
    end.record(difference(copy, lock), "equal")
    return [hand_written, by_dvc, end]


def _problem(
    stage: str, repository: Repository, outputs: list[str], result: subprocess.CompletedProcess[str], code: int
) -> str:
    if result.returncode != code:
        return f"{stage}: exit code {result.returncode}, expected {code}: {result.stderr[-500:]}"
    if left := files_of(repository, outputs):
        return f"{stage}: left {left[0]}"
    return _traceback(stage, result)


def _traceback(stage: str, result: subprocess.CompletedProcess[str]) -> str:
    is_named = any(words in result.stderr for words in _SAID)
    if "Traceback" in result.stderr or not is_named:
        return f"{stage}: {result.stderr[-500:]}"
    return ""


@contextmanager
def ballast(disk: Path, free: int) -> Iterator[None]:
    """Fill a disk but for some bytes."""
    path = disk / BALLAST
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - free)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
