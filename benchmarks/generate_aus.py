"""Compare vectorised AU generation with the row-by-row loop it replaces, in one run: rows per second and the ratio.

python benchmarks/generate_aus.py [--rows 1000000]
"""

import argparse

import numpy as np
import pandas as pd
from timing import seconds

from mien.aus.facs import AUS
from mien.aus.rules import AuTable
from mien.aus.synthesis import generate, generate_realistic
from mien.config import Intensities, Realism, load_params

LOOP_ROWS = 20_000


def row_by_row(table: AuTable, samples: int, ranges: Intensities, rng: np.random.Generator) -> list[list[float]]:
    """Draw one row after the other, again until it meets no rule of higher priority: the plain way to write it."""
    rows = []
    rules = list(table.emotions.values())
    for priority, rule in enumerate(rules):
        for _ in range(samples):
            while True:
                row = []
                for au in AUS:
                    low, high = ranges.optional if au in rule.optional else ranges.quiet
                    skew = ranges.skew
                    if au in rule.positive:
                        (low, high), skew = ranges.positive, 1.0
                    row.append(round(low + (high - low) * rng.random() ** skew, 2))
                intensity = dict(zip(AUS, row, strict=True))
                if not any(
                    all(intensity[au] >= ranges.positive[0] for au in other.positive)
                    and all(intensity[au] <= ranges.quiet[1] for au in other.negative)
                    for other in rules[:priority]
                ):
                    break
            rows.append(row)
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows to generate at once (default: a million)")
    rows = parser.parse_args().rows
    section = load_params().generate_aus
    table = AuTable.load("prototypes")
    ranges: Intensities = section.intensities
    realism: Realism = section.realism
    emotions = len(table.emotions)
    rng = np.random.default_rng(0)

    loop = LOOP_ROWS / seconds(lambda: row_by_row(table, LOOP_ROWS // emotions, ranges, rng))
    exact = rows / (exact_s := seconds(lambda: generate(table, rows // emotions, False, ranges, rng)))
    realistic = rows / (
        realistic_s := seconds(lambda: generate_realistic([table], rows // emotions, False, realism, rng))
    )
    figures = pd.DataFrame(
        [
            ("row by row", LOOP_ROWS, LOOP_ROWS / loop, loop, 1.0),
            ("exact, vectorised", rows, exact_s, exact, exact / loop),
            ("realistic, vectorised", rows, realistic_s, realistic, realistic / loop),
        ],
        columns=["way", "rows", "seconds", "rows per second", "times as fast"],
    )
    print(figures.to_string(index=False, float_format="{:,.1f}".format))


if __name__ == "__main__":
    main()
