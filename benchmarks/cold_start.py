"""Measure how long `mien image PHOTO` takes in a new process, compared with importing OpenCV and ONNX Runtime alone.

Processes take turns, so that a busy machine slows all of them. Figures are medians of seconds, of CPU seconds, and of
the ratio of CPU seconds to the first. The photo is the portrait that comes with matplotlib. Writes a report.

    python benchmarks/cold_start.py [--runs 10] [--photo PHOTO]
"""

import argparse
import statistics
import sys
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib import cbook
from timing import in_turns, process

REPORT = Path("reports/benchmarks/cold_start/README.md")


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
    processes = {name: partial(process, [sys.executable, *words]) for name, words in ways.items()}
    runs = in_turns(processes, arguments.runs, warm_up=1)  # which fills the disk's cache
    first = next(iter(runs.values()))
    rows = {
        name: {
            "seconds": statistics.median(usage.seconds for usage in usages),
            "CPU seconds": statistics.median(usage.cpu_seconds for usage in usages),
            "times the first": statistics.median(
                usage.cpu_seconds / other.cpu_seconds for usage, other in zip(usages, first, strict=True)
            ),
        }
        for name, usages in runs.items()
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
