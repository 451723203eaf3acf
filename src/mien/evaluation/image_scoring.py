"""Scores a network on a source of labelled images (`mien score`)."""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mien._io import parallel
from mien._io.errors import InputError, note, within
from mien._io.urls import Location, Url
from mien.config import ExecutorName
from mien.data import fer2013
from mien.data.faces import face_notes
from mien.data.labels import LabelNames
from mien.data.readers import open_source
from mien.data.readers.csv_search import is_image_table
from mien.data.readers.packed_files import packing_of
from mien.data.readers.table import image_table
from mien.emotions.label_sets import Merge
from mien.evaluation import metrics, scoring
from mien.evaluation.answers import Answers, check_options
from mien.evaluation.gate import Gate, check_margin
from mien.evaluation.image_predictions import ALL, BatchPredictor, Predictions, predict
from mien.evaluation.image_table import table_properties
from mien.evaluation.label_errors import doubtful_labels
from mien.evaluation.slices import Slices, cut, describe_worst, face_properties
from mien.inference.faces.face_crops import NO_SEARCH, FaceSearch
from mien.inference.faces.portraits import portrait_notes
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.priors import Prior, describe_shares
from mien.inference.networks.tta import Tta
from mien.plots.png import save_png
from mien.plots.scores import slice_accuracy


def holds_images(path: Location) -> bool:
    """Tell whether `path` is a source of images: a folder, a zip, a table of images or of their paths, or a URL.

    Raises:
        InputError: its compression is not supported, so its content is unknown.
    """
    if isinstance(path, Url) or path.is_dir() or path.suffix.lower() == ".zip":
        return True
    if not path.is_file():  # because a pipe can be read only once
        return False
    try:
        if kind := packing_of(path):
            raise InputError(f"{path}: is {kind}, which mien does not read; unpack or convert it")
        return zipfile.is_zipfile(path) or is_image_table(path) or image_table(path) is not None
    except OSError:
        return False


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


class Against(NamedTuple):
    """A network of the same classes to compare with, and the share of images that the measured one may lose."""

    classifier: FaceClassifier
    margin: float

    def check(self, classifier: FaceClassifier) -> None:
        """Raise InputError if the other network has other classes, or if the margin is not a share."""
        check_margin(self.margin)
        if sorted(classifier.classes_) != sorted(self.classifier.classes_):
            raise InputError(
                f"the network to compare with: found classes {', '.join(self.classifier.classes_)}, expected those of "
                f"the other one: {', '.join(classifier.classes_)}"
            )


def score(
    path: Location,
    classifier: FaceClassifier,
    options: ImageScoring,
    *,
    against: Against | None = None,
    as_json: bool = False,
    label_errors: Path | None = None,
    slices_plot: Path | None = None,
) -> Gate | None:
    """Print how well a classifier does on the labelled images of a source. Notes go to stderr.

    Unreadable images, images in which a detector finds no face, and images of a class that the classifier does not know
    are left out. Classes without a labelled image cannot be chosen, unless `all_classes`.

    Args:
        path: what `open_source` opens.
        classifier: the network to measure, with the prior "training".
        options: what to measure, and how.
        against: another network to compare with, see `Gate`.
        as_json: print JSON instead of text.
        label_errors: a CSV to write, with the labels that the network doubts, see `doubtful_labels`.
        slices_plot: a PNG to write, with accuracy by slices.

    Returns:
        The comparison with the other network; None if there is no other network.

    Raises:
        InputError: the source is damaged, or has no usable image in the split; the detector is not installed; a group
            of `merge` has no image or no class; the prior cannot be used; or the other network has other classes.
    """
    if against:
        against.check(classifier)
    answered = _answer(path, classifier, options)
    gate = _compare(path, answered, against, options) if against else None
    predictions, truth, plain = answered.predictions, answered.truth, answered.plain
    figures = metrics.network_scores(
        truth.labels,
        plain,
        truth.classes,
        classifier.temperature,
        tta=answered.tta,
        leaks=predictions.leaks(),
        calibrated=answered.calibrated,
    )
    per_class = metrics.per_class(truth.labels, plain, truth.classes)
    if options.coverage is not None:
        labels_of_all = np.array([classifier.classes_.index(name) for name in truth.classes])[truth.labels]
        sets = answered.answers.measure_sets(labels_of_all, options.coverage)
        figures |= sets.figures
        for name, share in sets.by_class.items():
            per_class[name]["coverage"] = share
    measured = answered.measured
    slices = Slices.of(_properties(measured, options), answered.right) if options.slices else None
    if slices and slices_plot:
        save_png(slice_accuracy(slices.table, describe_worst(slices)), slices_plot)
    if label_errors:
        doubtful = doubtful_labels(measured, truth.labels, answered.best, truth.classes)
        doubtful.to_csv(label_errors, index=False)
        note(f"{path}: {len(doubtful):,} of {len(truth.labels):,} labels are doubtful and listed; none was changed")
        if predictions.split in ("train", ALL):
            note(f"{path}: a network agrees with the labels that it was trained on, so errors among them are missed")
    index, prior = predictions.index, answered.answers.prior
    counts = {
        "split": predictions.split,
        "images": len(truth.labels),
        "left_out": predictions.truth.left_out.total() + predictions.unlabelled(),
        "unreadable": len(predictions.unreadable()),
        **({"no_face": int((index["dropped"] == "no_face").sum())} if "faces" in index else {}),
        "classes": truth.classes,
        **({} if prior is None else {"prior": describe_shares(classifier.classes_, prior)}),
    }
    scoring.print_figures(counts | figures, per_class, as_json, slices, gate)
    return gate


def compare(path: Location, classifier: FaceClassifier, against: Against, options: ImageScoring) -> Gate:
    """Compare a network with another one on the labelled images of a source. Notes go to stderr.

    Arguments and errors are those of `score`.
    """
    against.check(classifier)
    return _compare(path, _answer(path, classifier, options), against, options)


class _Answered(NamedTuple):
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
    def measured(self) -> pd.DataFrame:
        """The index rows of the images that count."""
        index = self.predictions.index
        return index[index["dropped"].isna()]


def _answer(path: Location, classifier: FaceClassifier, options: ImageScoring, *, quiet: bool = False) -> _Answered:
    """Let a network answer the images of a source. quiet: print no notes, because they were printed before."""
    labels, merge = options.labels or LabelNames.of({}, classes=classifier.classes_), options.merge
    _check_groups(merge, classifier)
    check_options(classifier, options.tta, options.prior, options.coverage)
    with open_source(path, labels, options.search.decoder()) as source, parallel.executor(options.executor) as run:
        batch_predictor = BatchPredictor(classifier, options.split, options.tta, labels, merge)
        predictions = predict(source, batch_predictor, run)
        index = predictions.index
        is_searched = options.search.detector != "none"
        portraits = [] if is_searched else portrait_notes(source, index[["width", "height"]].to_numpy())
    collector = predictions.truth
    counted = predictions.counted_labels()
    with within(f"{path}: --merge"):
        merge.check_used(counted, classifier.classes_)
    faces = face_notes(index[index["dropped"] != "other_split"], options.search.face)
    with within("; ".join([str(path), *faces, *predictions.label_notes()])):
        truth = collector.ground_truth(options.all_classes)
    notes = [*source.notes, *fer2013.describe(predictions.index, labels), *faces, *portraits]
    for text in [*notes, *predictions.notes(), *merge.notes(counted), *collector.notes(truth)]:
        if not quiet:
            note(f"{path}: {text}")

    def of_truth(rows: np.ndarray) -> np.ndarray:
        merged = merge.sum_columns(rows, classifier.classes_)
        return metrics.restrict_classes(merged, merge.classes_of(classifier.classes_), truth.classes)

    with within(path):
        answers = Answers.of(classifier, options.tta, predictions.probabilities, options.prior)
    tta = None if answers.tta is None else of_truth(answers.tta)
    return _Answered(predictions, truth, answers, of_truth(answers.plain), of_truth(answers.calibrated), tta)


def _compare(path: Location, answered: _Answered, against: Against, options: ImageScoring) -> Gate:
    other = _answer(path, against.classifier, options, quiet=True)
    labels, slices = answered.truth.labels, cut(_properties(answered.measured, options))[0]
    groups = {
        "accuracy": np.full(len(labels), True),
        **{f"recall of {answered.truth.classes[label]}": labels == label for label in np.unique(labels)},
        **{f"accuracy of {name}, {label}": images for (name, label), images in slices.items()},
    }
    gate = Gate.of(groups, answered.right, other.right, against.margin)
    for text in gate.notes():
        note(f"{path}: {text}")
    return gate


def _properties(index: pd.DataFrame, options: ImageScoring) -> pd.DataFrame:
    """Return the properties to slice images by. index: the images that count, with their sharpness."""
    properties = face_properties(index, index["sharpness"].to_numpy()).reset_index(drop=True)
    if not options.slice_by:
        return properties
    table = table_properties(options.slice_by, index["origin"])
    names = {name: f"{name} of the table" for name in table if name in properties}
    return properties.join(table.rename(columns=names))


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
