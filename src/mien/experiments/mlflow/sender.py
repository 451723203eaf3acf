"""Sends journals to MLflow while stages work: `python -m mien.experiments.mlflow.sender RUN`.

One process serves all stages of a run, because loading MLflow takes CPU seconds. Sending twice does not duplicate: runs
are found by their tag, MLflow merges equal params and equal metrics of the same time and step, and only missing outputs
are sent.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from mlflow.entities import Metric
from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from mien.experiments.mlflow.environment import tracking_uri
from mien.experiments.mlflow.journal import Event, Journal, acquired, remove_run, run_folder
from mien.experiments.mlflow.outputs import Outputs, log_metrics, log_outputs, log_params
from mien.experiments.mlflow.store import adopt, connect, is_refusal, reason, search
from mien.experiments.mlflow.tags import RUN_TAG
from mien.experiments.mlflow.values import are_compatible

_PAUSE = 0.1  # seconds between checks of the journals
_IDLE = 20.0  # seconds without a running stage after which the process ends


class Sending:
    """Sends a journal as it grows. After a failure, `send` can be called again and continues.

    Attributes:
        run: the id of the run in MLflow, once it is known.
        refused: what MLflow refuses at each try, one text per event; filled only if refusals are skipped.
    """

    def __init__(self, journal: Journal, uri: str, *, skip_refused: bool = False) -> None:
        self.run = ""
        self.refused: list[str] = []
        self._journal, self._uri, self._skip_refused = journal, uri, skip_refused
        self._client: Any = None
        self._params: dict[str, str] = {}
        self._start: Event | None = None
        self._count = 0

    def send(self, patience: float = 0) -> bool:
        """Send all new events. When the stage has ended, remove the journal. Raises whatever MLflow raises.

        Args:
            patience: how many seconds to wait for another process that sends journals of the run.

        Returns:
            False if another process sends it.
        """
        lock = acquired(self._journal.folder.parent / "sending.lock", patience)
        if lock is None:
            return not self._journal.size()
        try:
            if self._journal.folder.exists():
                self._send_new()
        finally:
            lock.release()
        return True

    def _send_new(self) -> None:
        is_written = self._journal.is_written()
        events = self._journal.events()
        if events and events[0] != self._start:  # nothing was sent yet, or a stage of that name ran again
            self.run = self._find_or_create(events[0])
            self._start, self._count = events[0], 0
        for event in events[self._count :]:
            try:
                self._log(event, is_written=is_written)
            except Exception as error:
                if not (self._skip_refused and is_refusal(error)):
                    raise
                self.refused.append(f"{event['kind']} ({reason(error)})")
            self._count += 1
        if is_written:
            if events:
                self._end(events[0], events[-1])
            self._journal.remove()

    def _find_or_create(self, start: Event) -> str:
        """Return the run's id: MLFLOW_RUN_ID, or that of its `dvc repro`; a new one if params disagree."""
        self._client, experiment = connect(self._uri, start.get("experiment", ""))
        runs, self._params = [], start.get("params", {})
        with suppress(MlflowException):  # there is no such run
            runs += [self._client.get_run(start["run"])] if start.get("run") else []
        runs += search(self._client, [experiment], RUN_TAG, start["tags"][RUN_TAG])
        run = next((run for run in runs if are_compatible(run.data.params, self._params)), None)
        run = run or self._client.create_run(experiment, start["time"], start["tags"], start["name"])
        return str(run.info.run_id)

    def _log(self, event: Event, *, is_written: bool) -> None:
        client, run = self._client, self.run
        match event["kind"]:
            case "start":
                for key, value in event["tags"].items() if event.get("run") == run else ():
                    client.set_tag(run, key, value)
                log_params(client, run, self._params)
                if not is_written:
                    client.update_run(run, "RUNNING")
            case "epoch":
                self._log_values(event, event["step"])
            case "tag":
                client.set_tag(run, event["name"], event["value"])
            case "outputs":
                outputs = Outputs.of_journal(self._journal.outputs, event["stage"], self._params)
                log_outputs(client, run, outputs, event["time"])
            case "end":
                self._log_values(event, 0)

    def _log_values(self, event: Event, step: int) -> None:
        metrics = [Metric(key, value, event["time"], step) for key, value in event["values"].items()]
        log_metrics(self._client, self.run, metrics)

    def _end(self, start: Event, last: Event) -> None:
        """Log how and when the run ended: at the end of its last stage, in whatever order stages are sent.

        A stage without an end event was killed.
        """
        end = self._client.get_run(self.run).info.end_time
        self._client.set_terminated(self.run, last.get("status", "KILLED"), max(end or 0, last["time"]))
        if start.get("parent"):
            adopt(self._client, self.run, *start["parent"])


class RunSender:
    """Sends the journals of a run while its stages write them."""

    def __init__(self, run: Path, uri: str) -> None:
        self._folder, self._uri = run, uri
        self._sendings: dict[Path, Sending] = {}
        self._state: dict[Path, tuple[int, bool]] = {}
        self._monitor: SystemMetricsMonitor | None = None

    def send_new(self) -> bool:
        """Send everything that is new. Returns whether a stage is running."""
        journals = Journal.of_run(self._folder.name)
        state = _state(journals)
        if state != self._state:  # failed events are tried again together with new ones, as the store may work again
            self._send(journals)
        self._state = state
        is_at_work = any(not is_written for _, is_written in state.values())
        self._measure_system(is_at_work=is_at_work)
        return is_at_work

    def has_new(self) -> bool:
        """Tell whether there is anything that `send_new` has not seen."""
        return _state(Journal.of_run(self._folder.name)) != self._state

    def _send(self, journals: list[Journal]) -> None:
        failure, reasons = self._folder / "failure", []
        for journal in journals:
            try:
                self._sendings.setdefault(journal.folder, Sending(journal, self._uri)).send()
            except Exception as error:  # noqa: BLE001  a store or server may raise anything; later it may work again
                reasons.append(reason(error))
        with suppress(OSError):  # the disk is full
            failure.write_text(reasons[0]) if reasons else failure.unlink(missing_ok=True)

    def _measure_system(self, *, is_at_work: bool) -> None:
        """Log the load of this machine while stages work, if MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING is set."""
        run = next((sending.run for sending in self._sendings.values() if sending.run), "")
        if self._monitor and not is_at_work:
            self._monitor.finish()
            self._monitor = None
        elif not self._monitor and is_at_work and run and MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.get():
            self._monitor = SystemMetricsMonitor(run, resume_logging=True, tracking_uri=self._uri)
            self._monitor.start()


def _state(journals: list[Journal]) -> dict[Path, tuple[int, bool]]:
    return {journal.folder: (journal.size(), journal.is_written()) for journal in journals}


def main() -> None:
    """Send the journals of a run until none of its stages has been running for a while."""
    run = run_folder(sys.argv[1])
    sender = RunSender(run, tracking_uri())
    while lock := acquired(run / "sender.lock"):
        _serve(sender)
        lock.release()
        if not sender.has_new():  # a stage that began in the last moment saw the lock and started no process
            break
    remove_run(run)
    os._exit(0)  # otherwise Python takes a second to unload MLflow


def _serve(sender: RunSender) -> None:
    until = monotonic() + _IDLE
    while monotonic() < until:
        if sender.send_new():
            until = monotonic() + _IDLE
        sleep(_PAUSE)


if __name__ == "__main__":
    main()
