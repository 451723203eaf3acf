"""Training on JAX in processes of their own, of one host or of several, each with a share of every batch.

On one host this module starts a process a replica. On several, the stage is started on each, by Slurm's srun, which JAX
knows, or with MIEN_COORDINATOR (host:port of process 0), MIEN_PROCESSES and MIEN_PROCESS_ID (from 0) set; each time it
starts one process. `python -m mien.training.distributed` is such a process: it reads what to train from stdin, which
closes when the process that started it dies, and writes a line of JSON to stdout for each epoch.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Literal

import pandas as pd

from mien._io.errors import InputError, first_line
from mien.config import Params, TrainCnn

_HEARTBEAT = 45  # seconds without a sign of life after which JAX takes a process for dead
_OURS = ("MIEN_COORDINATOR", "MIEN_PROCESSES", "MIEN_PROCESS_ID")
_SLURM = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID")  # in steps of srun


def leads(section: TrainCnn) -> bool:
    """Return whether this process is to write what comes of a training; of those started on several hosts, one is.

    Raises:
        InputError: the environment does not say how to join them, or `section` is for one host.
    """
    number, count = _place()
    if count > 1 and section.backend != "jax":
        raise InputError(f"train_cnn.backend: found {section.backend}, expected jax for {count} processes")
    if count > section.replicas:
        raise InputError(
            f"train_cnn.replicas: found {section.replicas}, expected {count} or more, one for each device of {count} "
            "processes"
        )
    return number == 0


def train(
    params: Params, folder: Path, *, checkpoints: Path, on_epoch: Callable[[dict[str, float]], None]
) -> pd.DataFrame:
    """Train like `cnn.train`: on TensorFlow in this process, on JAX in others.

    On several hosts, all call this; those that do not lead write nothing.

    Raises:
        InputError: JAX is not installed, a process died, or what `training.fit` says.
    """
    if params.train_cnn.backend == "tensorflow":
        from mien.training import cnn

        return cnn.train(params, folder, checkpoints=checkpoints, on_epoch=on_epoch)
    if find_spec("jax") is None:
        raise InputError(
            "train_cnn.backend: found jax, which is not installed, expected tensorflow, or first: "
            "pip install 'mien[scale]'"
        )
    task = json.dumps({"params": params.model_dump(), "folder": str(folder), "checkpoints": str(checkpoints)})
    heard: SimpleQueue[tuple[_Process, Any]] = SimpleQueue()
    processes = [_Process(task, environment, heard) for environment in _environments(params.train_cnn.replicas)]
    rows: list[dict[str, float]] = []
    running = set(processes)
    try:
        while running:
            process, message = heard.get()
            match message:
                case None:
                    process.expect_success()
                    running.remove(process)
                case {"error": error}:
                    raise InputError(error)
                case {"row": row} if process is processes[0]:
                    rows.append(row)
                    print(", ".join(f"{name} {value:.6g}" for name, value in row.items()), flush=True)
                    on_epoch(row)
    finally:
        for process in processes:
            process.end()
    return pd.DataFrame(rows).drop(columns="epoch_seconds")


class _Process:
    """One of the processes that train. What it says is put into a queue, None when it has ended."""

    def __init__(self, task: str, environment: Mapping[str, str], heard: "SimpleQueue[tuple[_Process, Any]]") -> None:
        self._name = f"process {environment.get('MIEN_PROCESS_ID', 0)} of {environment.get('MIEN_PROCESSES', 1)}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mien.training.distributed"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", env=environment, start_new_session=True,
        )  # fmt: skip
        self._last_words: deque[str] = deque(maxlen=20)
        self._listeners = [
            Thread(target=self._last_words.extend, args=(self._process.stderr,), daemon=True),
            Thread(target=self._listen, args=(heard,), daemon=True),
        ]
        for listener in self._listeners:
            listener.start()
        with suppress(BrokenPipeError):
            print(task, file=self._process.stdin, flush=True)

    def _listen(self, heard: "SimpleQueue[tuple[_Process, Any]]") -> None:
        for line in self._process.stdout or ():
            heard.put((self, json.loads(line)))
        heard.put((self, None))

    def expect_success(self) -> None:
        """Wait for the end. Raises InputError where it was no good one, and prints what the process said last."""
        if code := self._process.wait():
            self._hear_all()
            sys.stderr.writelines(self._last_words)
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            if code == -signal.SIGABRT:
                how += ", as JAX does where another process is lost"
            raise InputError(
                f"train_cnn: {self._name} {how}, and the training with it; run it again, and it goes on after its last "
                "finished epoch"
            )

    def end(self) -> None:
        """End the process, where it did not end by itself."""
        with suppress(BrokenPipeError), self._process:
            self._process.kill()
            self._hear_all()

    def _hear_all(self) -> None:
        for listener in self._listeners:
            listener.join()


def _environments(replicas: int) -> list[dict[str, str]]:
    """Return the environment of each process that is to be started here."""
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    if replicas == 1 or _place()[1] > 1:
        return [environment]
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return [
        environment
        | dict(zip(_OURS, (address, str(replicas), str(number)), strict=True))
        | {
            "JAX_COORDINATOR_BIND_ADDRESS": address,
            "JAX_CUDA_VISIBLE_DEVICES": str(number),
            "JAX_ROCM_VISIBLE_DEVICES": str(number),
        }
        for number in range(replicas)
    ]


def _place() -> tuple[int, int]:
    """Return which of how many processes the environment says that this one is: (0, 1) where it says nothing.

    Raises:
        InputError: it says something else than numbers and host:port.
    """
    values = [os.environ.get(name, "") for name in _OURS]
    if not any(values):
        in_slurm = all(name in os.environ for name in _SLURM)
        return (int(os.environ["SLURM_PROCID"]), int(os.environ["SLURM_NTASKS"])) if in_slurm else (0, 1)
    coordinator, count, number = values
    host, _, port = coordinator.rpartition(":")
    if not (host and port.isdecimal()):
        raise InputError(f"MIEN_COORDINATOR: found {coordinator!r}, expected host:port of process 0")
    try:
        socket.getaddrinfo(host, int(port))
    except OSError as error:
        raise InputError(f"MIEN_COORDINATOR: found {coordinator!r}, an unknown host ({error.strerror})") from None
    if not (count.isdecimal() and number.isdecimal() and int(number) < int(count)):
        raise InputError(
            f"MIEN_PROCESS_ID, MIEN_PROCESSES: found {number!r}, {count!r}, expected a number from 0 and a higher one"
        )
    return int(number), int(count)


def main() -> None:
    """Train as one process of several, as stdin says."""
    task = json.loads(sys.stdin.readline())
    Thread(target=_end_with_parent, daemon=True).start()
    stdout = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what Keras and JAX's C++ side print

    def say(kind: Literal["row", "error"], value: object) -> None:
        print(json.dumps({kind: value}), file=stdout, flush=True)

    try:
        _join()
        from mien.training import cnn

        cnn.train(
            Params.model_validate(task["params"]),
            Path(task["folder"]),
            checkpoints=Path(task["checkpoints"]),
            on_epoch=lambda row: say("row", row),
        )
    except InputError as error:
        say("error", str(error))


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _join() -> None:
    """Join the other processes, where there are any. Raises InputError where they do not come."""
    number, count = _place()
    if count == 1:
        return
    import jax

    ours: dict[str, Any] = {"cluster_detection_method": "slurm"}
    if address := os.environ.get("MIEN_COORDINATOR"):
        ours = {"coordinator_address": address, "num_processes": count, "process_id": number}
        ours |= {"cluster_detection_method": "deactivate"}
    try:
        jax.distributed.initialize(**ours, heartbeat_timeout_seconds=_HEARTBEAT)
    except RuntimeError as error:
        raise InputError(f"process {number} of {count} does not find the others: {first_line(error)}") from None


if __name__ == "__main__":
    main()
