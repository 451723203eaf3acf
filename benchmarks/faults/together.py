"""Two `dvc repro` at once in one repository: each ends well or stops with a reason, and the outputs are right."""

import random
import shutil
import subprocess
import time
from pathlib import Path

from helpers.repository import Repository
from trials import Fault, copy_of, last_error, lock_of

from mien._io.yaml import parse_yaml

_LAST = "prepare_fer"  # of three stages that soon are done


def two_at_once(start: Repository, lock: bytes, count: int, rng: random.Random, work: Path) -> Fault:
    """Start `dvc repro` twice, the second up to 3 seconds after the first, each time in a new copy.

    Args:
        start: a repository in which nothing has run.
        lock: the dvc.lock of an untouched run there.
        count: how often.
        rng: draws how long the second waits.
        work: an empty folder for the copies.
    """
    fault = Fault("two `dvc repro` at once")
    for number in range(count):
        copy = copy_of(start, work / f"together-{number}")
        runs = [_start(copy)]
        time.sleep(rng.uniform(0, 3))
        runs.append(_start(copy))
        errors = [run.communicate()[1] for run in runs]
        stopped = [last_error(text) for run, text in zip(runs, errors, strict=True) if run.returncode]
        problem = ""
        if any("Traceback" in text for text in errors):
            problem = "a traceback"
        elif any("lock" not in line and "busy" not in line for line in stopped):
            problem = f"stopped without saying why: {stopped}"
        copy.run("dvc", "repro", _LAST)
        expected, found = (parse_yaml(text, "dvc.lock")["stages"] for text in (lock, lock_of(copy)))
        if not problem and any(found.get(stage) != expected[stage] for stage in _first_stages(expected)):
            problem = "the stages differ from those of an untouched run"
        fault.record(problem, stopped[0] if stopped else "both ended well")
        shutil.rmtree(copy.path.parent)
    return fault


def _start(repository: Repository) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["dvc", "repro", _LAST],  # noqa: S607
        cwd=repository.path,
        env=repository.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _first_stages(stages: dict[str, object]) -> list[str]:
    names = list(stages)
    return names[: names.index(_LAST) + 1]
