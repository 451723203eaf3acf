"""A network's answers for the labelled images of a source."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mien._io import parallel
from mien._io.errors import InputError, noting, within
from mien._io.urls import Location
from mien.config import ExecutorName
from mien.data import fer2013
from mien.data.faces import face_notes
from mien.data.labels import LabelNames
from mien.data.readers.opening import open_source
from mien.emotions.label_sets import Merge
from mien.evaluation import metrics, scoring
from mien.evaluation.answers import Answers, check_options
from mien.evaluation.image_predictions import BatchPredictor, Predictions, predict
from mien.evaluation.image_table import table_properties
from mien.evaluation.slices import face_properties
from mien.inference.faces.face_crops import NO_SEARCH, FaceSearch
from mien.inference.faces.portraits import portrait_notes
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.priors import Prior
from mien.inference.networks.tta import Tta


@dataclass(frozen=True)
class ImageScoring:
    """How a network is measured on a source of images.

    Attributes:
        split: train, validation, test or all; None for test if the source names splits, else all.
        tta: test-time augmentation to measure in addition; "none" for no second measurement.
        prior: how frequent each emotion is, see `mien.inference.networks.priors`; "em" estimates it from the answers.
        coverage: also measure prediction sets, see `mien.inference.networks.prediction_sets`; None for no sets.
        slices: also measure accuracy by slices, see `mien.evaluation.slices`.
        slice_by: a CSV about the images, whose columns become slices, too.
        all_classes: whether the network may also choose classes without a labelled image.
        executor: where images are read and classified.
        labels: what names of folders and cells mean; needed if classes are not emotions.
        search: how to find faces in the images.
        merge: groups of labels to measure as one class each; the probabilities of a group are summed.
    """

    split: str | None = None
    tta: Tta = "none"
    prior: Prior | str = "training"
    coverage: float | None = None
    slices: bool = False
    slice_by: Path | None = None
    all_classes: bool = False
    executor: ExecutorName = "local"
    labels: LabelNames | None = None
    search: FaceSearch = NO_SEARCH
    merge: Merge = field(default_factory=Merge)


class ImageAnswers(NamedTuple):
    """A network's answers for the images that count.

    Attributes:
        predictions: of all its classes.
        truth: the classes that it may choose from, and the labels.
        answers: see `Answers`.
        plain, calibrated, tta: those of `answers` for the classes of `truth`, float (N, classes).
    """

    predictions: Predictions
    truth: scoring.GroundTruth
    answers: Answers
    plain: np.ndarray
    calibrated: np.ndarray
    tta: np.ndarray | None

    @property
    def best(self) -> np.ndarray:
        """The probabilities with test-time augmentation if requested, else without."""
        return self.plain if self.tta is None else self.tta

    @property
    def right(self) -> np.ndarray:
        """Whether each image is read as labelled, bool (N,)."""
        return np.equal(self.best.argmax(axis=1), self.truth.labels)

    @property
    def rows(self) -> pd.DataFrame:
        """The index rows of the images that count."""
        index = self.predictions.index
        return index[index["dropped"].isna()]

    def properties(self, slice_by: Path | None) -> pd.DataFrame:
        """Return the properties to slice the images by, one row per image.

        slice_by: a CSV about the images, whose columns are properties, too.
        """
        properties = face_properties(self.rows, self.rows["sharpness"].to_numpy()).reset_index(drop=True)
        if not slice_by:
            return properties
        table = table_properties(slice_by, self.rows["origin"])
        names = {name: f"{name} of the table" for name in table if name in properties}
        return properties.join(table.rename(columns=names))


def answer_images(
    path: Location, classifier: FaceClassifier, options: ImageScoring, *, quiet: bool = False
) -> ImageAnswers:
    """Let a network answer the images of a source.

    Args:
        path: what `open_source` opens.
        classifier: the network, with the prior "training".
        options: which images, and how.
        quiet: print no notes, because they were printed before.

    Raises:
        InputError: see `mien.evaluation.image_scoring.score`.
    """
    labels = options.labels or LabelNames.of({}, classes=classifier.classes_)
    _check_groups(options.merge, classifier)
    check_options(classifier, options.tta, options.prior, options.coverage)
    with noting(path) as notes:
        predictions, source_notes = _predict(path, classifier, options, labels)
        notes += [] if quiet else source_notes
        truth, truth_notes = _ground_truth(path, classifier, options, predictions)
        notes += [] if quiet else truth_notes
    with within(path):
        answers = Answers.of(classifier, options.tta, predictions.probabilities, options.prior)

    def of_truth(rows: np.ndarray) -> np.ndarray:
        merged = options.merge.sum_columns(rows, classifier.classes_)
        return metrics.restrict_classes(merged, options.merge.classes_of(classifier.classes_), truth.classes)

    tta = None if answers.tta is None else of_truth(answers.tta)
    return ImageAnswers(predictions, truth, answers, of_truth(answers.plain), of_truth(answers.calibrated), tta)


def _predict(
    path: Location, classifier: FaceClassifier, options: ImageScoring, labels: LabelNames
) -> tuple[Predictions, list[str]]:
    """Return the predictions for the images of a source, and notes on the source."""
    with open_source(path, labels, options.search.decoder()) as source, parallel.executor(options.executor) as run:
        batch_predictor = BatchPredictor(classifier, options.split, options.tta, labels, options.merge)
        predictions = predict(source, batch_predictor, run)
        sizes = predictions.index[["width", "height"]].to_numpy()
        portraits = [] if options.search.detector != "none" else portrait_notes(source, sizes)
    return predictions, [*source.notes, *fer2013.describe(predictions.index, labels), *portraits]


def _ground_truth(
    path: Location, classifier: FaceClassifier, options: ImageScoring, predictions: Predictions
) -> tuple[scoring.GroundTruth, list[str]]:
    """Return the labels of the images that count, and notes on what was left out."""
    merge, collector, counted = options.merge, predictions.truth, predictions.counted_labels()
    with within(f"{path}: --merge"):
        merge.check_used(counted, classifier.classes_)
    index = predictions.index
    faces = face_notes(index[index["dropped"] != "other_split"], options.search.face)
    with within("; ".join([str(path), *faces, *predictions.label_notes()])):
        truth = collector.ground_truth(options.all_classes)
    return truth, [*faces, *predictions.notes(), *merge.notes(counted), *collector.notes(truth)]


def _check_groups(merge: Merge, classifier: FaceClassifier) -> None:
    """Raise InputError if the network has no class of a group, or if groups leave only one class."""
    classes = merge.classes_of(classifier.classes_)
    for group, labels in merge.groups.items():
        if group not in classes:
            raise InputError(
                f"--merge: found {group}={'+'.join(labels)}, expected a class of the network: "
                f"{', '.join(classifier.classes_)}"
            )
    if merge.groups and len(classes) < 2:
        raise InputError(f"--merge: found one class, {classes[0]}, after merging, expected at least two")
