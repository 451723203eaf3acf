"""Measure `mien aus` and `mien score` as a user runs them: the start, then a long table; seconds and peak memory.

python benchmarks/predict_aus.py [--rows 1000000]
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from timing import process

from mien.aus.facs import AUS, COLUMNS
from mien.emotions import BASIC

PART = 20_000
MIEN = str(Path(sys.executable).with_name("mien"))


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
    starts = [process([MIEN, "aus", "--au", "6=98", "--au", "12=97"]) for _ in range(3)]
    start = min(starts, key=lambda usage: usage.seconds)
    print(f"one face, from a cold process: {start.seconds:.2f} s, {start.peak:.0f} MB at the peak")
    with tempfile.TemporaryDirectory() as folder:
        table, output = Path(folder, "table.csv"), Path(folder, "emotions.csv")
        write_table(table, rows)
        runs = {
            "mien aus": ("aus", str(table), "--output", str(output)),
            "mien aus --per-file": ("aus", str(table), "--per-file"),
            "mien score": ("score", str(table)),
        }
        for name, arguments in runs.items():
            usage = process([MIEN, *arguments])
            rate = rows / usage.seconds
            print(f"{name}, {rows:,} rows: {usage.seconds:.1f} s, {rate:,.0f} rows a second, {usage.peak:.0f} MB")


if __name__ == "__main__":
    main()
