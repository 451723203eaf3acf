"""Measure `mien aus` and `mien score` as a user runs them: the start, then a long table; seconds and peak memory.

python benchmarks/predict_aus.py [--rows 1000000]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from mien.aus.facs import AUS, COLUMNS
from mien.emotions import BASIC

PART = 20_000
MIEN = str(Path(sys.executable).with_name("mien"))


def measured(*arguments: str) -> tuple[float, float]:
    """Run mien once and return the seconds and the peak memory, in MB, of its process."""
    start = time.perf_counter()
    process = subprocess.Popen([MIEN, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"mien {' '.join(arguments)} left with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def write_table(path: Path, rows: int) -> None:
    """Write random AUs and emotions in parts: a child starts with the memory of this process."""
    rng = np.random.default_rng(0)
    for first in range(0, rows, PART):
        size = min(PART, rows - first)
        part = pd.DataFrame(rng.uniform(0, 100, (size, len(AUS))).round(1), columns=COLUMNS)
        part.assign(emotion=rng.choice(BASIC, size)).to_csv(path, mode="a", header=first == 0, index=False)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the long table (default: a million)")
    rows = parser.parse_args().rows
    start = min(measured("aus", "--au", "6=98", "--au", "12=97") for _ in range(3))
    print(f"one face, from a cold process: {start[0]:.2f} s, {start[1]:.0f} MB at the peak")
    with tempfile.TemporaryDirectory() as folder:
        table, output = Path(folder, "table.csv"), Path(folder, "emotions.csv")
        write_table(table, rows)
        runs = {
            "mien aus": ("aus", str(table), "--output", str(output)),
            "mien aus --per-file": ("aus", str(table), "--per-file"),
            "mien score": ("score", str(table)),
        }
        for name, arguments in runs.items():
            seconds, peak = measured(*arguments)
            print(f"{name}, {rows:,} rows: {seconds:.1f} s, {rows / seconds:,.0f} rows a second, {peak:.0f} MB")


if __name__ == "__main__":
    main()
