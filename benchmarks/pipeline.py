"""Measure the overhead of the pipeline: DVC, MLflow and imports, that is everything but a stage's own work.

In a temporary clone of the repository's HEAD, `dvc repro` builds everything from nothing. Of each stage that shows

    own     what its main does
    start   Python's start and all imports, also those that main does
    MLflow  what it waits for the log
    end     Python's end

and of the whole what DVC takes beside the stages: its start, hashing and saving. Then an up-to-date `dvc repro` runs in
turns with `dvc status`. How it grows: prepare_fer and oversample_augment on synthetic zips, what DVC takes to hash and
save that, and once more an up-to-date `dvc repro` of the two beside `dvc status`.

CPU seconds are of all processes and threads, and hardly depend on what else runs; MLflow's process, which works beside
a stage, counts among the frame's. A million images need 15 GB in the temporary folder (TMPDIR=... names another).

    python benchmarks/pipeline.py [--skip-rebuild] [--counts 10000 100000 1000000]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pandas as pd
from dvc.utils.serialize import modify_yaml
from synthetic import write_zip

ROOT = Path(__file__).parents[1]
LIMIT = 0.2
GROWING = ("prepare_fer", "oversample_augment")


class Clone:
    """A clone of the repository, in which `python` is what times a stage."""

    def __init__(self, folder: Path) -> None:
        self.path, self._times = folder / "clone", folder / "times.jsonl"
        clone = ["git", "clone", "--quiet", str(ROOT), str(self.path)]
        subprocess.run(clone, check=True)
        shim = folder / "bin" / "python"
        shim.parent.mkdir()
        timed = Path(__file__).with_name("timed_stage.py")
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{timed}" "{self._times}" "$@"\n')
        shim.chmod(0o755)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_"))}
        self._environment = inherited | {"PATH": f"{shim.parent}:{Path(sys.executable).parent}:{inherited['PATH']}"}

    def dvc(self, *arguments: str) -> tuple[float, float]:
        """Run a command of DVC; return its seconds, and the CPU seconds of all its processes."""
        command = ["dvc", *arguments]
        start, cpu_start = perf_counter(), _cpu_of_children()
        result = subprocess.run(
            command, cwd=self.path, env=self._environment, capture_output=True, text=True, check=False
        )
        if result.returncode:
            sys.exit(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
        return perf_counter() - start, _cpu_of_children() - cpu_start

    def rebuild(self, *stages: str) -> tuple[float, float, pd.DataFrame]:
        """Run stages, or all, whether or not they changed; return what `dvc` does, and a row a stage."""
        self._times.unlink(missing_ok=True)
        single = ["--single-item"] if stages else []
        seconds, cpu = self.dvc("repro", "--force", *single, *stages)
        rows = [json.loads(line) for line in self._times.read_text().splitlines()]
        return seconds, cpu, pd.DataFrame(rows).set_index("stage")

    def idle(self, repeats: int, *stages: str) -> pd.DataFrame:
        """Run up-to-date stages, or all, in turns with `dvc status`; return medians, a row a command."""
        single = ["--single-item"] if stages else []
        commands = {"dvc status": ["status", *stages], "dvc repro": ["repro", *single, *stages]}
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(repeats):
            for name, command in commands.items():
                runs[name].append(self.dvc(*command))
        rows = {name: [median(values) for values in zip(*per_stage, strict=True)] for name, per_stage in runs.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["seconds", "cpu"])

    def take(self, source: Path) -> None:
        """Let prepare_fer read another source."""
        with modify_yaml(str(self.path / "params.yaml")) as params:
            params["prepare_fer"]["source"] = str(source)

    def size(self, folder: str) -> float:
        """Return the megabytes of the files in a folder."""
        return sum(path.stat().st_size for path in (self.path / folder).iterdir()) / 1e6


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(table: pd.DataFrame, **formats: str) -> None:
    """Print a table, columns in seconds unless a format is given."""
    shown = {name: formats.get(name, "{:,.1f}").format for name in table.columns}
    print(table.to_string(formatters=shown), end="\n\n", flush=True)


def show_rebuild(seconds: float, cpu: float, stages: pd.DataFrame) -> None:
    """Print what the frame takes of each stage, and of the whole."""
    table = stages[["seconds", "own", "start", "mlflow", "end", "cpu", "own_cpu"]].copy()
    table.loc["DVC beside them"] = {"seconds": seconds - table["seconds"].sum(), "cpu": cpu - table["cpu"].sum()}
    table = table.fillna(0.0)
    table.loc["dvc repro --force"] = table.sum()
    table["frame"] = 1 - table["own"] / table["seconds"]
    table["of CPU"] = 1 - table["own_cpu"] / table["cpu"]
    names = {"mlflow": "MLflow", "cpu": "CPU", "own_cpu": "own CPU"}
    show(table.rename(columns=names), **{"frame": "{:.0%}", "of CPU": "{:.0%}"})

    for kind, spent, own, whole in (("time", "seconds", "own", seconds), ("CPU time", "cpu", "own_cpu", cpu)):
        outside = stages[spent].sum() - stages[own].sum()
        print(f"{kind} of stages outside their own work: {outside:.1f} s, {outside / whole:.1%} of {whole:.1f} s")
    print(f"(wanted: at most {LIMIT:.0%} of the time)", end="\n\n")


def show_idle(commands: pd.DataFrame) -> None:
    """Print what an up-to-date `dvc repro` takes beside `dvc status`."""
    shown = commands.assign(times=commands["seconds"] / commands["seconds"].iloc[0]).rename(columns={"cpu": "CPU"})
    show(shown, seconds="{:.2f}", CPU="{:.2f}", times="{:.2f}")


def growth(clone: Clone, folder: Path, count: int, repeats: int) -> list[dict[str, Any]]:
    """Return a row for each of GROWING, and one for each up-to-date command, at so many images."""
    source = folder / "synthetic.zip"
    write_zip(source, count)
    clone.take(source)
    rows = []
    for stage, folder_out in zip(GROWING, ("data/fer", "data/balanced"), strict=True):
        seconds, _, stages = clone.rebuild(stage)
        one = stages.loc[stage]
        rows.append(
            {
                "images": count,
                "command": stage,
                "seconds": seconds,
                "own": one["own"],
                "start, end": one["seconds"] - one["own"],
                "DVC": seconds - one["seconds"],
                "peak MB": one["peak"],
                "MB written": clone.size(folder_out),
                "us an image": seconds / count * 1e6,
            }
        )
    for command, row in clone.idle(repeats, *GROWING).iterrows():
        rows.append({"images": count, "command": f"{command}, up to date", "seconds": row["seconds"]})
    source.unlink()
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skip-rebuild", action="store_true", help="measure only how it grows")
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 100_000], help="(default: 10000 100000)")
    parser.add_argument("--repeats", type=int, default=5, help="of up-to-date commands, of which medians show")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone = Clone(folder)
        if not arguments.skip_rebuild:
            show_rebuild(*clone.rebuild())
            show_idle(clone.idle(arguments.repeats))
        rows = [row for count in arguments.counts for row in growth(clone, folder, count, arguments.repeats)]
        if rows:
            whole = dict.fromkeys(("images", "peak MB", "MB written"), "{:,.0f}")
            show(pd.DataFrame(rows).set_index("command"), **whole)


if __name__ == "__main__":
    main()
