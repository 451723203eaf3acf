"""The process that sends journals while stages work: `python -m mien.experiments.mlflow.background RUN`.

One process serves all stages of a run, as loading MLflow takes seconds of a core.
"""

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

from mien.experiments.mlflow.outbox import acquired, remove_run, run_folder, tracking_uri

_PAUSE = 0.1  # seconds between two looks at the journals
_IDLE = 20.0  # seconds without a stage at work after which the process ends
_started: list[subprocess.Popen[bytes]] = []  # Python complains of processes that it forgets while they run


def start_sender(run: Path) -> None:
    """Start the process that sends the journals of a run, whose folder is given, unless it is at work."""
    lock = acquired(run / "sender.lock")
    if lock is None:
        return
    lock.release()  # the process takes it; of two, the second ends at once
    with (run / "sender.log").open("a") as log:
        process = subprocess.Popen(  # noqa: S603  nothing of it comes from outside
            [sys.executable, "-m", "mien.experiments.mlflow.background", run.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,  # Ctrl+C ends the stage, and this process still sends that
        )
    _started.append(process)


def main() -> None:
    """Send the journals of the run that is named, until no stage of it has been at work for a while."""
    run = run_folder(sys.argv[1])
    if (lock := acquired(run / "sender.lock")) is None:
        return
    from mien.experiments.mlflow.sending import RunSending  # MLflow is loaded once the lock is taken

    sending = RunSending(run.name, tracking_uri())
    until = monotonic() + _IDLE
    while monotonic() < until:
        if sending.send_new():
            until = monotonic() + _IDLE
        sleep(_PAUSE)
    lock.release()
    remove_run(run)
    os._exit(0)  # Python takes a second to unload MLflow


if __name__ == "__main__":
    main()
