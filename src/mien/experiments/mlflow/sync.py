"""Brings MLflow up to date: sends what stages could not send, then adds what only DVC's files have.

Each part is tried, even if others fail.
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

_PATIENCE = 60.0  # seconds to wait for a running sender, which a server may delay by up to 30


def sync() -> Iterator[str]:
    """Log what MLflow lacks. Yields one line per part.

    Journals are sent to their original store, or to MLFLOW_TRACKING_URI if it is set.

    Raises:
        InputError: something was not logged. It is kept, except for what MLflow refuses permanently. If several parts
            failed, each has its own line on stderr.
    """
    failures = _Failures()
    for journal in Journal.of_run():
        yield from _send(journal, failures)
    if (root() / ".dvc").is_dir():
        yield from _complete(failures)
    failures.raise_all()


class _Failures:
    """Collects what was not logged, and which stores and servers did not work."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._broken: dict[str, str] = {}

    def add(self, error: object, uri: str = "") -> None:
        """Add a part that was not logged; its store or server may have stopped working."""
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
    """Send the rest of a journal."""
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
    """Log what the repository's runs lack, from DVC's files."""
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
