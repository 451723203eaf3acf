"""Run a stage script, and append what it took to a file, as a line of JSON; benchmarks/pipeline.py lets DVC do so.

    python benchmarks/timed_stage.py TIMES stages/STAGE.py

stage, seconds (wall, from Python's start to its end), cpu (seconds of all its processes, with the one that sends to
MLflow), peak (MB), and of the seconds:

    start   until main begins: Python's start and imports; and imports that main does later
    mlflow  in mien.experiments.mlflow
    own     all else that main does; own_cpu: of the stage's process
    end     of Python, after main
"""

import builtins
import functools
import json
import os
import resource
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from time import perf_counter, process_time
from typing import Any

PIPE = "TIMED_STAGE_PIPE"


class Clock:
    """Counts the time of the main thread by kind; what happens within something counted belongs to that."""

    def __init__(self) -> None:
        self.seconds = {"start": 0.0, "mlflow": 0.0}
        self.cpu = 0.0
        self._counts = False

    @contextmanager
    def __call__(self, kind: str) -> Iterator[None]:
        if self._counts or current_thread() is not main_thread():
            yield
            return
        self._counts = True
        start, cpu_start = perf_counter(), process_time()
        try:
            yield
        finally:
            self.seconds[kind] += perf_counter() - start
            self.cpu += process_time() - cpu_start
            self._counts = False

    def counted(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose calls count."""

        @functools.wraps(function)
        def counting(*args: Any, **kwargs: Any) -> Any:
            with self(kind):
                return function(*args, **kwargs)

        return counting


class CountedRun:
    """`mien.experiments.mlflow.log_stage`, whose begin and end count."""

    def __init__(self, clock: Clock, run: AbstractContextManager[Any]) -> None:
        self._clock, self._run = clock, run

    def __enter__(self) -> Any:
        with self._clock("mlflow"):
            return self._run.__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        with self._clock("mlflow"):
            return self._run.__exit__(*error)


def inside(script: str) -> None:
    """Run the script in this process; write when its main began and ended, and what of that is not its own work."""
    import mien.experiments.stage

    clock, as_it_is = Clock(), mien.experiments.stage.stage

    def stage(main: Callable[[], None]) -> Callable[[], None]:
        @functools.wraps(main)
        def timed() -> None:
            count_mlflow(clock, main.__globals__)
            builtins.__import__ = clock.counted("start", builtins.__import__)
            began, cpu_began = perf_counter(), process_time()
            main()
            ended, cpu = perf_counter(), process_time() - cpu_began - clock.cpu
            figures = {"began": began, "ended": ended, "own_cpu": cpu, **clock.seconds}
            os.write(int(os.environ[PIPE]), json.dumps(figures).encode())

        return as_it_is(timed)

    mien.experiments.stage.stage = stage
    sys.argv = [script]
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")


def count_mlflow(clock: Clock, stage: dict[str, Any]) -> None:
    """Let all count that a stage, whose globals are given, asks of mien.experiments.mlflow."""
    from mien.experiments.mlflow import StageLog, log_stage

    for name, method in vars(StageLog).items():
        if not name.startswith("_"):
            setattr(StageLog, name, clock.counted("mlflow", method))
    stage["log_stage"] = lambda *arguments: CountedRun(clock, log_stage(*arguments))


def main() -> None:
    """Run the script in a process of its own, and append the line."""
    if PIPE in os.environ:
        inside(sys.argv[1])
        return
    times, script = sys.argv[1:]
    reading, writing = os.pipe()
    start = perf_counter()
    command = [sys.executable, __file__, script]
    code = subprocess.run(command, env=os.environ | {PIPE: str(writing)}, pass_fds=[writing], check=False).returncode
    end = perf_counter()
    os.close(writing)
    if code:
        sys.exit(code)
    used, figures = resource.getrusage(resource.RUSAGE_CHILDREN), json.loads(os.read(reading, 4096))
    began, ended = figures.pop("began"), figures.pop("ended")
    own = ended - began - figures["start"] - figures["mlflow"]
    figures["start"] += began - start
    figures |= {"stage": Path(script).stem, "seconds": end - start, "own": own, "end": end - ended}
    figures |= {"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}
    with Path(times).open("a") as file:
        file.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
