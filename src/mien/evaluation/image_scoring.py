"""What `mien score` does for images: a labelled source in, figures about a network out."""

import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien._io import parallel
from mien._io.errors import InputError, printable, within
from mien._io.parallel import Executor
from mien._io.quiet import quiet_decoders
from mien._io.urls import Location, Url
from mien.config import ExecutorName
from mien.data import fer2013
from mien.data.readers import Source, open_source
from mien.data.readers.source import Batch, Columns, Entry, concatenate_columns, map_batches
from mien.data.splits import SPLITS
from mien.evaluation import metrics, scoring
from mien.inference.face_classifier import FaceClassifier

#: The split that is every image of a source.
ALL = "all"

_MAX_HEADER = 2**17


def holds_images(path: Location) -> bool:
    """Tell whether `path` is a source of images: a folder, a zip, a CSV with a column `pixels`, or a URL."""
    if isinstance(path, Url) or path.is_dir() or path.suffix.lower() == ".zip":
        return True
    if not path.is_file():  # a pipe can be read only once
        return False
    try:
        with path.open("rb") as file:
            header = file.readline(_MAX_HEADER).decode("utf-8-sig", "replace")
            return zipfile.is_zipfile(file) or "pixels" in [name.strip(' "\r\n').lower() for name in header.split(",")]
    except OSError:
        return False


def score(
    path: Location,
    split: str | None,
    predictor: FaceClassifier,
    tta: bool,
    all_classes: bool,
    as_json: bool,
    where: ExecutorName = "local",
) -> None:
    """Print how well a predictor does on the labelled images of a source; notes go to stderr.

    Unreadable images, and those of an emotion that the predictor does not know, are left out. So are the predictor's
    emotions that occur among no labels, unless `all_classes`.

    Args:
        path: what `open_source` opens.
        split: train, validation, test or all; None for test where the source names splits, else all.
        tta: also measure the predictor with test-time augmentation.
        where: the images are read and the predictor is asked.

    Raises:
        InputError: the source is not sound, or has no image of the split, or none that counts.
    """
    with open_source(path) as source, parallel.executor(where) as executor:
        answers = _ask(source, _Question(predictor, split, tta), executor)
    truth = answers.truth
    with within(path):
        choice = truth.choice(all_classes)
    for note in [*source.notes, *fer2013.describe_splits(answers.index), *answers.notes(), *truth.notes(choice)]:
        print(printable(f"note: {path}: {note}"), file=sys.stderr)
    probabilities = [
        metrics.restrict_classes(each, predictor.classes_, choice.classes) for each in answers.probabilities
    ]
    figures = metrics.network_scores(
        choice.labels,
        probabilities[0],
        choice.classes,
        predictor.temperature,
        tta=probabilities[1] if tta else None,
        leaks=answers.leaks(),
    )
    of_source = {
        "split": answers.split,
        "images": len(choice.labels),
        "left_out": truth.left_out.total(),
        "unreadable": len(answers.unreadable()),
        "classes": choice.classes,
    }
    per_class = metrics.per_class(choice.labels, probabilities[0], choice.classes)
    scoring.show(of_source | figures, per_class, as_json)


@dataclass(frozen=True)
class _Answers:
    """What a network answered to the images of one split of a source.

    split: train, validation, test or all. index: a row an image of all splits; columns origin, emotion, split, hash
    and dropped (NaN for the images that count). truth: the emotions of the images that count. probabilities: of these,
    as the network says them, float32 (N, classes); the same with test-time augmentation, where they were asked for.
    """

    split: str
    index: pd.DataFrame
    truth: scoring.Truth
    probabilities: list[np.ndarray]

    def unreadable(self) -> list[str]:
        return list(self.index.loc[self.index["dropped"] == "unreadable", "origin"])

    def leaks(self) -> np.ndarray | None:
        """Tell which of the images that count also stand in another split, bool (N,); None where there is no other."""
        if not (self.index["dropped"] == "other_split").any():
            return None
        return metrics.find_leaks(self.index, self.split)

    def notes(self) -> list[str]:
        if not (unreadable := self.unreadable()):
            return []
        return [f"unreadable images left out, of which {unreadable[0]} is the first: {len(unreadable):,}"]


class _Answered(NamedTuple):
    """What a network answered to a batch, of which a split counts.

    columns: as an index has them. dropped is why an image does not count, "" where it does.
    """

    split: str
    columns: Columns
    probabilities: list[np.ndarray]


@dataclass(frozen=True)
class _Question:
    """What a network is asked about a batch. split: None for test where the source names splits, else all."""

    predictor: FaceClassifier
    split: str | None
    tta: bool

    def split_of(self, entries: Sequence[Entry]) -> str:
        """Return the split that counts; in a source that names splits, each image has one."""
        return self.split or ("test" if entries[0].split else ALL)

    def __call__(self, _: int, batch: Batch) -> _Answered:
        split = self.split_of(batch.entries)
        dropped = [self._dropped(split, *each) for each in zip(batch.entries, batch.hashes, strict=True)]
        pixels = batch.pixels[[not reason for reason in dropped]]
        ways = (False, True) if self.tta else (False,)
        answers = [self.predictor.predict_proba(pixels, tta=each, calibrated=False) for each in ways]
        return _Answered(split, {**batch.columns(), "dropped": dropped}, answers)

    def _dropped(self, split: str, entry: Entry, digest: str) -> str:
        if split not in (ALL, entry.split):
            return "other_split"
        if not digest:
            return "unreadable"
        return "" if entry.emotion in self.predictor.classes_ else "other_class"


def _ask(source: Source, question: _Question, executor: Executor) -> _Answers:
    """Ask a network about the images of a split. Of images that were asked about, only the answers stay in memory."""
    truth = scoring.Truth(question.predictor.classes_, "image")
    told: list[Columns] = []
    parts: list[list[np.ndarray]] = []
    with quiet_decoders(), tqdm(total=source.total, desc="scoring", unit=" images", disable=None, delay=2) as progress:
        for answered in map_batches(source, question.predictor.size, question, executor):
            told.append(answered.columns)
            parts.append(answered.probabilities)
            progress.update(len(answered.columns["dropped"]))
    index = concatenate_columns(told)
    truth.add(index.loc[index["dropped"].isin(["", "other_class"]), "emotion"].to_numpy())
    if (index["dropped"] == "other_split").all():
        found = ", ".join(sorted(set(index["split"].dropna()), key=SPLITS.index)) or "no split"
        raise InputError(
            f"{source.path}: found images of {found}, expected some of {answered.split}; --split names others, or {ALL}"
        )
    index["dropped"] = index["dropped"].replace("", np.nan)
    return _Answers(answered.split, index, truth, [np.concatenate(of_way) for of_way in zip(*parts, strict=True)])
