"""kill -9 and a full disk while a command writes files: each is whole or not there, and the next run is right."""

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from disk import BALLAST, ballast
from helpers.pictures import write_files
from helpers.readings import many_faces, readings
from trials import Fault, last_error

#: Commands that write below the folder out, and the readings whose files they read.
COMMANDS: Mapping[str, str] = {
    "mien image faces --crop --model mien_small --faces-csv out/faces.csv --output-csv out/photos.csv "
    "--annotated out/annotated --explain out/maps": "faces",
    "mien video clip.mp4 --no-display --model mien_small --faces-csv out/t.csv --annotated out/a.mp4": "video .mp4",
    "mien drift faces --against faces --crops both --model mien_small --faces-csv out/faces.csv --output out/drift.csv "
    "--plot out/drift.png": "faces",
    "mien stats faces.csv --person person --condition task --output out/stats.csv --plot out/stats.png":
        "stats of a table",
    "mien score faces.zip --model mien_small --label-errors out/doubtful.csv --slices-plot out/slices.png":
        "score of a zip, label errors, slices of a table",
    "mien convert faces.zip out/faces.npz": "score of a zip, label errors, slices of a table",
    "mien aus aus.csv --output out/emotions.csv": "AU table",
}  # fmt: skip
_SCRATCH = ".*partial*"


class Untouched(NamedTuple):
    """What a run that nobody harmed wrote, by name, and how many seconds it took."""

    written: dict[str, bytes]
    seconds: float


def harm_commands(kills: int, rng: random.Random, work: Path, disk: Path | None) -> list[Fault]:
    """Kill each command, and fill its disk, where `disk` is a small one.

    Args:
        kills: of all commands together.
        rng: draws the moments, and how much room there is.
        work: an empty folder.
        disk: see `small_disk`.
    """
    killed = Fault("kill -9 of a command that writes files, then the same command")
    full = Fault("disk full while a command writes files, then the same command with room")
    for number, (command, reading) in enumerate(COMMANDS.items()):
        folder = work / str(number)
        write_files(folder, {f"faces/{name}": data for name, data in many_faces().items()} if reading == "faces"
                    else readings()[reading].files)  # fmt: skip
        (folder / "out").mkdir()
        untouched = _untouched(command, folder)
        for kill in range(number, kills, len(COMMANDS)):
            _kill(command, folder, untouched, rng, killed, at_scratch=kill // len(COMMANDS) % 2 == 1)
        if disk:
            shutil.rmtree(folder / "out")
            (folder / "out").symlink_to(disk, target_is_directory=True)
            _fill(command, folder, disk, untouched, rng, full)
    return [killed, full] if disk else [killed]


def _untouched(command: str, folder: Path) -> Untouched:
    start = time.monotonic()
    done = _start(command, folder)
    _, errors = done.communicate()
    if done.returncode not in (0, 3):
        sys.exit(f"error: the untouched run does not hold: {command}: {errors}")
    return Untouched(_written(folder), time.monotonic() - start)


def _start(command: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=folder,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _written(folder: Path) -> dict[str, bytes]:
    out = (folder / "out").resolve()
    files = [path for path in out.rglob("*") if path.is_file() and path.name != BALLAST]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def _clear(folder: Path) -> None:
    for path in (folder / "out").resolve().iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _kill(
    command: str, folder: Path, untouched: Untouched, rng: random.Random, fault: Fault, *, at_scratch: bool
) -> None:
    """Kill a command at a random moment, or as soon as it writes, and run it again."""
    _clear(folder)
    running = _start(command, folder)
    end = time.monotonic() + rng.uniform(0, untouched.seconds)

    def is_time() -> bool:
        return any((folder / "out").rglob(_SCRATCH)) if at_scratch else time.monotonic() >= end

    _wait(running, is_time)
    was_running = running.poll() is None
    if was_running:
        os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    problem = _half_written(folder, untouched)
    again = _start(command, folder)
    _, errors = again.communicate()
    if again.returncode not in (0, 3):
        problem = problem or f"again: {last_error(errors)}"
    if _written(folder) != untouched.written:
        problem = problem or "again: other files than those of an untouched run"
    moment = "had ended" if not was_running else "as soon as it wrote" if at_scratch else "at a random moment"
    fault.record(f"{command}: {problem}" if problem else "", moment)


def _wait(running: "subprocess.Popen[str]", is_time: Callable[[], bool]) -> None:
    while running.poll() is None and not is_time():
        time.sleep(0.002)


def _half_written(folder: Path, untouched: Untouched) -> str:
    """Name a file under its final name that is not that of an untouched run; "" for none."""
    for name, data in _written(folder).items():
        is_scratch = any(part.startswith(".") for part in Path(name).parts)
        if not is_scratch and untouched.written.get(name) != data:
            return f"left {name}, half written"
    return ""


def _fill(command: str, folder: Path, disk: Path, untouched: Untouched, rng: random.Random, fault: Fault) -> None:
    """Run a command on a disk that has room for a part of what it writes, then with room for all."""
    _clear(folder)
    needed = sum(map(len, untouched.written.values()))
    with ballast(disk, int(needed * rng.uniform(0, 0.9))):
        running = _start(command, folder)
        _, errors = running.communicate()
        problem = _half_written(folder, untouched)
    if running.returncode != 2 or "Traceback" in errors or "space" not in errors:
        problem = problem or f"exit code {running.returncode}: {errors[-500:]}"
    _clear(folder)
    again = _start(command, folder)
    again.communicate()
    if again.returncode not in (0, 3) or _written(folder) != untouched.written:
        problem = problem or "with room again: other files than those of an untouched run"
    fault.record(f"{command}: {problem}" if problem else "", last_error(errors))
