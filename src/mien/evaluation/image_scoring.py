"""Scores a network on a source of labelled images (`mien score`)."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mien._io.errors import InputError, note
from mien._io.urls import Location
from mien.evaluation import metrics, scoring
from mien.evaluation.gate import Gate, check_margin
from mien.evaluation.image_answers import ImageAnswers, ImageScoring, answer_images
from mien.evaluation.image_predictions import ALL
from mien.evaluation.label_errors import doubtful_labels
from mien.evaluation.slices import Slices, cut, describe_worst
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.priors import describe_shares
from mien.plots.png import save_png
from mien.plots.scores import slice_accuracy


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
    answered = answer_images(path, classifier, options)
    gate = _compare(path, answered, against, options) if against else None
    figures, per_class = _measure(answered, classifier, options.coverage)
    slices = Slices.of(answered.properties(options.slice_by), answered.right) if options.slices else None
    if slices and slices_plot:
        save_png(slice_accuracy(slices.table, describe_worst(slices)), slices_plot)
    if label_errors:
        _write_label_errors(label_errors, path, answered)
    scoring.print_figures(_counts(answered, classifier) | figures, per_class, as_json, slices, gate)
    return gate


def compare(path: Location, classifier: FaceClassifier, against: Against, options: ImageScoring) -> Gate:
    """Compare a network with another one on the labelled images of a source. Notes go to stderr.

    Arguments and errors are those of `score`.
    """
    against.check(classifier)
    return _compare(path, answer_images(path, classifier, options), against, options)


def _compare(path: Location, answered: ImageAnswers, against: Against, options: ImageScoring) -> Gate:
    other = answer_images(path, against.classifier, options, quiet=True)
    labels, slices = answered.truth.labels, cut(answered.properties(options.slice_by))[0]
    groups = {
        "accuracy": np.full(len(labels), True),
        **{f"recall of {answered.truth.classes[label]}": labels == label for label in np.unique(labels)},
        **{f"accuracy of {name}, {label}": images for (name, label), images in slices.items()},
    }
    gate = Gate.of(groups, answered.right, other.right, against.margin)
    for text in gate.notes():
        note(f"{path}: {text}")
    return gate


def _measure(
    answered: ImageAnswers, classifier: FaceClassifier, coverage: float | None
) -> tuple[dict[str, float], metrics.PerClass]:
    """Return the figures in total and by class, with those of prediction sets if there is a `coverage`."""
    truth = answered.truth
    figures = metrics.network_scores(
        truth.labels,
        answered.plain,
        truth.classes,
        classifier.temperature,
        tta=answered.tta,
        leaks=answered.predictions.leaks(),
        calibrated=answered.calibrated,
    )
    per_class = metrics.per_class(truth.labels, answered.plain, truth.classes)
    if coverage is not None:
        labels_of_all = np.array([classifier.classes_.index(name) for name in truth.classes])[truth.labels]
        sets = answered.answers.measure_sets(labels_of_all, coverage)
        figures |= sets.figures
        for name, share in sets.by_class.items():
            per_class[name]["coverage"] = share
    return figures, per_class


def _counts(answered: ImageAnswers, classifier: FaceClassifier) -> dict[str, Any]:
    """Return what was measured: the split, the numbers of images, the classes and, if it was changed, the prior."""
    predictions, index, prior = answered.predictions, answered.predictions.index, answered.answers.prior
    return {
        "split": predictions.split,
        "images": len(answered.truth.labels),
        "left_out": predictions.truth.left_out.total() + predictions.unlabelled(),
        "unreadable": len(predictions.unreadable()),
        **({"no_face": int((index["dropped"] == "no_face").sum())} if "faces" in index else {}),
        "classes": answered.truth.classes,
        **({} if prior is None else {"prior": describe_shares(classifier.classes_, prior)}),
    }


def _write_label_errors(output: Path, path: Location, answered: ImageAnswers) -> None:
    truth = answered.truth
    doubtful = doubtful_labels(answered.rows, truth.labels, answered.best, truth.classes)
    doubtful.to_csv(output, index=False)
    note(f"{path}: {len(doubtful):,} of {len(truth.labels):,} labels are doubtful and listed; none was changed")
    if answered.predictions.split in ("train", ALL):
        note(f"{path}: a network agrees with the labels that it was trained on, so errors among them are missed")
