"""Measure how long `mien image --help` takes beside what no command can do without: Python, and Python with Click.

Prints medians in seconds, and the ratio to `import click`. Runs of the three alternate, so that a busy machine slows
all of them.

    python benchmarks/cli_help.py [--runs 10]
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python": ("-c", "pass"),
    "import click": ("-c", "import click"),
    "mien --help": ("-m", "mien", "--help"),
    "mien image --help": ("-m", "mien", "image", "--help"),
}


def seconds(words: tuple[str, ...]) -> float:
    """Time one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs + 1):  # the first fills the disk's cache
        for name, words in COMMANDS.items():
            times[name].append(seconds(words))
    medians = {name: statistics.median(of_command[1:]) for name, of_command in times.items()}
    for name, median in medians.items():
        print(f"{name:<20}{median:.3f} s  {median / medians['import click']:.2f} x import click")


if __name__ == "__main__":
    main()
