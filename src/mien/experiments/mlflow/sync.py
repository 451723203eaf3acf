"""Brings MLflow up to date: what stages could not send, then what DVC's files have of runs that MLflow lacks.

Each part is tried, whatever happens to the others.
"""

import os
import sys
from collections.abc import Iterator

from mien._io.errors import InputError, within
from mien.experiments.mlflow.completion import Completion
from mien.experiments.mlflow.environment import root, tracking_uri
from mien.experiments.mlflow.journal import Journal, acquired, remove_run
from mien.experiments.mlflow.sender import Sending
from mien.experiments.mlflow.store import connect, expected_at

_PATIENCE = 60.0  # seconds for the process that sends what stages logged, which a server makes wait for 30 at most


def sync() -> Iterator[str]:
    """Log what MLflow lacks, and yield one line per part.

    What stages could not send goes where they would have sent it, or to MLFLOW_TRACKING_URI where that is set.

    Raises:
        InputError: something was not logged; it is kept, except for what MLflow refuses forever. Where that are
            several parts, each has a line on stderr before.
    """
    failures = _Failures()
    for journal in Journal.of_run():
        yield from _send(journal, failures)
    if (root() / ".dvc").is_dir():
        yield from _complete(failures)
    failures.raise_all()


class _Failures:
    """What was not logged, and which stores and servers did not work."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._broken: dict[str, str] = {}

    def add(self, error: object, uri: str = "") -> None:
        """Note what was not logged, and that a store or server may have stopped working."""
        self._texts.append(str(error))
        if not self._broken.get(uri):
            self._broken.pop(uri, None)

    def check(self, uri: str) -> None:
        """Connect to a store or server. Raises InputError if it does not work; it is then not tried again."""
        if uri not in self._broken:
            self._broken[uri] = ""
            try:
                with expected_at(uri):
                    connect(uri)
            except InputError as error:
                self._broken[uri] = str(error)
        if self._broken[uri]:
            raise InputError(self._broken[uri])

    def raise_all(self) -> None:
        if len(self._texts) == 1:
            raise InputError(self._texts[0])
        if self._texts:
            for text in self._texts:
                print(f"error: {InputError(text)}", file=sys.stderr)
            raise InputError(f"{len(self._texts)} parts were not logged, of which the first is {self._texts[0]}")


def _send(journal: Journal, failures: _Failures) -> Iterator[str]:
    """Send what is left of a journal."""
    uri = ""
    try:
        events = journal.events()
        uri = str(events[0]["uri"]) if events and "MLFLOW_TRACKING_URI" not in os.environ else tracking_uri()
        with within(f"{journal.name}: not logged"):
            failures.check(uri)
            sending = Sending(journal, uri, skip_refused=True)
            with expected_at(uri):
                is_done = journal.is_written() and sending.send(_PATIENCE)
    except (InputError, OSError) as error:
        failures.add(error, uri)
        return
    yield f"{journal.name}: logged to {uri}" if is_done else f"{journal.name}: still running"
    for event in sending.refused:
        failures.add(f"{journal.name}: left out, as {uri} refuses it: {event}")
    remove_run(journal.folder.parent)


def _complete(failures: _Failures) -> Iterator[str]:
    """Log what runs of the repository lack, as DVC has it."""
    uri, folder = tracking_uri(), root() / ".dvc" / "tmp"
    folder.mkdir(exist_ok=True)
    if (lock := acquired(folder / "mien_sync.lock", _PATIENCE)) is None:
        failures.add("another `mien mlflow sync` is at work, expected none")
        return
    try:
        failures.check(uri)
        with expected_at(uri):
            completion = Completion(uri)
        for name, complete in completion.parts():
            try:
                with within(f"{name}: not logged"):
                    failures.check(uri)
                    with expected_at(uri):
                        yield from complete()
            except InputError as error:
                failures.add(error, uri)
    except InputError as error:
        failures.add(error, uri)
    finally:
        lock.release()
