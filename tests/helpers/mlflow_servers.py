"""Real servers of MLflow on loopback: of runs, and of a model."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def wait_for(happens: Callable[[], bool], patience: float = 600) -> None:
    """Wait until something happens. patience: in seconds."""
    until = time.monotonic() + patience
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.25)


def free_port() -> int:
    """Return a port at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def listening(command: list[str], port: int, path: str, folder: Path) -> Iterator[str]:
    """Run a command of MLflow that serves HTTP and yield its address; kill it and its workers in the end.

    Args:
        command: the words behind `mlflow`.
        port: at which it is to listen.
        path: what it answers when it is ready.
        folder: for its log.
    """
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # five processes that nothing here needs
    }
    with (folder / f"{port}.log").open("w") as log:
        process = subprocess.Popen(
            ["mlflow", *command], stdout=log, stderr=log, env=environment, start_new_session=True
        )

    def answers() -> bool:
        assert process.poll() is None, (folder / f"{port}.log").read_text()
        with suppress(OSError):
            urllib.request.urlopen(f"{address}{path}", timeout=1).close()
            return True
        return False

    try:
        wait_for(answers)
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def tracking_server(port: int, folder: Path) -> Iterator[str]:
    """Run a server of runs, whose store is in a folder; yield its address."""
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    store = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "files")]
    with listening(["server", *options, *store], port, "/health", folder) as address:
        yield address
