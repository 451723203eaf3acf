"""The predictions of a network for the images of one split of a source."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien._io.errors import InputError
from mien._io.parallel import Executor
from mien._io.quiet import quiet_reading
from mien.data.image_stats import sharpness
from mien.data.label_notes import label_notes
from mien.data.labels import LabelNames
from mien.data.leaks import find_leaks
from mien.data.readers.source import Batch, Columns, Entry, Source, concatenate_columns, map_batches
from mien.emotions.label_sets import Merge
from mien.evaluation import scoring
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.tta import Tta
from mien.splits import SPLITS

#: The split that contains every image of a source.
ALL = "all"


@dataclass(frozen=True)
class Predictions:
    """The predictions of a network for the images of one split of a source.

    Attributes:
        split: train, validation, test or all.
        index: one row per image of all splits, with the columns of `read_images`, sharpness, and dropped (NaN for the
            images that count).
        labels: what names of folders and cells mean.
        truth: the classes of the images that count.
        probabilities: for these images, not calibrated, float32 (N, classes); and, if wanted, with test-time
            augmentation, calibrated.
    """

    split: str
    index: pd.DataFrame
    labels: LabelNames
    truth: scoring.TruthCollector
    probabilities: list[np.ndarray]

    def unreadable(self) -> list[str]:
        return list(self.index.loc[self.index["dropped"] == "unreadable", "origin"])

    def leaks(self) -> np.ndarray | None:
        """Tell which of these images are also in another split, bool (N,); None if there is no other split."""
        if not (self.index["dropped"] == "other_split").any():
            return None
        return find_leaks(self.index, self.split)

    def notes(self) -> list[str]:
        notes = self.label_notes()
        if unreadable := self.unreadable():
            notes.append(f"{len(unreadable):,} unreadable images left out, the first is {unreadable[0]}")
        return notes

    def counted_labels(self) -> Counter[str]:
        """Return the number of images by label, including classes that the network does not know."""
        rows = self.index["dropped"].isna() | (self.index["dropped"] == "other_class")
        return Counter(self.index.loc[rows, "emotion"])

    def unlabelled(self) -> int:
        return int((self.index["dropped"] == "unknown_label").sum())

    def label_notes(self) -> list[str]:
        return label_notes(self.index.loc[self.index["dropped"] == "unknown_label", "emotion"], self.labels)


class _BatchPredictions(NamedTuple):
    """The predictions for a batch.

    Attributes:
        split: the split that counts.
        columns: the columns of an index; dropped tells why an image does not count, "" if it counts.
        probabilities: see `Predictions`.
    """

    split: str
    columns: Columns
    probabilities: list[np.ndarray]


@dataclass(frozen=True)
class BatchPredictor:
    """Classifies the images of a batch that are in a split.

    Attributes:
        classifier: the network.
        split: the split to classify; None for test if the source names splits, else all.
        tta: test-time augmentation for a second classification.
        labels: what names of folders and cells mean.
        merge: groups of labels that form one class each.
    """

    classifier: FaceClassifier
    split: str | None
    tta: Tta
    labels: LabelNames
    merge: Merge

    @cached_property
    def classes(self) -> list[str]:
        """The classes of the network after merging."""
        return self.merge.classes_of(self.classifier.classes_)

    def split_of(self, entries: Sequence[Entry]) -> str:
        """Return the split that counts. If a source names splits, each image has one."""
        return self.split or ("test" if entries[0].split else ALL)

    def __call__(self, _: int, batch: Batch) -> _BatchPredictions:
        split = self.split_of(batch.entries)
        width = batch.measures[:, 0]
        images = zip(batch.entries, batch.hashes, np.isfinite(width), strict=True)
        dropped = [self._dropped(split, *image) for image in images]
        pixels = batch.pixels[[not reason for reason in dropped]]
        modes: tuple[Tta, ...] = ("none",) if self.tta == "none" else ("none", self.tta)
        probabilities = [self.classifier.predict_proba(pixels, tta=tta, calibrated=tta != "none") for tta in modes]
        columns = {**batch.columns(), "dropped": dropped, "sharpness": sharpness(batch.pixels)}
        return _BatchPredictions(split, columns, probabilities)

    def _dropped(self, split: str, entry: Entry, digest: str, is_readable: bool) -> str:
        if split not in (ALL, entry.split):
            return "other_split"
        if not digest:
            return "no_face" if is_readable else "unreadable"
        if self.merge.class_of(entry.emotion) in self.classes:
            return ""
        return "other_class" if entry.emotion in self.labels.names else "unknown_label"


def predict(source: Source, batch_predictor: BatchPredictor, executor: Executor) -> Predictions:
    """Classify the images of a split. Only the predictions are kept in memory."""
    truth = scoring.TruthCollector(batch_predictor.classes, "image")
    columns: list[Columns] = []
    probabilities: list[list[np.ndarray]] = []
    with quiet_reading(), tqdm(total=source.total, desc="scoring", unit=" images", disable=None, delay=2) as progress:
        for batch in map_batches(source, batch_predictor.classifier.size, batch_predictor, executor):
            columns.append(batch.columns)
            probabilities.append(batch.probabilities)
            progress.update(len(batch.columns["dropped"]))
    index = concatenate_columns(columns)
    labels = index.loc[index["dropped"].isin(["", "other_class"]), "emotion"]
    truth.add(labels.map(batch_predictor.merge.class_of).to_numpy())
    if (index["dropped"] == "other_split").all():
        splits = ", ".join(sorted(set(index["split"].dropna()), key=SPLITS.index)) or "no split"
        raise InputError(
            f"{source.path}: found images of {splits}, expected some of {batch.split}; --split selects others, or {ALL}"
        )
    index["dropped"] = index["dropped"].replace("", np.nan)
    by_mode = [np.concatenate(batches) for batches in zip(*probabilities, strict=True)]
    return Predictions(batch.split, index, batch_predictor.labels, truth, by_mode)
