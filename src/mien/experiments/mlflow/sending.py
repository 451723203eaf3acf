"""Sends journals to MLflow.

What is sent twice is there once: a run is found again by its tag, MLflow takes equal params, equal metrics of one time
and step, and equal data sets as one, files replace each other, and a model is looked for first.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlflow.entities import Metric
from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from mien._io.yaml import read_yaml
from mien.experiments import layout
from mien.experiments.mlflow.datasets import from_outs
from mien.experiments.mlflow.outbox import Event, Journal
from mien.experiments.mlflow.requests import carry_metrics, log_metrics, log_params
from mien.experiments.mlflow.stage_log import RUN_TAG
from mien.experiments.mlflow.store import all_runs, connect, is_refusal, reason, tagged
from mien.experiments.mlflow.values import agree


class RunSending:
    """Sends the journals of a run as its stages write them."""

    def __init__(self, run: str, uri: str) -> None:
        self._run, self._uri = run, uri
        self._sendings: dict[Path, Sending] = {}
        self._state: dict[Path, tuple[int, bool]] = {}
        self._monitor: SystemMetricsMonitor | None = None

    def send_new(self) -> bool:
        """Send all that was not sent, if there is something new; return whether a stage is at work."""
        journals = {journal.folder: journal for journal in Journal.of_run(self._run)}
        state = {folder: (journal.size(), journal.is_written()) for folder, journal in journals.items()}
        if state != self._state:  # what failed is tried again with whatever is new: the store may work again
            for folder, journal in journals.items():
                self._send(journal, is_written=state[folder][1])
        self._state = state
        is_at_work = any(not is_written for _, is_written in state.values())
        self._measure_system(is_at_work=is_at_work)
        return is_at_work

    def _measure_system(self, *, is_at_work: bool) -> None:
        """Log the load of this machine while stages work, where MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING wants that."""
        run = next((sending.run for sending in self._sendings.values() if sending.run), "")
        if self._monitor and not is_at_work:
            self._monitor.finish()
            self._monitor = None
        elif not self._monitor and is_at_work and run and MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.get():
            self._monitor = SystemMetricsMonitor(run, resume_logging=True, tracking_uri=self._uri)
            self._monitor.start()

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
    """Sends a journal as it grows. `send` may be called again after it failed, and goes on where it was.

    Attributes:
        refused: what MLflow will never take, one text per event; only `finish` with `skip_refused` fills it.
    """

    def __init__(self, journal: Journal, uri: str) -> None:
        self.refused: list[str] = []
        self._journal, self._uri = journal, uri
        self._client: Any = None
        self._experiment = self._run = ""

    def send(self, *, is_written: bool = False, skip_refused: bool = False) -> None:
        """Send all events that are new. Raises whatever MLflow raises.

        Args:
            is_written: the stage has ended.
            skip_refused: leave out what MLflow will refuse at each try, and note it in `refused`.
        """
        events = self._journal.events()
        params = next((event["values"] for event in events if event["kind"] == "params"), None)
        if params is None and not is_written:
            return  # they decide which run it is
        if self._client is None:
            self._client, self._experiment = connect(self._uri, events[0].get("experiment", ""))
        if not self._run:
            self._run = self._find_or_create(events[0], params or {})
        done = self._journal.sent_to(self._uri)
        for count, event in enumerate(events[done:], start=done + 1):
            try:
                self._send(event, is_written=is_written)
            except Exception as error:
                if not (skip_refused and is_refusal(error)):
                    raise
                self.refused.append(f"{event['kind']} ({reason(error)})")
            self._journal.note_sent(self._uri, count)

    def finish(self, *, skip_refused: bool = False) -> None:
        """Send what is left, and remove the journal. A stage without a last event was killed."""
        self.send(is_written=True, skip_refused=skip_refused)
        last = self._journal.events()[-1]
        if last["kind"] != "end":
            self._end("KILLED", last["time"])
        self._journal.remove()

    @property
    def run(self) -> str:
        """The id of the run, once it is known."""
        return self._run

    def _find_or_create(self, start: Event, params: Mapping[str, str]) -> str:
        """Return the id of the run: MLFLOW_RUN_ID's, else that of its `dvc repro`; another where params disagree."""
        client, tags, known = self._client, start["tags"], []
        with suppress(MlflowException):  # there is no such run
            known += [client.get_run(start["run"])] if start.get("run") else []
        known += all_runs(client, [self._experiment], tagged(RUN_TAG, tags[RUN_TAG]))
        for run in known:
            if agree(run.data.params, params):
                return str(run.info.run_id)
        began = min(journal.began() for journal in Journal.of_run(self._journal.folder.parent.name))
        run = client.create_run(self._experiment, min(began, start["time"]), tags, start["name"])
        return str(run.info.run_id)

    def _send(self, event: Event, *, is_written: bool) -> None:
        client, run, journal = self._client, self._run, self._journal
        match event["kind"]:
            case "start":
                if event.get("run") == run:
                    for key, value in event["tags"].items():
                        client.set_tag(run, key, value)
                if not is_written:
                    client.update_run(run, "RUNNING")
            case "params":
                log_params(client, run, event["values"])
            case "epoch" | "metrics":
                when = (event["time"], event["step"])
                log_metrics(client, run, [Metric(key, value, *when) for key, value in event["values"].items()])
            case "tag":
                client.set_tag(run, event["name"], event["value"])
            case "data":
                lock = read_yaml(journal.folder / layout.LOCK)
                client.log_inputs(run, from_outs(lock, event["stage"], event["paths"]))
            case "files":
                client.log_artifacts(run, str(journal.files))
            case "model":
                from mien.experiments.mlflow.models import log_model  # with ONNX, which most stages can do without

                log_model(client, run, event["name"], journal.models / event["name"])
            case "end":
                carry_metrics(client, run)
                self._end(event["status"], event["time"])

    def _end(self, status: str, when: int) -> None:
        """Note how the run ended, and when: at the end of its last stage, whichever is sent last."""
        end = self._client.get_run(self._run).info.end_time
        self._client.set_terminated(self._run, status, max(end or 0, when))


def send_rest(journal: Journal, uri: str, patience: float = 0, *, skip_refused: bool = False) -> list[str] | None:
    """Send what is left of a journal that nobody writes. Raises whatever MLflow raises.

    Args:
        patience: how many seconds to wait for another process that is sending it.
        skip_refused: leave out what MLflow will refuse at each try.

    Returns:
        What was refused; None where the journal is still being written or sent.
    """
    if not journal.is_written():
        return None
    lock = journal.sending_lock(patience)
    if lock is None:
        return None if journal.size() else []  # the other process has sent it
    try:
        if not journal.folder.exists():  # sent by the process that had the lock
            return []
        if not journal.events():
            journal.remove()
            return []
        sending = Sending(journal, uri)
        sending.finish(skip_refused=skip_refused)
        return sending.refused
    finally:
        lock.release()
