"""Measure how long a training on JAX goes on when one of its two processes is killed (SIGKILL) after the first epoch.

On one host, one stage starts both processes. As on two hosts, two stages find each other by MIEN_COORDINATOR, here on
loopback, and one stage is killed with its process: once the first, which coordinates, once the second. The data are
noise in a temporary folder.

    python benchmarks/process_death.py
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).parents[1]
EPOCHS = 10_000  # more than are ever finished


def write_data(folder: Path) -> None:
    """Write what train_cnn reads: noise of three classes."""
    from mien.data.arrays import Images

    rng = np.random.default_rng(0)
    for name, split in (("balanced", "train"), ("fer", "validation")):
        labels = np.arange(96, dtype=np.uint8) % 3
        pixels = rng.integers(0, 256, (96, 16, 16), dtype=np.uint8)
        (folder / "data" / name).mkdir(parents=True)
        Images(pixels, labels, ["angry", "happy", "sad"]).save(folder / "data" / name, split)
    (folder / "data/balanced/class_weights.json").write_text('{"angry": 1.0, "happy": 1.0, "sad": 1.0}')


def train() -> None:
    """Train in the current folder, as the stage does."""
    from mien._io.errors import reports_input_errors
    from mien.config import load_params
    from mien.training import distributed
    from mien.training.inputs import Inputs

    base = load_params(ROOT / "params.yaml")
    changes = {"network": "small_cnn", "backend": "jax", "replicas": 2, "batch_size": 32, "epochs": EPOCHS}
    params = base.model_copy(update={"train_cnn": base.train_cnn.model_copy(update=changes | {"patience": EPOCHS})})
    inputs = Inputs.load(Path("data/balanced"), Path("data/fer"), params.train_cnn)
    run = reports_input_errors(distributed.train)
    run(inputs, params, Path("models"), checkpoints=Path("models/.cnn.checkpoints"), on_epoch=lambda _: None)


def start(folder: Path, log: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Start a stage that trains in `folder`."""
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, __file__, "--train"], cwd=folder, env=os.environ | environment, stdout=file, stderr=file
        )


def hosts() -> list[Mapping[str, str]]:
    """Return what is set on each of two hosts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return [{"MIEN_COORDINATOR": address, "MIEN_PROCESSES": "2", "MIEN_PROCESS_ID": str(index)} for index in range(2)]


def kill_and_time(environments: list[Mapping[str, str]], victim: int) -> None:
    """Train with a stage for each environment, kill process `victim` after an epoch, and print what follows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder)
        (folder / "models").mkdir()
        logs = [folder / f"{index}.log" for index in range(len(environments))]
        stages = [start(folder, log, **environment) for log, environment in zip(logs, environments, strict=True)]
        while not list(folder.glob("models/.cnn.checkpoints/epoch-*[0-9]")):
            if any(stage.poll() is not None for stage in stages):
                raise SystemExit("\n".join(log.read_text() for log in logs))
            time.sleep(0.1)
        lost = stages.pop(victim) if len(stages) > 1 else None
        processes = psutil.Process((lost or stages[0]).pid).children()
        processes.sort(key=lambda process: process.environ().get("MIEN_PROCESS_ID", ""))
        if lost:
            lost.kill()
        processes[0 if lost else victim].kill()
        killed = time.perf_counter()
        code = stages[0].wait()
        seconds = time.perf_counter() - killed
        message = logs[1 - victim if lost else 0].read_text().splitlines()[-1]
        place = f"process {victim} of {len(environments)} host{'s' if lost else ''}"
        print(json.dumps({"killed": place, "seconds": round(seconds, 1), "exit": code, "message": message}), flush=True)
        if lost:
            lost.wait()


def main() -> None:
    """Print one line of JSON per case."""
    if sys.argv[1:] == ["--train"]:
        train()
        return
    kill_and_time([{}], 1)
    for victim in (1, 0):
        kill_and_time(hosts(), victim)


if __name__ == "__main__":
    main()
