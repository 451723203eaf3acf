"""The process that sends a journal to MLflow while a stage writes it, as the stage sees it."""

import os
import subprocess
import sys
from contextlib import suppress

from mien.experiments.mlflow.outbox import Journal

#: Seconds that a stage waits in the end for what it logged to arrive.
PATIENCE = 4


class Sender:
    """Runs `python -m mien.experiments.mlflow.send` beside a stage, which no server makes wait but in `finish`."""

    def __init__(self, journal: Journal, lock: int) -> None:
        """Start it. It inherits the lock of the journal, so that nothing else sends that before it is done."""
        self._log, self._lock = journal.folder / "sender.log", lock
        reading, self._pipe = os.pipe()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603  nothing of it comes from outside
                [sys.executable, "-m", "mien.experiments.mlflow.send", str(journal.folder)],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=[lock],
                start_new_session=True,  # Ctrl+C ends the stage, and the sender still sends that
            )
        os.close(reading)
        os.set_blocking(self._pipe, False)

    def wake(self) -> None:
        """Tell it that the journal has grown."""
        with suppress(OSError):  # it has ended, or has been told often enough
            os.write(self._pipe, b"\n")

    def finish(self) -> str:
        """Tell it that the journal is complete and let it end; return why it could not send all, or ""."""
        os.close(self._pipe)
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return f"not done within {PATIENCE} seconds"
        finally:
            os.close(self._lock)
        if code == 0:
            return ""
        lines = self._log.read_text().splitlines()
        return lines[-1] if lines else f"exit code {code}"
