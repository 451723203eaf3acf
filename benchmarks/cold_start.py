"""Measure how long `mien image PHOTO` takes from a cold process, beside the import of OpenCV and ONNX Runtime alone.

Processes take turns, so that a busy machine slows all of them. Figures are medians of seconds, of the CPU's seconds,
and of the ratios of CPU seconds to the first. The photo is the portrait that matplotlib ships. Writes a report.

    python benchmarks/cold_start.py [--runs 10] [--photo PHOTO]
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from matplotlib import cbook

REPORT = Path("reports/benchmarks/cold_start/README.md")


def seconds(words: list[str]) -> tuple[float, float]:
    """Run a process; return its seconds, and those of the CPU."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)}: failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--photo", default=str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    arguments = parser.parse_args()
    image = ["-m", "mien", "image", arguments.photo]
    ways = {
        "import cv2, onnxruntime": ["-c", "import cv2, onnxruntime"],
        "mien image PHOTO": image,
        "mien image PHOTO --precision fp32 --tta none": [*image, "--precision", "fp32", "--tta", "none"],
        "mien image PHOTO --detector haar": [*image, "--detector", "haar"],
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(arguments.runs + 1):  # the first fills the disk's cache
        for name, words in ways.items():
            times[name].append(seconds(words))
    first = [cpu for _, cpu in next(iter(times.values()))]
    rows = {
        name: {
            "seconds": statistics.median(wall for wall, _ in spent[1:]),
            "CPU seconds": statistics.median(cpu for _, cpu in spent[1:]),
            "times the first": statistics.median(
                cpu / other for (_, cpu), other in zip(spent[1:], first[1:], strict=True)
            ),
        }
        for name, spent in times.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").to_markdown(floatfmt=("", ".2f", ".2f", ".2f"))
    text = (
        "# A photo from a cold process\n\nMade by `python benchmarks/cold_start.py`, which says what the columns are. "
    )
    text += f"Seconds depend on the machine,\nhere two CPU cores; the ratio is of CPU time.\n\n{table}\n"
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
