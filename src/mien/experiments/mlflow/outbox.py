"""The outbox: what stages log to MLflow, on disk first, so that no server can lose it.

.mlflow-outbox/RUN/STAGE/ holds what one stage logs: journal.jsonl, one event per line, and the files that events name.
The stages of one RUN share an MLflow run and a sender. A folder is removed once MLflow has all of it.
"""

import json
import os
import shutil
from collections import Counter
from contextlib import suppress
from math import inf
from pathlib import Path
from time import time
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from mien._io.atomic import atomic_file
from mien._io.errors import InputError
from mien.experiments import layout

Event = dict[str, Any]

SQLITE = "sqlite:///"


def root() -> Path:
    """Return the root of the repository, from any folder in it; the folder here where there is no repository.

    DVC runs queued experiments in temporary copies, and names the repository in DVC_ROOT.
    """
    if named := os.environ.get("DVC_ROOT"):
        return Path(named).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / layout.PIPELINE).is_file()), here)


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or else the sqlite store in the root of the repository.

    A relative path of a sqlite store is one in the root, too: what is logged in a copy that DVC makes would go with it.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}mlflow.db"
    return f"{SQLITE}{root() / uri.removeprefix(SQLITE)}" if uri.startswith(SQLITE) else uri


def experiment_name() -> str:
    """Return MLFLOW_EXPERIMENT_NAME, the name of the experiment in MLflow that runs belong to; else "mien"."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or "mien"


def store_is_missing(uri: str) -> bool:
    """Return whether a sqlite store has yet to be created, which takes seconds."""
    return uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists()


def run_folder(run: str) -> Path:
    """Return the folder of the journals of a run."""
    return root() / ".mlflow-outbox" / run


class Journal:
    """What one stage logs, in order. Its methods raise OSError where the disk fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Copies of files, one folder per stage, and of trained networks, one folder per name.
        self.files, self.models = folder / "files", folder / "models"
        self._events, self._sent, self._failure = folder / "journal.jsonl", folder / "sent", folder / "failure"

    @classmethod
    def of(cls, run: str, stage: str) -> "Journal":
        """Return the journal of a stage in the outbox, which need not exist yet."""
        return cls(run_folder(run) / stage)

    @classmethod
    def of_run(cls, run: str = "*") -> "list[Journal]":
        """Return the journals of a run, or of all, the oldest first."""
        paths = (root() / ".mlflow-outbox").glob(f"{run}/[!.]*/journal.jsonl")
        return [cls(path.parent) for path in sorted(paths, key=_modified)]

    @property
    def name(self) -> str:
        """RUN/STAGE."""
        return f"{self.folder.parent.name}/{self.folder.name}"

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

    def began(self) -> float:
        """Return the time of the first event; infinity where there is none that can be read."""
        with suppress(InputError):
            return min((event["time"] for event in self.events()), default=inf)
        return inf

    def size(self) -> int:
        """Return the number of bytes of all events; 0 where there are none, or all are sent."""
        return self._events.stat().st_size if self._events.exists() else 0

    def uri(self) -> str:
        """Return MLFLOW_TRACKING_URI, or else the store or server that the stage meant it for."""
        events = self.events()
        return str(events[0]["uri"]) if events and "MLFLOW_TRACKING_URI" not in os.environ else tracking_uri()

    def sent_to(self, uri: str) -> int:
        """Return how many events a store or server has. It may have one more, as this is noted afterwards."""
        count, _, where = self._sent.read_text().partition(" ") if self._sent.exists() else ("0", "", uri)
        return int(count) if where == uri and count.isdecimal() else 0

    def note_sent(self, uri: str, count: int) -> None:
        """Note that a store or server has the first `count` events."""
        _write(self._sent, f"{count} {uri}")

    def failure(self) -> str:
        """Return why not all events that are there now could be sent; empty where that was not tried yet."""
        count, _, reason = self._failure.read_text().partition(" ") if self._failure.exists() else ("", "", "")
        return reason if count == str(len(self.events())) else ""

    def note_failure(self, count: int, reason: str) -> None:
        """Note why the first `count` events could not all be sent."""
        _write(self._failure, f"{count} {reason}")

    def missing_at(self, uri: str) -> str:
        """Return what a store or server lacks, such as "params, epoch (3), model"."""
        kinds = Counter(event["kind"] for event in self.events()[self.sent_to(uri) :])
        shown = {kind: count for kind, count in kinds.items() if kind not in ("start", "end")}
        return ", ".join(kind if count == 1 else f"{kind} ({count})" for kind, count in shown.items()) or "how it ended"

    def is_written(self) -> bool:
        """Return whether the stage that wrote it has ended or was killed."""
        lock = acquired(self.folder / "writing.lock")
        if lock:
            lock.release()
        return lock is not None

    def begin(self) -> BaseFileLock:
        """Make the folder and return the lock that a stage holds while it writes.

        Raises:
            BlockingIOError: another process writes there.
            OSError: it cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if (lock := acquired(self.folder / "writing.lock")) is None:
            raise BlockingIOError(f"{self.folder}: in use by another process")
        return lock

    def sending_lock(self, patience: float = 0) -> BaseFileLock | None:
        """Return the lock of those who send journals of its run; None where another process has it, or all is sent.

        Args:
            patience: how many seconds to wait for the other process.
        """
        return acquired(self.folder.parent / "sending.lock", patience)

    def remove(self) -> None:
        """Remove the journal. Others see all of it, or nothing."""
        gone = self.folder.with_name(f".{self.folder.name}")
        self.folder.rename(gone)
        shutil.rmtree(gone)


def acquired(path: Path, patience: float = 0) -> BaseFileLock | None:
    """Return the lock of a file, which is taken and lasts until it is released or its process dies.

    Args:
        patience: how many seconds to wait for another process that has it.

    Returns:
        None where another process has it, or there is no such folder.
    """
    if not path.parent.is_dir():  # which FileLock would make
        return None
    lock = FileLock(path)
    try:
        lock.acquire(timeout=patience)
    except (Timeout, FileNotFoundError):  # the folder was removed meanwhile
        return None
    return lock


def remove_run(folder: Path) -> None:
    """Remove the folder of a run whose journals are sent, and what its sender left there, unless that is at work."""
    if not folder.is_dir() or any(path.is_dir() for path in folder.iterdir()):
        return
    if (lock := acquired(folder / "sender.lock")) is None:
        return
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    lock.release()
    with suppress(OSError):  # a stage has just begun there
        folder.rmdir()


def _modified(path: Path) -> int:
    with suppress(FileNotFoundError):  # another process has sent and removed it
        return path.stat().st_mtime_ns
    return 0


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as scratch:
        scratch.write_text(text)
