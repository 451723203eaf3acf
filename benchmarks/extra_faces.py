"""Measure networks on the news photos that `make wild` held out: faces of people whom no network was trained on.

    make wild
    python benchmarks/extra_faces.py [--models mien_wild mien mien_small] [--peer PYTHON]

Each network reads a face like `mien image` by default: with its mirror image, and in 8-bit integers if the CPU is fast
at them. PYTHON is the interpreter of an environment with the package `fer`, see fer_peer.py; without it, its former
figures are kept. Writes a report.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien.data.arrays import Images
from mien.emotions import FER2013
from mien.evaluation.metrics import accuracy_interval
from mien.experiments import layout
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import FACE_NETWORKS

REPORT = Path("reports/benchmarks/extra_faces")
PEER = Path(__file__).with_name("fer_peer.py")


def measured(name: str, images: Images) -> dict[str, Any]:
    """Return the accuracy of a network, its 95 % interval, and the recall of each class that occurs."""
    classifier = FaceClassifier.from_pretrained(name, precision="auto")
    answers = classifier.predict_proba(images.pixels, tta="mirror").argmax(axis=1)
    is_right = np.array(classifier.classes_)[answers] == np.array(images.classes)[images.labels]
    low, high = accuracy_interval(is_right)
    recalls = {name: float(is_right[images.labels == images.classes.index(name)].mean()) for name in present(images)}
    return {"accuracy": float(is_right.mean()), "low": low, "high": high, "recall": recalls}


def present(images: Images) -> list[str]:
    """Return the classes that occur."""
    return [name for name, count in images.counts().items() if count]


def of_peer(python: str, images: Images) -> dict[str, dict[str, float]]:
    """Return the accuracy of the package `fer` on the same faces, by its networks."""
    numbers = np.array([FER2013.index(name) for name in images.classes])
    with tempfile.TemporaryDirectory() as folder:
        faces = Path(folder, "faces.npz")
        nothing = np.zeros(len(images.labels), bool)
        np.savez(faces, images=images.pixels, labels=numbers[images.labels], leaks=nothing)
        command = [python, str(PEER), "classify", "1", str(faces)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return {name: {"accuracy": row["accuracy"]} for name, row in json.loads(printed.splitlines()[-1]).items()}


def former(report: Path, images: Images) -> dict[str, dict[str, Any]]:
    """Return the figures of the package `fer` in a report of as many faces of each class."""
    document = json.loads(report.read_text()) if report.exists() else {"counts": {}, "networks": {}}
    same = document["counts"] == images.counts()
    return {name: row for name, row in document["networks"].items() if same and name.startswith("fer")}


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[*FACE_NETWORKS], help="(default: the pretrained ones)")
    parser.add_argument("--peer", metavar="PYTHON", help="of an environment with the package fer")
    arguments = parser.parse_args()
    images = Images.load(layout.BALANCED, layout.EXTRA_TEST)
    figures: dict[str, dict[str, Any]] = {name: measured(name, images) for name in arguments.models}
    figures |= of_peer(arguments.peer, images) if arguments.peer else former(REPORT / "figures.json", images)
    rows = {
        name: {"accuracy": row["accuracy"], **{f"recall, {key}": value for key, value in row.get("recall", {}).items()}}
        for name, row in figures.items()
    }
    table = (100 * pd.DataFrame(rows).T).astype(object).fillna("").to_markdown(floatfmt=".1f")
    counts = ", ".join(f"{count:,} {name}" for name, count in images.counts().items() if count)
    text = f"# Faces of people who are not in the training data\n\n{len(images.labels):,} faces: {counts}. "
    text += f"In per cent. Made by\n`python benchmarks/extra_faces.py`, which says more.\n\n{table}\n"
    REPORT.mkdir(parents=True, exist_ok=True)
    (REPORT / "README.md").write_text(text)
    document = {"images": len(images.labels), "counts": images.counts(), "networks": figures}
    (REPORT / "figures.json").write_text(json.dumps(document, indent=2) + "\n")
    print(text)


if __name__ == "__main__":
    main()
