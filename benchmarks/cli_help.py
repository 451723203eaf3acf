"""Measure how long `mien image --help` takes, compared with the minimum: Python, and Python with Click.

Prints medians in seconds, and the ratio to `import click`. Runs of the three alternate, so that a busy machine slows
all of them.

    python benchmarks/cli_help.py [--runs 10]
"""

import argparse
import statistics
import sys
from functools import partial

from timing import in_turns, process

COMMANDS = {
    "python": ("-c", "pass"),
    "import click": ("-c", "import click"),
    "mien --help": ("-m", "mien", "--help"),
    "mien image --help": ("-m", "mien", "image", "--help"),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    processes = {name: partial(process, [sys.executable, *words]) for name, words in COMMANDS.items()}
    usages = in_turns(processes, runs, warm_up=1)  # which fills the disk's cache
    medians = {name: statistics.median(usage.seconds for usage in by_run) for name, by_run in usages.items()}
    for name, median in medians.items():
        print(f"{name:<20}{median:.3f} s  {median / medians['import click']:.2f} x import click")


if __name__ == "__main__":
    main()
