"""Scores a network on a source of labelled images (`mien score`)."""

import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien import plots
from mien._io import parallel
from mien._io.errors import InputError, note, within
from mien._io.parallel import Executor
from mien._io.quiet import quiet_reading
from mien._io.urls import Location, Url
from mien.config import ExecutorName
from mien.data import fer2013
from mien.data.faces import face_notes
from mien.data.image_stats import sharpness
from mien.data.labels import LabelNames, label_notes
from mien.data.readers import Source, open_source
from mien.data.readers.csv_forms import is_image_table, packing_of
from mien.data.readers.source import Batch, Columns, Entry, concatenate_columns, map_batches
from mien.data.readers.table import image_table
from mien.data.splits import SPLITS
from mien.emotions.label_sets import Merge
from mien.evaluation import metrics, scoring
from mien.evaluation.answers import Answers, check_options
from mien.evaluation.image_table import table_properties
from mien.evaluation.label_errors import doubtful_labels
from mien.evaluation.slices import Slices, describe_worst, face_properties
from mien.inference.face_classifier import FaceClassifier
from mien.inference.face_crops import NO_SEARCH, FaceSearch
from mien.inference.portraits import portrait_notes
from mien.inference.priors import Prior, describe_shares
from mien.inference.tta import Tta

#: The split that is every image of a source.
ALL = "all"


def holds_images(path: Location) -> bool:
    """Tell whether `path` is a source of images: a folder, a zip, a table of images or of their paths, or a URL.

    Raises:
        InputError: it is packed in a way that is not read, so that nothing tells.
    """
    if isinstance(path, Url) or path.is_dir() or path.suffix.lower() == ".zip":
        return True
    if not path.is_file():  # a pipe can be read only once
        return False
    try:
        if kind := packing_of(path):
            raise InputError(f"{path}: is {kind}, which is not read; unpack or convert it")
        return zipfile.is_zipfile(path) or is_image_table(path) or image_table(path) is not None
    except OSError:
        return False


@dataclass(frozen=True)
class ImageScoring:
    """How a network is measured on a source of images.

    Attributes:
        split: train, validation, test or all; None for test where the source names splits, else all.
        tta: test-time augmentation to measure with as well; "none" for no other measure.
        prior: how frequent each emotion is, see `mien.inference.priors`; "em" estimates it from the answers.
        coverage: also measure prediction sets, see `mien.inference.prediction_sets`; None for no sets.
        slices: also measure accuracy by slices, see `mien.evaluation.slices`.
        slice_by: a CSV about the images, whose columns are cut into slices, too.
        all_classes: whether the network may also choose classes that no image is labelled with.
        executor: where images are read and classified.
        labels: what names of folders and cells mean; needed where classes are no emotions.
        search: how faces are looked for in the images.
        merge: groups of labels that are measured as one class each; the probabilities of a group are summed.
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


def score(
    path: Location,
    classifier: FaceClassifier,
    options: ImageScoring,
    *,
    as_json: bool = False,
    label_errors: Path | None = None,
    slices_plot: Path | None = None,
) -> None:
    """Print how well a classifier does on the labelled images of a source; notes go to stderr.

    Unreadable images, those without a face where faces are looked for, and those of a class that the classifier does
    not know, are left out. So are the classifier's classes that no image is labelled with, unless `all_classes`.

    Args:
        path: what `open_source` opens.
        classifier: the network to measure, with the prior "training".
        options: what is measured, and how.
        as_json: print JSON instead of text.
        label_errors: a CSV to write, of the labels that the network doubts, see `doubtful_labels`.
        slices_plot: a PNG to write, of accuracy by slices.

    Raises:
        InputError: the source is damaged, or has no image of the split, or none that counts; the detector is not
            installed; a group of `merge` has no image or no class; or the prior cannot be used.
    """
    labels, merge = options.labels or LabelNames.of({}, classes=classifier.classes_), options.merge
    _check_groups(merge, classifier)
    check_options(classifier, options.tta, options.prior, options.coverage)
    with open_source(path, labels, options.search.decoder()) as source, parallel.executor(options.executor) as run:
        predictor = _BatchPredictor(classifier, options.split, options.tta, labels, merge, options.slices)
        predictions = _predict(source, predictor, run)
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
        note(f"{path}: {text}")

    def of_truth(rows: np.ndarray) -> np.ndarray:
        merged = merge.sum_columns(rows, classifier.classes_)
        return metrics.restrict_classes(merged, merge.classes_of(classifier.classes_), truth.classes)

    with within(path):
        answers = Answers.of(classifier, options.tta, predictions.probabilities, options.prior)
    plain, calibrated = of_truth(answers.plain), of_truth(answers.calibrated)
    tta = None if answers.tta is None else of_truth(answers.tta)
    figures = metrics.network_scores(
        truth.labels,
        plain,
        truth.classes,
        classifier.temperature,
        tta=tta,
        leaks=predictions.leaks(),
        calibrated=calibrated,
    )
    per_class = metrics.per_class(truth.labels, plain, truth.classes)
    if options.coverage is not None:
        labels_of_all = np.array([classifier.classes_.index(name) for name in truth.classes])[truth.labels]
        sets = answers.measure_sets(labels_of_all, options.coverage)
        figures |= sets.figures
        for name, share in sets.by_class.items():
            per_class[name]["coverage"] = share
    measured, best = index[index["dropped"].isna()], plain if tta is None else tta
    slices = _slices(measured, best.argmax(axis=1) == truth.labels, options) if options.slices else None
    if slices and slices_plot:
        plots.save(plots.slice_accuracy(slices.table, describe_worst(slices)), slices_plot)
    if label_errors:
        doubtful = doubtful_labels(measured, truth.labels, best, truth.classes)
        doubtful.to_csv(label_errors, index=False)
        note(f"{path}: {len(doubtful):,} of {len(truth.labels):,} labels are doubtful and listed; none was changed")
        if predictions.split in ("train", ALL):
            note(f"{path}: a network agrees with labels that it has learnt, so that errors among those are missed")
    counts = {
        "split": predictions.split,
        "images": len(truth.labels),
        "left_out": collector.left_out.total() + predictions.unlabelled(),
        "unreadable": len(predictions.unreadable()),
        **({"no_face": int((index["dropped"] == "no_face").sum())} if "faces" in index else {}),
        "classes": truth.classes,
        **({} if answers.prior is None else {"prior": describe_shares(classifier.classes_, answers.prior)}),
    }
    scoring.print_figures(counts | figures, per_class, as_json, slices)


def _slices(index: pd.DataFrame, right: np.ndarray, options: ImageScoring) -> Slices:
    """Measure slices of the images that count. index: of these, with their sharpness."""
    properties = face_properties(index, index["sharpness"].to_numpy()).reset_index(drop=True)
    if options.slice_by:
        table = table_properties(options.slice_by, index["origin"])
        names = {name: f"{name} of the table" for name in table if name in properties}
        properties = properties.join(table.rename(columns=names))
    return Slices.of(properties, right)


def _check_groups(merge: Merge, classifier: FaceClassifier) -> None:
    """Raise InputError where the network has no class of a group, or groups leave one class only."""
    classes = merge.classes_of(classifier.classes_)
    for group, labels in merge.groups.items():
        if group not in classes:
            raise InputError(
                f"--merge: found {group}={'+'.join(labels)}, expected a class of the network: "
                f"{', '.join(classifier.classes_)}"
            )
    if merge.groups and len(classes) < 2:
        raise InputError(f"--merge: found one class, {classes[0]}, after merging, expected at least two")


@dataclass(frozen=True)
class _Predictions:
    """The predictions of a network for the images of one split of a source.

    Attributes:
        split: train, validation, test or all.
        index: one row per image of all splits; columns as `read_images` has them, and dropped (NaN for the images that
            count).
        labels: what names of folders and cells mean.
        truth: the classes of the images that count.
        probabilities: of these, not calibrated, float32 (N, classes); then, where wanted, with test-time augmentation,
            calibrated.
    """

    split: str
    index: pd.DataFrame
    labels: LabelNames
    truth: scoring.TruthCollector
    probabilities: list[np.ndarray]

    def unreadable(self) -> list[str]:
        return list(self.index.loc[self.index["dropped"] == "unreadable", "origin"])

    def leaks(self) -> np.ndarray | None:
        """Tell which of the images that count are also in another split, bool (N,); None where there is no other."""
        if not (self.index["dropped"] == "other_split").any():
            return None
        return metrics.find_leaks(self.index, self.split)

    def notes(self) -> list[str]:
        notes = self.label_notes()
        if unreadable := self.unreadable():
            notes.append(f"unreadable images left out, of which {unreadable[0]} is the first: {len(unreadable):,}")
        return notes

    def counted_labels(self) -> Counter[str]:
        """Count the images that count, or that are of a class that the network does not know, by label."""
        rows = self.index["dropped"].isna() | (self.index["dropped"] == "other_class")
        return Counter(self.index.loc[rows, "emotion"])

    def unlabelled(self) -> int:
        return int((self.index["dropped"] == "unknown_label").sum())

    def label_notes(self) -> list[str]:
        return label_notes(self.index.loc[self.index["dropped"] == "unknown_label", "emotion"], self.labels)


class _BatchPredictions(NamedTuple):
    """The predictions for a batch.

    Attributes:
        split: the one that counts.
        columns: as an index has them; dropped is why an image does not count, "" where it does.
        probabilities: see `_Predictions`.
    """

    split: str
    columns: Columns
    probabilities: list[np.ndarray]


@dataclass(frozen=True)
class _BatchPredictor:
    """Classifies the images of a batch that are in a split.

    Attributes:
        classifier: the network.
        split: None for test where the source names splits, else all.
        tta: test-time augmentation to classify with as well.
        labels: what names of folders and cells mean.
        merge: groups of labels that are one class each.
        slices: whether sharpness is measured, too.
    """

    classifier: FaceClassifier
    split: str | None
    tta: Tta
    labels: LabelNames
    merge: Merge
    slices: bool

    @cached_property
    def classes(self) -> list[str]:
        """The classes that the network tells apart, after merging."""
        return self.merge.classes_of(self.classifier.classes_)

    def split_of(self, entries: Sequence[Entry]) -> str:
        """Return the split that counts; in a source that names splits, each image has one."""
        return self.split or ("test" if entries[0].split else ALL)

    def __call__(self, _: int, batch: Batch) -> _BatchPredictions:
        split = self.split_of(batch.entries)
        width = batch.measures[:, 0]
        images = zip(batch.entries, batch.hashes, np.isfinite(width), strict=True)
        dropped = [self._dropped(split, *image) for image in images]
        pixels = batch.pixels[[not reason for reason in dropped]]
        modes: tuple[Tta, ...] = ("none",) if self.tta == "none" else ("none", self.tta)
        probabilities = [self.classifier.predict_proba(pixels, tta=tta, calibrated=tta != "none") for tta in modes]
        measured = {"sharpness": sharpness(batch.pixels)} if self.slices else {}
        return _BatchPredictions(split, {**batch.columns(), "dropped": dropped, **measured}, probabilities)

    def _dropped(self, split: str, entry: Entry, digest: str, is_readable: bool) -> str:
        if split not in (ALL, entry.split):
            return "other_split"
        if not digest:
            return "no_face" if is_readable else "unreadable"
        if self.merge.class_of(entry.emotion) in self.classes:
            return ""
        return "other_class" if entry.emotion in self.labels.names else "unknown_label"


def _predict(source: Source, predictor: _BatchPredictor, executor: Executor) -> _Predictions:
    """Classify the images of a split. Only the predictions stay in memory."""
    truth = scoring.TruthCollector(predictor.classes, "image")
    columns: list[Columns] = []
    probabilities: list[list[np.ndarray]] = []
    with quiet_reading(), tqdm(total=source.total, desc="scoring", unit=" images", disable=None, delay=2) as progress:
        for batch in map_batches(source, predictor.classifier.size, predictor, executor):
            columns.append(batch.columns)
            probabilities.append(batch.probabilities)
            progress.update(len(batch.columns["dropped"]))
    index = concatenate_columns(columns)
    labels = index.loc[index["dropped"].isin(["", "other_class"]), "emotion"]
    truth.add(labels.map(predictor.merge.class_of).to_numpy())
    if (index["dropped"] == "other_split").all():
        splits = ", ".join(sorted(set(index["split"].dropna()), key=SPLITS.index)) or "no split"
        raise InputError(
            f"{source.path}: found images of {splits}, expected some of {batch.split}; --split names others, or {ALL}"
        )
    index["dropped"] = index["dropped"].replace("", np.nan)
    by_mode = [np.concatenate(batches) for batches in zip(*probabilities, strict=True)]
    return _Predictions(batch.split, index, predictor.labels, truth, by_mode)
