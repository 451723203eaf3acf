"""Journals: what stages log to MLflow is first written to disk, so that no server can lose it.

The journal of a stage is .mlflow-outbox/RUN/STAGE/: events.jsonl with one event per line, and copies of its outputs.
The stages of one RUN share an MLflow run and a sender. A journal is removed when MLflow has all of it.
"""

import json
import shutil
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from mien._io.errors import InputError
from mien.experiments.mlflow.environment import root

_TRY = 0.2  # seconds to wait for a lock that another process only tests

Event = dict[str, Any]


class Journal:
    """The log of one stage, in order. Its methods raise OSError if the disk fails.

    Attributes:
        folder: the folder of the journal.
        outputs: copies of the stage's outputs: report/, network/, and dvc.lock and dvc.yaml at that time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.outputs = folder, folder / "outputs"
        self._events, self._lock = folder / "events.jsonl", folder / "writing.lock"

    @classmethod
    def of_run(cls, run: str = "*") -> "list[Journal]":
        """Return the journals of a run, or of all runs, oldest first."""
        paths = (root() / ".mlflow-outbox").glob(f"{run}/[!.]*/events.jsonl")
        return [cls(path.parent) for path in sorted(paths, key=modified)]

    @property
    def name(self) -> str:
        """RUN/STAGE."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    def begin(self) -> BaseFileLock:
        """Make the folder. Returns the lock that a stage holds while it writes.

        Raises:
            BlockingIOError: another process writes there.
            OSError: the folder cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if (lock := acquired(self._lock, _TRY)) is None:
            raise BlockingIOError(f"{self.folder}: in use by another process")
        return lock

    def append(self, kind: str, **values: Any) -> None:
        """Add an event with the current time in milliseconds since 1970, like MLflow."""
        line = json.dumps({"kind": kind, "time": int(time() * 1000), **values})
        with self._events.open("a") as file:
            file.write(f"{line}\n")

    def events(self) -> list[Event]:
        """Return all events, without an incomplete last one. Raises InputError for a damaged file."""
        try:
            lines = self._events.read_text().splitlines(keepends=True) if self._events.exists() else []
            events = [json.loads(line) for line in lines if line.endswith("\n")]
            return [event for event in events if event["kind"]]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise InputError(f"{self._events}: is damaged ({error!r}), expected one JSON object per line") from None

    def size(self) -> int:
        """Return the number of bytes of all events; 0 if there are none or all are sent."""
        return self._events.stat().st_size if self._events.exists() else 0

    def is_written(self) -> bool:
        """Tell whether the stage has ended or was killed.

        The lock of a killed stage is free, although another process may hold it for a moment to test it.
        """
        if self._has_end():
            return True
        if lock := acquired(self._lock, _TRY):
            lock.release()
        return lock is not None or not self.folder.exists()

    def _has_end(self) -> bool:
        with suppress(FileNotFoundError):
            *_, last = (b"", *self._events.read_bytes().splitlines(keepends=True))
            return last.startswith(b'{"kind": "end"') and last.endswith(b"\n")
        return False

    def remove(self) -> None:
        """Remove the journal. Other processes see either all of it or nothing."""
        gone = self.folder.with_name(f".{self.folder.name}")
        self.folder.rename(gone)
        shutil.rmtree(gone)


def run_folder(run: str) -> Path:
    """Return the folder of the journals of a run."""
    return root() / ".mlflow-outbox" / run


def remove_run(folder: Path) -> None:
    """Remove the folder of a run whose journals are sent, with its sender's files, unless the sender is running."""
    if not folder.is_dir() or any(path.is_dir() for path in folder.iterdir()):
        return
    if lock := acquired(folder / "sender.lock"):
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # a stage has just started there
            folder.rmdir()


def acquired(path: Path, patience: float = 0) -> BaseFileLock | None:
    """Acquire a file lock. It lasts until it is released or its process dies.

    Args:
        path: the lock file.
        patience: how many seconds to wait for another process that holds it.

    Returns:
        The lock; None if another process holds it, or if there is no such folder.
    """
    if not path.parent.is_dir():  # FileLock would create it
        return None
    lock = FileLock(path)
    try:
        lock.acquire(timeout=patience)
    except (Timeout, FileNotFoundError):  # the folder was removed meanwhile
        return None
    return lock


def modified(path: Path) -> int:
    """Return when a file was written, in nanoseconds; 0 if it is gone."""
    with suppress(FileNotFoundError):
        return path.stat().st_mtime_ns
    return 0
