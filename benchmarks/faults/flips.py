"""One flipped byte in an input, an output, a network or DVC's cache: the file is found, named and not used.

The flips are silent: size and time of the file do not change, as with a faulty disk or copy. DVC then considers the
file unchanged, so mien has to detect it.
"""

import hashlib
import os
import random
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.repository import Repository
from kills import kill, repro_again
from trials import Fault, copy_of, difference, files_of, last_error, lock_of

from mien._io.yaml import parse_yaml

_CROP = "mien image --crop reports/render_faces/samples.png"
_LOAD_BEST = (
    "from pathlib import Path; from mien._io import errors; from mien.models import serialization; "
    "errors.reports_input_errors(serialization.load_best)(Path('models/cnn'))"
)
_LOAD_PARAMS = "from mien import config; from mien._io import errors; errors.reports_input_errors(config.load_params)()"

#: Files, and a command that reads them.
READ: tuple[tuple[str, str], ...] = (
    ("data/aus/exact.csv", "python stages/render_faces.py"),
    ("data/faces/faces.zip", "python stages/prepare_fer.py"),
    ("data/fer/train_images.npy", "python stages/oversample_augment.py"),
    ("data/fer/train_labels.npy", "python stages/oversample_augment.py"),
    ("data/fer/classes.json", "python stages/oversample_augment.py"),
    ("data/aus/realistic.csv", "python stages/train_au.py"),
    ("data/balanced/train_images.npy", "python stages/train_cnn.py"),
    ("data/balanced/train_labels.npy", "python stages/train_cnn.py"),
    ("data/balanced/class_weights.json", "python stages/train_cnn.py"),
    ("data/fer/validation_images.npy", "python stages/train_cnn.py"),
    ("data/fer/test_images.npy", "python stages/evaluate.py"),
    ("data/fer/index.csv", "python stages/evaluate.py"),
    ("models/cnn/best.keras", f'python -c "{_LOAD_BEST}"'),
    ("models/cnn/best.onnx", f"{_CROP} --model models/cnn --precision fp32"),
    ("models/cnn/best_int8.onnx", f"{_CROP} --model models/cnn --precision int8"),
    ("models/au/best.onnx", "mien aus data/aus/exact.csv --model models/au"),
    ("models/action_map/map.npz", "mien actions sad --model models/action_map"),
    ("src/mien/inference/weights/mien_wild.onnx", f"{_CROP} --precision fp32"),
    ("src/mien/inference/weights/mien_wild_int8.onnx", f"{_CROP} --precision int8"),
    ("src/mien/inference/weights/mien.onnx", f"{_CROP} --model mien --precision fp32"),
    ("src/mien/inference/weights/mien_small.onnx", f"{_CROP} --model mien_small --precision fp32"),
    ("src/mien/inference/weights/mien_au.onnx", "mien aus data/aus/exact.csv"),
)


def flip_what_is_read(repository: Repository, tries: int, rng: random.Random) -> list[Fault]:
    """Flip a byte of each file that mien reads, at random places, and run a command that reads it.

    Args:
        repository: one in which everything has run; it ends as it was.
        tries: flips a file.
        rng: draws the places.
    """
    faults = []
    for name, command in READ:
        fault = Fault(f"flipped byte in {name}, then `{command if len(command) < 80 else 'load_best'}`")
        for _ in range(tries):
            with flipped(repository.path / name, rng):
                result = _run(repository, command)
            fault.record(_problem(repository, name, result), last_error(result.stderr))
        faults.append(fault)
    return faults


def flip_in_the_cache(repository: Repository, lock: bytes, rng: random.Random) -> Fault:
    """Flip a byte of outputs in DVC's cache, get them from there, and run a stage that reads them.

    Then take the way out: `tools.repair_dvc --cache` removes the damaged file, and `dvc repro` makes it anew.

    Args:
        repository: one in which everything has run; it ends as it was.
        lock: its dvc.lock.
        rng: draws the places.
    """
    fault = Fault(
        "flipped byte in DVC's cache, `dvc checkout`, a stage that reads it, `tools.repair_dvc --cache`, `dvc repro`"
    )
    for name, stage in (
        ("data/aus/realistic.csv", "train_au"),
        ("data/faces/faces.zip", "prepare_fer"),
        ("data/fer/train_images.npy", "oversample_augment"),
        ("models/cnn/best.onnx", "evaluate"),
    ):
        path = repository.path / name
        cached = _in_cache(repository, path)
        path.unlink()
        with flipped(cached, rng):
            repository.ok("dvc", "checkout", "--force", name)
            result = _run(repository, f"python stages/{stage}.py")
            path.unlink()
            repaired = _run(repository, "python tools/repair_dvc.py --cache").stdout
            again = repository.run("dvc", "repro")
        problem = _problem(repository, name, result)
        if cached.name not in repaired:
            problem = problem or f"tools.repair_dvc does not name {cached.name}"
        if again.returncode:
            problem = problem or last_error(again.stderr)
        fault.record(problem or difference(repository, lock), last_error(result.stderr))
    return fault


def flip_what_dvc_sees(repository: Repository, lock: bytes, tries: int, rng: random.Random) -> list[Fault]:
    """Flip a byte of outputs so that the file has a new time, as programs leave it, and of dvc.lock.

    Args:
        repository: one in which everything has run; it ends as it was.
        lock: its dvc.lock.
        tries: flips of dvc.lock.
        rng: draws the places.
    """
    output = Fault("flipped byte in an output, with a new time of the file, then `dvc status` and `dvc repro`")
    for name in ("data/faces/faces.zip", "data/fer", "models/au"):
        path = files_of(repository, [name])[0]
        with flipped(path, rng, silent=False):
            status = repository.run("dvc", "status").stdout
            again = repository.run("dvc", "repro")
        named = [line.strip() for line in status.splitlines() if "modified" in line and name in line]
        problem = last_error(again.stderr) if again.returncode else difference(repository, lock)
        output.record(problem if named else f"dvc status does not name {name}", *named[:1] or "")
    of_lock = Fault("flipped byte in dvc.lock, then `make repro`")
    for _ in range(tries):
        kept = lock_of(repository)
        with flipped(repository.path / "dvc.lock", rng):
            again = repro_again(repository)
            if again.returncode:
                of_lock.record("" if "dvc.lock" in again.stderr else again.stderr[-300:], last_error(again.stderr))
            else:
                of_lock.record(difference(repository, lock), "made anew, or from DVC's cache")
        (repository.path / "dvc.lock").write_bytes(kept)
    return [output, of_lock]


def flip_params(repository: Repository, tries: int, rng: random.Random) -> Fault:
    """Flip a byte of params.yaml and read it as each stage does: it is refused, or `dvc params diff` shows the change.

    No program can know that another valid number was not meant.
    """
    fault = Fault("flipped byte in params.yaml, which is then read as by a stage, and `dvc params diff`")
    for _ in range(tries):
        with flipped(repository.path / "params.yaml", rng):
            result = _run(repository, f'python -c "{_LOAD_PARAMS}"')
            changed = repository.run("dvc", "params", "diff").stdout.splitlines()[1:]
        if result.returncode:
            fault.record(_problem(repository, "params.yaml", result), last_error(result.stderr))
        else:
            fault.record("", f"dvc params diff: {changed[0]}" if changed else "a comment: no param has another value")
    return fault


def flip_checkpoint(before: Repository, lock: bytes, rng: random.Random, work: Path) -> Fault:
    """Kill a training after its first epoch, flip a byte of what it would resume from, and run it again.

    Args:
        before: a repository in which train_au is the next stage.
        lock: the dvc.lock of an untouched run.
        rng: draws the place.
        work: an empty folder for the copy.
    """
    fault = Fault("flipped byte in the checkpoint of a killed training, then `dvc repro`")
    copy = copy_of(before, work / "checkpoint")
    state = copy.path / "models/.au.checkpoints/epoch-00001/state.keras"
    kill(copy, state.exists)
    with flipped(state, rng):
        result = copy.run("dvc", "repro", "train_au")
        expected, found = (parse_yaml(text, "dvc.lock")["stages"].get("train_au") for text in (lock, lock_of(copy)))
        notes = [line for line in result.stderr.splitlines() if line.startswith("Training anew")]
    problem = "" if notes else f"resumed, or nothing was said: {result.stderr[-300:]}"
    fault.record(problem or "" if expected == found else "trained something else", *notes[:1])
    return fault


@contextmanager
def flipped(path: Path, rng: random.Random, *, silent: bool = True) -> Iterator[None]:
    """Flip a bit of a file for as long as the block lasts. A silent flip leaves its time as it was."""
    good, stat = path.read_bytes(), path.stat()
    bad = bytearray(good)
    bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
    path.chmod(0o644)
    try:
        path.write_bytes(bad)
        if silent:
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            path.chmod(stat.st_mode)
        yield
    finally:
        if silent and path.exists():
            path.chmod(0o644)
            path.write_bytes(good)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            path.chmod(stat.st_mode)


def _run(repository: Repository, command: str) -> subprocess.CompletedProcess[str]:
    return repository.run(*shlex.split(command), PYTHONPATH="src")


def _problem(repository: Repository, name: str, result: subprocess.CompletedProcess[str]) -> str:
    """Return what is wrong with how a command took a damaged file, or ""."""
    if result.returncode == 0:
        changed = repository.run("dvc", "status").stdout
        return "" if "up to date" in changed and name.endswith(".zip") else "used, and nobody said so"
    if Path(name).name not in result.stderr:
        return f"exit code {result.returncode} without a word of it: {result.stderr[-300:]}"
    return ""


def _in_cache(repository: Repository, path: Path) -> Path:
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return repository.path / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
