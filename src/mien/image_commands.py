"""What `mien score` does for images: a labelled source in, figures about a network out."""

import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien import evaluation, scoring
from mien.errors import InputError, within
from mien.image_predictor import ImagePredictor
from mien.images import official
from mien.images.sources import Source, open_source
from mien.images.sources.source import Entry
from mien.quiet import quiet_opencv
from mien.splits import SPLITS

#: The split that is every image of a source.
ALL = "all"

_LONGEST_HEADER = 2**17


def holds_images(path: Path) -> bool:
    """Tell whether `path` is a source of images: a folder, a zip, or a CSV with a column `pixels`."""
    if path.is_dir() or path.suffix.lower() == ".zip":
        return True
    if not path.is_file():  # a pipe can be read only once
        return False
    try:
        with path.open("rb") as file:
            header = file.readline(_LONGEST_HEADER).decode("utf-8-sig", "replace")
            return zipfile.is_zipfile(file) or "pixels" in [name.strip(' "\r\n').lower() for name in header.split(",")]
    except OSError:
        return False


def score(
    path: Path, split: str | None, predictor: ImagePredictor, views: bool, all_classes: bool, as_json: bool
) -> None:
    """Print how well a predictor does on the labelled images of a source; notes go to stderr.

    Unreadable images, and those of an emotion that the predictor does not know, are left out. So are the predictor's
    emotions that occur among no labels, unless `all_classes`.

    Args:
        path: what `open_source` opens.
        split: train, validation, test or all; None for test where the source names splits, else all.
        views: also measure the predictor with its answers to test-time views averaged.

    Raises:
        InputError: the source is not sound, or has no image of the split, or none that counts.
    """
    with open_source(path) as source:
        answers = _ask(source, split, predictor, views)
    truth = answers.truth
    with within(path):
        choice = truth.choice(all_classes)
    for note in [*source.notes, *official.notes(answers.index), *answers.notes(), *truth.notes(choice)]:
        print(f"note: {path}: {note}", file=sys.stderr)
    probabilities = [evaluation.among(each, predictor.classes, choice.classes) for each in answers.probabilities]
    figures = evaluation.network_scores(
        choice.labels,
        probabilities[0],
        choice.classes,
        predictor.temperature,
        with_views=probabilities[1] if views else None,
        leaks=answers.leaks(),
    )
    of_source = {
        "split": answers.split,
        "images": len(choice.labels),
        "left_out": truth.left_out.total(),
        "unreadable": len(answers.unreadable()),
        "classes": choice.classes,
    }
    per_class = evaluation.per_class(choice.labels, probabilities[0], choice.classes)
    scoring.show(of_source | figures, per_class, as_json)


@dataclass(frozen=True)
class _Answers:
    """What a network answered to the images of one split of a source.

    split: train, validation, test or all. index: a row an image of all splits; columns origin, emotion, split, hash
    and dropped (NaN for the images that count). truth: the emotions of the images that count. probabilities: of these,
    as the network says them, float32 (N, classes); the same with test-time views, where they were asked for.
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
        return evaluation.leaked(self.index, self.split)

    def notes(self) -> list[str]:
        if not (unreadable := self.unreadable()):
            return []
        return [f"unreadable images left out, of which {unreadable[0]} is the first: {len(unreadable):,}"]


def _ask(source: Source, split: str | None, predictor: ImagePredictor, views: bool) -> _Answers:
    """Ask a network about the images of a split. Of images that were asked about, only the answers stay in memory."""
    truth = scoring.Truth(predictor.classes, "image")
    tables: list[pd.DataFrame] = []
    parts: list[list[np.ndarray]] = []
    ways = (False, True) if views else (False,)
    with quiet_opencv(), tqdm(total=source.total, desc="scoring", unit=" images", disable=None, delay=2) as progress:
        for batch in source.batches(predictor.size):
            table = pd.DataFrame(batch.entries, columns=Entry._fields).assign(hash=batch.hashes)
            split = split or ("test" if table["split"].notna().any() else ALL)
            measured = (table["split"] == split) if split != ALL else pd.Series(True, index=table.index)
            readable = measured & (table["hash"] != "")
            known = truth.add(table.loc[readable, "emotion"].to_numpy())
            counts = np.flatnonzero(readable)[known]
            table["dropped"] = np.where(measured, np.where(readable, "other_class", "unreadable"), "other_split")
            table.loc[counts, "dropped"] = np.nan
            tables.append(table)
            pixels = batch.pixels[counts]
            parts.append([predictor.predict_proba(pixels, views=each, calibrated=False) for each in ways])
            progress.update(len(table))
    index = pd.concat(tables, ignore_index=True)
    if (index["dropped"] == "other_split").all():
        found = ", ".join(sorted(set(index["split"].dropna()), key=SPLITS.index)) or "no split"
        raise InputError(
            f"{source.path}: found images of {found}, expected some of {split}; --split names others, or {ALL}"
        )
    return _Answers(split or ALL, index, truth, [np.concatenate(of_way) for of_way in zip(*parts, strict=True)])
