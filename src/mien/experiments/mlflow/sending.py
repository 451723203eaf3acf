"""Sends journals to MLflow.

What is sent twice is there once: a run is found again by its tag, MLflow takes equal params, equal metrics of one time
and step, and equal data sets as one, files replace each other, and a model is looked for first.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

from mien._io.yaml import read_yaml
from mien.experiments.mlflow.outbox import Event, Journal
from mien.experiments.mlflow.stage_log import RUN_TAG
from mien.experiments.mlflow.store import connect, reason

_MAX_PARAMS = 100  # of one request to MLflow


class RunSending:
    """Sends the journals of a run as its stages write them."""

    def __init__(self, run: str, uri: str) -> None:
        self._run, self._uri = run, uri
        self._sendings: dict[Path, Sending] = {}
        self._state: dict[Path, tuple[int, bool]] = {}

    def send_new(self) -> bool:
        """Send all that was not sent, if there is something new; return whether a stage is at work."""
        journals = {journal.folder: journal for journal in Journal.of_run(self._run)}
        state = {folder: (journal.size(), journal.is_written()) for folder, journal in journals.items()}
        if state != self._state:  # what failed is tried again with whatever is new: the store may work again
            for folder, journal in journals.items():
                self._send(journal, is_written=state[folder][1])
        self._state = state
        return any(not is_written for _, is_written in state.values())

    def _send(self, journal: Journal, *, is_written: bool) -> None:
        lock = journal.sending_lock()
        if lock is None:  # `mien sync` sends it
            return
        count = 0
        try:
            count = len(journal.events())
            sending = self._sendings.setdefault(journal.folder, Sending(journal, self._uri))
            if is_written:
                sending.finish()
            else:
                sending.send()
        except Exception as error:  # noqa: BLE001  a store or server may raise anything; later it may work again
            with suppress(OSError):  # the disk is full
                journal.note_failure(count, reason(error))
        finally:
            lock.release()


class Sending:
    """Sends a journal as it grows. `send` may be called again after it failed, and goes on where it was."""

    def __init__(self, journal: Journal, uri: str) -> None:
        self._journal, self._uri = journal, uri
        self._client: Any = None
        self._experiment = self._run = ""

    def send(self) -> None:
        """Send all events that are new. Raises whatever MLflow raises."""
        if self._client is None:
            self._client, self._experiment = connect(self._uri)
        events = self._journal.events()
        if not self._run:
            self._run = self._find_or_create(events[0])
        done = self._journal.sent_to(self._uri)
        for count, event in enumerate(events[done:], start=done + 1):
            self._send(event)
            self._journal.note_sent(self._uri, count)

    def finish(self) -> None:
        """Send what is left, and remove the journal. A stage without a last event was killed."""
        self.send()
        last = self._journal.events()[-1]
        if last["kind"] != "end":
            self._client.set_terminated(self._run, "KILLED", last["time"])
        self._journal.remove()

    def _find_or_create(self, start: Event) -> str:
        tags = start["tags"]
        runs = self._client.search_runs([self._experiment], f"tags.`{RUN_TAG}` = '{tags[RUN_TAG]}'")
        run = runs[0] if runs else self._client.create_run(self._experiment, start["time"], tags, start["name"])
        return run.info.run_id

    def _send(self, event: Event) -> None:
        client, run, journal = self._client, self._run, self._journal
        match event["kind"]:
            case "start":
                client.update_run(run, "RUNNING")
            case "params":
                params = [Param(key, value) for key, value in event["values"].items()]
                for start in range(0, len(params), _MAX_PARAMS):
                    client.log_batch(run, params=params[start : start + _MAX_PARAMS])
            case "epoch" | "metrics":
                when = (event["time"], event["step"])
                client.log_batch(run, metrics=[Metric(key, value, *when) for key, value in event["values"].items()])
            case "tag":
                client.set_tag(run, event["name"], event["value"])
            case "data":
                client.log_inputs(run, _datasets(journal.folder / "dvc.lock", event["paths"], event["context"]))
            case "files":
                client.log_artifacts(run, str(journal.files))
            case "model":
                from mien.experiments.mlflow.models import log_model  # with ONNX, which most stages can do without

                log_model(client, self._experiment, run, event["name"], journal.models / event["name"])
            case "end":
                client.set_terminated(run, event["status"], event["time"])


def send_rest(journal: Journal, uri: str, patience: float = 0) -> bool:
    """Send what is left of a journal that nobody writes. Return whether that is so. Raises whatever MLflow raises.

    Args:
        patience: how many seconds to wait for another process that is sending it.
    """
    if not journal.is_written():
        return False
    lock = journal.sending_lock(patience)
    if lock is None:
        return not journal.size()  # the other process has sent it
    try:
        if journal.events():
            Sending(journal, uri).finish()
        else:
            journal.remove()
    finally:
        lock.release()
    return True


def _datasets(lock: Path, paths: list[str], context: str) -> list[DatasetInput]:
    """Describe outs of stages as MLflow data sets, whose digest is DVC's hash."""
    outs = [out for stage in read_yaml(lock)["stages"].values() for out in stage.get("outs", ())]
    hashes = {out["path"]: out["md5"] for out in outs}
    tags = [InputTag("mlflow.data.context", context)]
    return [DatasetInput(Dataset(path, hashes[path], "dvc", path), tags) for path in paths if path in hashes]
