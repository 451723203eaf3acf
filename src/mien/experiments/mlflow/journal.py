"""Journals: what stages log to MLflow, on disk first, so that no server can lose it.

.mlflow-outbox/RUN/STAGE/ is the journal of a stage: events.jsonl, one event per line, and copies of its outputs. The
stages of one RUN share an MLflow run and a sender. A journal is removed once MLflow has all of it.
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

_TRY = 0.2  # seconds for a lock that another process holds no longer than it takes to try it

Event = dict[str, Any]


class Journal:
    """What one stage logs, in order. Its methods raise OSError where the disk fails.

    Attributes:
        folder: that of the journal.
        outputs: copies of what the stage wrote: report/, network/ and the dvc.lock and dvc.yaml of then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.outputs = folder, folder / "outputs"
        self._events, self._lock = folder / "events.jsonl", folder / "writing.lock"

    @classmethod
    def of_run(cls, run: str = "*") -> "list[Journal]":
        """Return the journals of a run, or of all, the oldest first."""
        paths = (root() / ".mlflow-outbox").glob(f"{run}/[!.]*/events.jsonl")
        return [cls(path.parent) for path in sorted(paths, key=modified)]

    @property
    def name(self) -> str:
        """RUN/STAGE."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    def begin(self) -> BaseFileLock:
        """Make the folder and return the lock that a stage holds while it writes.

        Raises:
            BlockingIOError: another process writes there.
            OSError: it cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if (lock := acquired(self._lock, _TRY)) is None:
            raise BlockingIOError(f"{self.folder}: in use by another process")
        return lock

    def append(self, kind: str, **values: Any) -> None:
        """Add an event, which gets the time, in milliseconds since 1970 as MLflow counts."""
        line = json.dumps({"kind": kind, "time": int(time() * 1000), **values})
        with self._events.open("a") as file:
            file.write(f"{line}\n")

    def events(self) -> list[Event]:
        """Return all events, without a last one that is not wholly written. Raises InputError for a damaged file."""
        try:
            lines = self._events.read_text().splitlines(keepends=True) if self._events.exists() else []
            events = [json.loads(line) for line in lines if line.endswith("\n")]
            return [event for event in events if event["kind"]]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise InputError(f"{self._events}: is damaged ({error!r}), expected one JSON object per line") from None

    def size(self) -> int:
        """Return the number of bytes of all events; 0 if there are none, or all are sent."""
        return self._events.stat().st_size if self._events.exists() else 0

    def is_written(self) -> bool:
        """Return whether the stage that wrote it has ended or was killed.

        A stage that was killed is known by its lock, which is free; but for a moment another process may try it, too.
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
        """Remove the journal. Others see all of it, or nothing."""
        gone = self.folder.with_name(f".{self.folder.name}")
        self.folder.rename(gone)
        shutil.rmtree(gone)


def run_folder(run: str) -> Path:
    """Return the folder of the journals of a run."""
    return root() / ".mlflow-outbox" / run


def remove_run(folder: Path) -> None:
    """Remove the folder of a run whose journals are sent, and what its sender left there, unless that is at work."""
    if not folder.is_dir() or any(path.is_dir() for path in folder.iterdir()):
        return
    if lock := acquired(folder / "sender.lock"):
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # a stage has just begun there
            folder.rmdir()


def acquired(path: Path, patience: float = 0) -> BaseFileLock | None:
    """Return the lock of a file, which is taken and lasts until it is released or its process dies.

    Args:
        path: of the lock.
        patience: how many seconds to wait for another process that has it.

    Returns:
        None if another process has it, or there is no such folder.
    """
    if not path.parent.is_dir():  # which FileLock would make
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
