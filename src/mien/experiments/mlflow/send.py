"""Sends journals to MLflow. `python -m mien.experiments.mlflow.send FOLDER` does so while a stage works.

What is sent twice is there once: a run is found again by its tag, MLflow takes equal params, equal metrics of one time
and step, and equal data sets as one, files replace each other, and a model is looked for first.
"""

import os
import sys
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

from mien._io.yaml import read_yaml
from mien.experiments.mlflow.log import RUN_TAG
from mien.experiments.mlflow.outbox import Event, Journal, tracking_uri
from mien.experiments.mlflow.store import connect, reason

_AT_ONCE = 100  # params, MLflow's limit


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
        """Send what is left, and remove the journal. A stage that did not say how it ended was killed."""
        self.send()
        last = self._journal.events()[-1]
        if last["kind"] != "end":
            self._client.set_terminated(self._run, "KILLED", last["time"])
        self._journal.remove()

    def _find_or_create(self, start: Event) -> str:
        tags = start["tags"]
        found = self._client.search_runs([self._experiment], f"tags.`{RUN_TAG}` = '{tags[RUN_TAG]}'")
        run = found[0] if found else self._client.create_run(self._experiment, start["time"], tags, start["name"])
        return run.info.run_id

    def _send(self, event: Event) -> None:
        client, run, journal = self._client, self._run, self._journal
        match event["kind"]:
            case "start":
                client.update_run(run, "RUNNING")
            case "params":
                params = [Param(key, value) for key, value in event["values"].items()]
                for at in range(0, len(params), _AT_ONCE):
                    client.log_batch(run, params=params[at : at + _AT_ONCE])
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
                from mien.experiments.mlflow.models import (
                    log_model,  # ONNX, which a stage that logs no model can do without
                )

                log_model(client, self._experiment, run, event["name"], journal.models / event["name"])
            case "end":
                client.set_terminated(run, event["status"], event["time"])


def main() -> None:
    """Send the journal of a running stage: on each sign of life on stdin, and for the last time when that ends."""
    journal = Journal(Path(sys.argv[1]))
    earlier = [other for other in Journal.of_run(journal.folder.parent.name) if other.folder != journal.folder]
    sending = Sending(journal, tracking_uri())
    try:
        while os.read(sys.stdin.fileno(), 1 << 16):
            try:
                while earlier:  # stages of this run that could not send all
                    send_rest(earlier[0], tracking_uri())
                    del earlier[0]
                sending.send()
            except Exception as error:  # noqa: BLE001  a store or server may throw anything; later it may work again
                print(reason(error), file=sys.stderr, flush=True)
        sending.finish()
    except Exception as error:  # noqa: BLE001  likewise
        print(reason(error), file=sys.stderr)
        raise SystemExit(1) from None
    os._exit(0)  # the stage waits, and Python takes a second to unload MLflow


def send_rest(journal: Journal, uri: str) -> bool:
    """Send what is left of a journal that nobody writes. Return whether that is so. Raises whatever MLflow raises."""
    lock = journal.lock()
    if lock is None:
        return False
    try:
        if journal.events():
            Sending(journal, uri).finish()
        else:
            journal.remove()
    finally:
        os.close(lock)
    return True


def _datasets(lock: Path, paths: list[str], context: str) -> list[DatasetInput]:
    """Describe outs of stages as MLflow data sets, whose digest is DVC's hash."""
    outs = [out for stage in read_yaml(lock)["stages"].values() for out in stage.get("outs", ())]
    hashes = {out["path"]: out["md5"] for out in outs}
    tags = [InputTag("mlflow.data.context", context)]
    return [DatasetInput(Dataset(path, hashes[path], "dvc", path), tags) for path in paths if path in hashes]


if __name__ == "__main__":
    main()
