"""Measure `mien aus` as a user runs it: the start, then a long table; seconds, rows per second and peak memory.

python benchmarks/predict_aus.py [--rows 1000000]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from mien.facs import AUS, COLUMNS

PART = 20_000
MIEN = str(Path(sys.executable).with_name("mien"))


def seconds(*arguments: str) -> float:
    """Time one run of mien, its process included."""
    start = time.perf_counter()
    subprocess.run([MIEN, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def write_table(path: Path, rows: int) -> None:
    """Write random AUs in parts: the memory of this process would count as that of its children."""
    rng = np.random.default_rng(0)
    for first in range(0, rows, PART):
        intensities = rng.uniform(0, 100, (min(PART, rows - first), len(AUS))).round(1)
        part = pd.DataFrame(intensities, columns=COLUMNS)
        part.to_csv(path, mode="a", header=first == 0, index=False)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the long table (default: a million)")
    rows = parser.parse_args().rows
    start = min(seconds("aus", "--au", "6=98", "--au", "12=97") for _ in range(3))
    print(f"one face, from a cold process: {start:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        table, output = Path(folder, "table.csv"), Path(folder, "emotions.csv")
        write_table(table, rows)
        spent = seconds("aus", str(table), "--output", str(output))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{rows:,} rows: {spent:.1f} s, {rows / spent:,.0f} rows per second, {peak:.0f} MB at the peak")


if __name__ == "__main__":
    main()
