"""The outbox: what stages log to MLflow, on disk first, so that no server can lose it.

.mlflow-outbox/RUN/STAGE/ holds what one stage logs: journal.jsonl, one event a line, and files that events speak of.
Stages of one RUN share an MLflow run. A folder is removed when MLflow has all of it.
"""

import fcntl
import json
import os
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Any

from mien._io.errors import InputError

Event = dict[str, Any]


def root() -> Path:
    """Return the root of the repository. DVC runs queued experiments in throw-away copies and names it in DVC_ROOT."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or else the sqlite store in the root of the repository."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root() / 'mlflow.db'}"


class Journal:
    """What one stage logs, in order. Its methods raise OSError where the disk fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Copies of files, a folder a stage, and of trained networks, a folder a name.
        self.files, self.models = folder / "files", folder / "models"
        self._events, self._sent = folder / "journal.jsonl", folder / "sent"

    @classmethod
    def of(cls, run: str, stage: str) -> "Journal":
        """Return the journal of a stage in the outbox, which need not exist yet."""
        return cls(root() / ".mlflow-outbox" / run / stage)

    @classmethod
    def of_run(cls, run: str = "*") -> "list[Journal]":
        """Return the journals of a run, or of all, the oldest first."""
        found = (root() / ".mlflow-outbox").glob(f"{run}/*/journal.jsonl")
        return [cls(path.parent) for path in sorted(found, key=lambda path: path.stat().st_mtime)]

    def append(self, kind: str, **values: Any) -> None:
        """Add an event, which gets the time, in milliseconds since 1970 as MLflow counts."""
        line = json.dumps({"kind": kind, "time": int(time() * 1000), **values})
        with self._events.open("a") as file:
            file.write(f"{line}\n")

    def events(self) -> list[Event]:
        """Return all events, but for a last one that is not wholly written. Raises InputError for a damaged file."""
        try:
            lines = self._events.read_text().splitlines(keepends=True) if self._events.exists() else []
            events = [json.loads(line) for line in lines if line.endswith("\n")]
            return [event for event in events if event["kind"]]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise InputError(f"{self._events}: is damaged ({error!r}), expected a JSON object a line") from None

    def uri(self) -> str:
        """Return where the stage wanted it to be sent."""
        events = self.events()
        return str(events[0]["uri"]) if events else tracking_uri()

    def sent_to(self, uri: str) -> int:
        """Return how many events a store or server has. It may have one more, as this is noted afterwards."""
        count, _, where = self._sent.read_text().partition(" ") if self._sent.exists() else ("0", "", uri)
        return int(count) if where == uri and count.isdecimal() else 0

    def note_sent(self, uri: str, count: int) -> None:
        """Note that a store or server has the first `count` events."""
        partial = self._sent.with_suffix(".partial")
        partial.write_text(f"{count} {uri}")
        partial.replace(self._sent)

    def missing_at(self, uri: str) -> str:
        """Say what a store or server lacks, such as "params, epoch (3), model"."""
        kinds = Counter(event["kind"] for event in self.events()[self.sent_to(uri) :])
        shown = {kind: count for kind, count in kinds.items() if kind not in ("start", "end")}
        return ", ".join(kind if count == 1 else f"{kind} ({count})" for kind, count in shown.items()) or "how it ended"

    def lock(self) -> int | None:
        """Take the journal, whose folder is made if need be; return a descriptor, or None where another process has it.

        The lock lasts until all processes that hold the descriptor have closed it or died.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def remove(self) -> None:
        """Remove the journal, and the folder of its run where it was the last there."""
        shutil.rmtree(self.folder)
        with suppress(OSError):
            self.folder.parent.rmdir()
