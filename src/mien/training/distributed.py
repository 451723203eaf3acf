"""Trains on JAX in separate processes, on one or several hosts. Each process gets a shard of every batch.

On one host, this module starts one process per replica. On several hosts, the stage is started on each host and starts
one process there. The processes find each other by Slurm's srun, which JAX supports, or by MIEN_COORDINATOR (host:port
of process 0), MIEN_PROCESSES and MIEN_PROCESS_ID (from 0).

`python -m mien.training.distributed` is such a process. It reads its task from stdin, which closes when the parent
dies, and writes one line of JSON per epoch to stdout.
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
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Literal

import pandas as pd

from mien._io import extras
from mien._io.errors import InputError, first_line
from mien.config import Params, TrainCnn
from mien.training.inputs import Inputs

_HEARTBEAT = 45  # seconds without a heartbeat after which JAX considers a process dead
_OURS = ("MIEN_COORDINATOR", "MIEN_PROCESSES", "MIEN_PROCESS_ID")
_SLURM = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID")  # set in srun steps


def is_main_process(config: TrainCnn) -> bool:
    """Tell whether this process writes the results of a training. With several hosts, only one process does.

    Raises:
        InputError: the environment does not tell how to join the processes, or `config` is for one host.
    """
    index, count = _process_of_environment()
    if count > 1 and config.backend != "jax":
        raise InputError(f"train_cnn.backend: found {config.backend}, expected jax for {count} processes")
    if count > config.replicas:
        raise InputError(
            f"train_cnn.replicas: found {config.replicas}, expected {count} or more, one for each device of {count} "
            "processes"
        )
    return index == 0


def train(
    inputs: Inputs, params: Params, folder: Path, *, checkpoints: Path, on_epoch: Callable[[dict[str, float]], None]
) -> pd.DataFrame:
    """Train like `cnn.train`: on TensorFlow in this process, on JAX in other processes, which open the inputs again.

    On several hosts, each one calls this. Only the main process writes.

    Raises:
        InputError: JAX is not installed, a process died, or as `trainer.fit` says.
    """
    if params.train_cnn.backend == "tensorflow":
        from mien.training import cnn

        return cnn.train(inputs, params, folder, checkpoints=checkpoints, on_epoch=on_epoch)
    extras.require("scale", "jax", what="train_cnn.backend: jax")
    task = json.dumps(
        {
            "inputs": [str(path) for path in inputs.folders],
            "params": params.model_dump(),
            "folder": str(folder),
            "checkpoints": str(checkpoints),
        }
    )
    messages: SimpleQueue[tuple[_Process, Any]] = SimpleQueue()
    processes = [_Process(task, environment, messages) for environment in _environments(params.train_cnn.replicas)]
    rows: list[dict[str, float]] = []
    running = set(processes)
    try:
        while running:
            process, message = messages.get()
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
    """A training process. It puts its messages into a queue, and None when it ends."""

    def __init__(
        self, task: str, environment: Mapping[str, str], messages: "SimpleQueue[tuple[_Process, Any]]"
    ) -> None:
        self._name = f"process {environment.get('MIEN_PROCESS_ID', 0)} of {environment.get('MIEN_PROCESSES', 1)}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mien.training.distributed"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", env=environment, start_new_session=True,
        )  # fmt: skip
        self._stderr_tail: deque[str] = deque(maxlen=20)
        self._readers = [
            Thread(target=self._stderr_tail.extend, args=(self._process.stderr,), daemon=True),
            Thread(target=self._read_messages, args=(messages,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        with suppress(BrokenPipeError):
            print(task, file=self._process.stdin, flush=True)

    def _read_messages(self, messages: "SimpleQueue[tuple[_Process, Any]]") -> None:
        try:
            for line in self._process.stdout or ():
                messages.put((self, json.loads(line)))
        finally:
            messages.put((self, None))  # also after a line that is not JSON; otherwise the parent would wait forever

    def expect_success(self) -> None:
        """Wait for the end. If the process failed, prints the last lines of its stderr and raises InputError."""
        if code := self._process.wait():
            self._join_readers()
            sys.stderr.writelines(self._stderr_tail)
            reason = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            if code == -signal.SIGABRT:
                reason += ", as JAX does where another process is lost"
            raise InputError(
                f"train_cnn: {self._name} {reason}, which ended the training; run it again to resume after the last "
                "finished epoch"
            )

    def end(self) -> None:
        """Kill the process unless it has ended."""
        with suppress(BrokenPipeError), self._process:
            self._process.kill()
            self._join_readers()

    def _join_readers(self) -> None:
        for reader in self._readers:
            reader.join()


def _environments(replicas: int) -> list[dict[str, str]]:
    """Return the environments of the processes to start on this host."""
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    if replicas == 1 or _process_of_environment()[1] > 1:
        return [environment]
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return [
        environment
        | dict(zip(_OURS, (address, str(replicas), str(index)), strict=True))
        | {
            "JAX_COORDINATOR_BIND_ADDRESS": address,
            "JAX_CUDA_VISIBLE_DEVICES": str(index),
            "JAX_ROCM_VISIBLE_DEVICES": str(index),
        }
        for index in range(replicas)
    ]


def _process_of_environment() -> tuple[int, int]:
    """Return index and number of processes from the environment; without them (0, 1).

    Raises:
        InputError: the environment has values that are not numbers and host:port.
    """
    values = [os.environ.get(name, "") for name in _OURS]
    if not any(values):
        in_slurm = all(name in os.environ for name in _SLURM)
        return (int(os.environ["SLURM_PROCID"]), int(os.environ["SLURM_NTASKS"])) if in_slurm else (0, 1)
    coordinator, count, index = values
    host, _, port = coordinator.rpartition(":")
    if not (host and port.isdecimal()):
        raise InputError(f"MIEN_COORDINATOR: found {coordinator!r}, expected host:port of process 0")
    try:
        socket.getaddrinfo(host, int(port))
    except OSError as error:
        raise InputError(f"MIEN_COORDINATOR: found {coordinator!r}, an unknown host ({error.strerror})") from None
    if not (count.isdecimal() and index.isdecimal() and int(index) < int(count)):
        raise InputError(
            f"MIEN_PROCESS_ID, MIEN_PROCESSES: found {index!r}, {count!r}, expected a number from 0 and a higher one"
        )
    return int(index), int(count)


def main() -> None:
    """Train as one of several processes, by the task from stdin."""
    task = json.loads(sys.stdin.readline())
    Thread(target=_end_with_parent, daemon=True).start()
    stdout = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Keras and JAX's C++ code print, too, but not messages

    def send(kind: Literal["row", "error"], value: object) -> None:
        print(json.dumps({kind: value}), file=stdout, flush=True)

    try:
        _join_processes()
        from mien.training import cnn

        params = Params.model_validate(task["params"])
        train_folder, validation_folder = map(Path, task["inputs"])
        cnn.train(
            Inputs.load(train_folder, validation_folder, params.train_cnn),
            params,
            Path(task["folder"]),
            checkpoints=Path(task["checkpoints"]),
            on_epoch=lambda row: send("row", row),
        )
    except InputError as error:
        send("error", str(error))


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _join_processes() -> None:
    """Join the other processes, if any. Raises InputError if they do not appear."""
    index, count = _process_of_environment()
    if count == 1:
        return
    import jax

    options: dict[str, Any] = {"cluster_detection_method": "slurm"}
    if address := os.environ.get("MIEN_COORDINATOR"):
        options = {"coordinator_address": address, "num_processes": count, "process_id": index}
        options |= {"cluster_detection_method": "deactivate"}
    try:
        jax.distributed.initialize(**options, heartbeat_timeout_seconds=_HEARTBEAT)
    except RuntimeError as error:
        raise InputError(f"process {index} of {count} cannot find the others: {first_line(error)}") from None


if __name__ == "__main__":
    main()
