"""Measure how far the pretrained networks can be trusted: other priors, prediction sets, slices.

On three sets: "faces", FER2013's PublicTest; "photos", news photos, in which YuNet finds the face nearest to the
middle; "held_out", those photos that show people whom `make wild` kept apart from the training of mien_wild. mien_wild
learnt from the other photos, so it is measured on faces and held_out alone.

The figures are those of `mien score --tta mirror --precision auto` with `--prior`, `--coverage 0.9` and `--slices`, of
photos with `--detector yunet --face middle`; images are read once. For each prior, and of the photos also where the
network may choose emotions that nobody shows: accuracy, recall by class, calibration error. The prior "known" is the
shares of the labels. With the prior training: prediction sets that ask for 90 %, and accuracy by slices.

    python benchmarks/trust.py --faces fer2013.zip --photos lfw_faces.zip --output reports/benchmarks/trust

FOLDER gets figures.json, from which the tables of the docs are filled, and a plot of the slices of each set.
`--model NAME=FOLDER` measures another network in place of the pretrained ones; the figures of others stay.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from held_out import photos_held_out

from mien._io.errors import reports_input_errors
from mien.data.image_stats import sharpness
from mien.data.pixel_file import PixelFile, read_images
from mien.data.readers.opening import open_source
from mien.evaluation import metrics
from mien.evaluation.answers import Answers
from mien.evaluation.slices import Slices, describe_worst, face_properties
from mien.inference.faces.face_crops import FaceSearch
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import FACE_NETWORKS
from mien.inference.networks.priors import describe_shares
from mien.plots.png import save_png
from mien.plots.scores import slice_accuracy

_COVERAGE = 0.9
_LEARNT_FROM_PHOTOS = "mien_wild"
_SIZE = 48
_KEPT = (
    "accuracy", "accuracy_low", "accuracy_high", "accuracy_tta", "balanced_accuracy", "macro_f1",
    "calibration_error_calibrated", "calibration_error_tta",
)  # fmt: skip


class Faces(NamedTuple):
    """Labelled faces: uint8 (N, 48, 48), and the rows of `read_images` about them."""

    pixels: np.ndarray
    index: pd.DataFrame


@reports_input_errors
def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, help="FER2013, of which PublicTest is measured")
    parser.add_argument("--photos", type=Path, help="a zip of labelled photos, EMOTION/PERSON_NUMBER.jpg")
    parser.add_argument("--model", action="append", metavar="NAME=FOLDER", help="in place of the pretrained networks")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "figures.json"
    figures = json.loads(path.read_text()) if path.exists() else {}
    models = dict(text.split("=", 1) for text in arguments.model or [f"{name}={name}" for name in FACE_NETWORKS])
    for name, faces in _sets(arguments.faces, arguments.photos):
        for model, folder in models.items():
            if (name, model) == ("photos", _LEARNT_FROM_PHOTOS):
                continue
            classifier = FaceClassifier.from_pretrained(folder, precision="auto")
            plot = arguments.output / f"{name}-{model}.png"
            figures.setdefault(name, {})[model] = _measured(faces, classifier, plot, f"{model}, {name}")
            path.write_text(json.dumps(figures, indent=2) + "\n")


def _sets(of_fer2013: Path | None, of_photos: Path | None) -> Iterator[tuple[str, Faces]]:
    """Yield the sets that are measured, each with its name."""
    if of_fer2013:
        yield "faces", _read(of_fer2013, FaceSearch())
    if of_photos:
        photos = _read(of_photos, FaceSearch("yunet", "middle"))
        yield "photos", photos
        rows = photos_held_out(photos.index)
        yield "held_out", Faces(photos.pixels[rows], photos.index.loc[rows].reset_index(drop=True))


def _read(path: Path, search: FaceSearch) -> Faces:
    """Read the test split of a source, or all of it where it has none."""
    with tempfile.TemporaryDirectory() as folder, PixelFile(Path(folder, "pixels"), _SIZE) as pixels:
        with open_source(path, decoder=search.decoder()) as source:
            index = read_images(source, pixels)
        is_test = (index["split"].fillna("test") == "test") & (index["hash"] != "")
        return Faces(pixels.memmap()[np.flatnonzero(is_test)], index[is_test].reset_index(drop=True))


def _measured(faces: Faces, classifier: FaceClassifier, plot: Path, title: str) -> dict[str, Any]:
    pixels, index = faces
    labels = pd.Index(classifier.classes_).get_indexer(pd.Index(index["emotion"]))
    probabilities = [
        classifier.predict_proba(pixels, calibrated=False),
        classifier.predict_proba(pixels, tta="mirror"),
    ]
    present = [name for label, name in enumerate(classifier.classes_) if (labels == label).any()]
    figures: dict[str, Any] = {}
    known = {name: int((labels == label).sum()) for label, name in enumerate(classifier.classes_)}
    for name, prior in {"training": "training", "uniform": "uniform", "em": "em", "known": known}.items():
        answers = Answers.of(classifier, "mirror", probabilities, prior)
        figures[name] = _scores(answers, labels, present)
        if len(present) < len(classifier.classes_):
            figures[f"{name}, all classes"] = _scores(answers, labels, classifier.classes_)
    answers = Answers.of(classifier, "mirror", probabilities, "training")
    sets = answers.measure_sets(labels, _COVERAGE)
    right = metrics.restrict_classes(probabilities[1], classifier.classes_, present).argmax(axis=1)
    slices = Slices.of(face_properties(index, sharpness(pixels)), np.array(present)[right] == index["emotion"])
    save_png(slice_accuracy(slices.table, f"{title}, {describe_worst(slices)}"), plot)
    figures["training"] |= sets.figures | {"coverage_by_class": sets.by_class} | slices.to_json()
    return figures


def _scores(answers: Answers, labels: np.ndarray, chosen: list[str]) -> dict[str, Any]:
    """Return figures where the network chooses among some classes. labels: among all of its classes."""
    classes = answers.classifier.classes_
    plain, calibrated, tta = (
        metrics.restrict_classes(rows, classes, chosen) for rows in (answers.plain, answers.calibrated, answers.tta)
    )
    own = np.array([chosen.index(name) if name in chosen else -1 for name in classes])[labels]
    scores = metrics.network_scores(own, plain, chosen, answers.classifier.temperature, tta=tta, calibrated=calibrated)
    by_class = metrics.per_class(own, tta, chosen)
    prior = {} if answers.prior is None else {"prior": describe_shares(classes, answers.prior)}
    return {
        "images": len(labels),
        **{name: scores[name] for name in _KEPT},
        **prior,
        "recall_tta": {name: row["recall"] for name, row in by_class.items() if row["support"]},
    }


if __name__ == "__main__":
    main()
