"""Accuracy of AU models on acted clips: one prediction per clip, from OpenFace files named as in RAVDESS.

The third number of a file name is the emotion (01 neutral, 02 calm, 03 happy, 04 sad, 05 angry, 06 fearful, 07 disgust,
08 surprised; Livingstone & Russo 2018), the last one the speaker. Neutral and calm clips are left out, and models
choose among the emotions that are measured.

    python benchmarks/score_clips.py ../shared/datasets/aus/openface_ravdess [--output FOLDER]
    python benchmarks/score_clips.py ../shared/datasets/aus/openface_ravdess --speaker 2 --emotions happy sad

FOLDER gets figures.json, from which the tables of docs are filled.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from mien.aus.readers import open_aus
from mien.aus.rules import TABLES
from mien.emotions import BASIC
from mien.evaluation import metrics
from mien.inference.aus.strong_moments import strong_moments
from mien.inference.networks.au_classifier import AUClassifier

EMOTIONS = {"03": "happy", "04": "sad", "05": "angry", "06": "fear", "07": "disgust", "08": "surprise"}
MODELS = (None, *TABLES)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder with OpenFace CSV files, searched through")
    parser.add_argument("--model", metavar="FOLDER|TABLE", help="only this model, such as models/au")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write figures.json")
    parser.add_argument("--speaker", type=int, help="only clips of this one")
    parser.add_argument("--emotions", nargs="+", choices=BASIC, default=BASIC, help="only clips of these")
    arguments = parser.parse_args()
    chosen = list(arguments.emotions)
    clips = [path for path in sorted(arguments.folder.rglob("*.csv")) if _emotion(path) in chosen]
    clips = [path for path in clips if arguments.speaker in (None, int(path.stem.split("-")[-1]))]
    labels = np.array([chosen.index(_emotion(path)) for path in clips])
    strong, frames = [], []
    for path in clips:
        with open_aus(path) as table:
            chunks = list(table.chunks())
            strong.append(strong_moments(chunks)[0])
            frames.append(np.concatenate([chunk.intensities[chunk.reliable] for chunk in chunks]))
    rows = []
    for model in [arguments.model] if arguments.model else MODELS:
        classifier = AUClassifier.from_pretrained(model)
        ways = {
            "strong moments": classifier.predict_proba(np.array(strong)),
            "mean of AUs": classifier.predict_proba(np.array([of_clip.mean(axis=0) for of_clip in frames])),
            "mean of answers": np.array([classifier.predict_proba(of_clip).mean(axis=0) for of_clip in frames]),
        }
        for way, probabilities in ways.items():
            restricted = metrics.restrict_classes(probabilities, classifier.classes_, chosen)
            figures = metrics.scores(labels, restricted, chosen)
            rows.append((model or "pretrained network", way, len(clips), figures["accuracy"], figures["macro_f1"]))
    table = pd.DataFrame(rows, columns=["model", "a clip is", "clips", "accuracy", "macro F1"]).round(4)
    print(table.to_string(index=False))
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "figures.json").write_text(table.to_json(orient="records", indent=2) + "\n")


def _emotion(clip: Path) -> str:
    return EMOTIONS.get(clip.stem.split("-")[2], "")


if __name__ == "__main__":
    main()
