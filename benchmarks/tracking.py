"""Measure what logging to MLflow costs a stage: the seconds from its last own work to its end, by state of the store.

A stage logs params, 20 epochs of half a second, and the pretrained network: to the sqlite store of its repository,
new and again; to a port that refuses; to one that accepts and never answers; and to a server that answers 500.

    python benchmarks/tracking.py
"""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from mien.config import load_params
from mien.experiments.mlflow import log_stage
from mien.inference.networks.pretrained import FACE_NETWORKS

EPOCHS, EPOCH = 20, 0.5  # seconds


@contextmanager
def refusing() -> Iterator[str]:
    """Yield an address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def hanging() -> Iterator[str]:
    """Yield an address that accepts and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def failing() -> Iterator[str]:
    """Yield an address that answers 500."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(500)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def stage(network: Path) -> float:
    """Run the stage, which logs the network of a folder; return the seconds that it took beyond its epochs."""
    params, start = load_params(), time.perf_counter()
    with log_stage("train_cnn", params) as log:
        for epoch in range(1, EPOCHS + 1):
            time.sleep(EPOCH)
            log.epoch({"epoch": epoch, "accuracy": epoch / EPOCHS})
        log.outputs(network.parent / "report", network)
    return time.perf_counter() - start - EPOCHS * EPOCH


def _pretrained(folder: Path) -> Path:
    """Copy the pretrained network to a folder in a folder, as stages have it, and return that."""
    network = folder / "network"
    network.mkdir()
    (folder / "report").mkdir()
    shutil.copy(FACE_NETWORKS["mien"], network / "best.onnx")
    return network


def main() -> None:
    """Print one line per store."""
    load_params()  # imports
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["DVC_ROOT"] = folder
        network = _pretrained(Path(folder))
        for name in ("sqlite, new", "sqlite"):
            print(f"{name:12} {stage(network):4.1f} s", flush=True)
    for fault in (refusing, hanging, failing):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, fault() as address:
            os.environ |= {"DVC_ROOT": folder, "MLFLOW_TRACKING_URI": address}
            print(f"{fault.__name__:12} {stage(_pretrained(Path(folder))):4.1f} s", flush=True)


if __name__ == "__main__":
    main()
