"""Compare the labels that a network doubts with the votes of ten taggers: FER2013 and FER+.

mien score fer2013.zip --model mien --split test --label-errors doubtful.csv
python benchmarks/label_errors.py doubtful.csv --zip fer2013.zip --votes fer2013new.csv [--output FOLDER]
python benchmarks/label_errors.py --folds 5 --zip fer2013.zip --votes fer2013new.csv [--split train] [--output FOLDER]

Prints how often more than half of the taggers choose another emotion than the label, for doubtful labels and for the
others of PublicTest. If no list is given, the labels of a split are cross-validated, as `prepare_fer.label_error_folds`
does: PublicTest, on whose labels `mien_wild` was not trained, or Training. --output keeps the figures.
"""

import argparse
import json
import re
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from mien.data import audit, near_duplicates
from mien.data.arrays import Images
from mien.data.pixel_file import PixelFile, read_images
from mien.data.readers.opening import open_source
from mien.evaluation.label_errors import out_of_fold_errors

CHOICES = {
    "neutral": "neutral", "happiness": "happy", "surprise": "surprise", "sadness": "sad", "anger": "angry",
    "disgust": "disgust", "fear": "fear", "contempt": "contempt",
}  # fmt: skip
_IMAGE = re.compile(r"(?P<split>train|test)/(?P<label>\w+)/fer(?P<row>\d+)\.jpg")
_SIDE, _SEED = 48, 42


def majorities(path: Path) -> pd.Series:
    """Return the emotion that more than half of the taggers chose, by row of fer2013.csv; votes of one do not count."""
    votes = pd.read_csv(path)[list(CHOICES)].rename(columns=CHOICES)
    votes = votes.where(votes > 1, 0)
    return votes.idxmax(axis=1)[votes.max(axis=1) * 2 > votes.sum(axis=1)]


def cross_validated(path: Path, split: str, folds: int) -> pd.DataFrame:
    """Return the labels of a split of a zip that a classifier doubts which has not learnt from these images."""
    with tempfile.TemporaryDirectory() as folder, PixelFile(Path(folder, "pixels"), _SIDE) as pixels:
        with open_source(path) as source:
            index = read_images(source, pixels).assign(dropped="")
        kept = (index["split"] == split).to_numpy()
        comparable = audit.comparable(index).to_numpy() & kept
        index["near"] = near_duplicates.near_groups(pixels, index["hash"].to_numpy(), comparable)
        faces = np.array(pixels.memmap()[kept])
    index = index[kept].assign(split="train").reset_index(drop=True)
    classes = sorted(index["emotion"].unique())
    labels = pd.Index(classes).get_indexer(pd.Index(index["emotion"])).astype(np.uint8)
    return out_of_fold_errors(index, {"train": Images(faces, labels, classes)}, folds, _SEED)


def compare(rows: pd.DataFrame, doubtful: pd.DataFrame, votes: pd.Series) -> dict[str, object]:
    """Return counts and shares of doubtful labels, of the first hundred and of all others.

    Args:
        rows: one per image, with the columns origin, label and row of fer2013.csv.
        doubtful: some of them, the most doubtful first, with the columns origin, label and suggested.
        votes: the emotion that most taggers chose, by row of fer2013.csv.
    """
    images = len(rows)
    rows = rows.assign(majority=rows["row"].map(votes)).dropna()
    listed = doubtful.merge(rows[["origin", "majority"]], on="origin")
    others = rows[~rows["origin"].isin(doubtful["origin"])]
    figures: dict[str, object] = {"images": images}
    for name, part, total in (
        ("doubtful", listed, len(doubtful)),
        ("first_100", listed[listed["origin"].isin(doubtful["origin"].head(100))], 100),
        ("others", others, images - len(doubtful)),
    ):
        rejected = round(float((part["label"] != part["majority"]).mean()), 4)
        figures[name] = {"images": total, "with_majority": len(part), "rejected": rejected}
    figures["suggestion_confirmed"] = round(float((listed["suggested"] == listed["majority"]).mean()), 4)
    return figures


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("doubtful", type=Path, nargs="?")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--split", choices=("test", "train"), default="test")
    parser.add_argument("--zip", type=Path, required=True)
    parser.add_argument("--votes", type=Path, required=True)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    names = filter(None, map(_IMAGE.fullmatch, zipfile.ZipFile(options.zip).namelist()))
    rows = pd.DataFrame({**name.groupdict(), "row": int(name["row"]), "origin": name[0]} for name in names)
    votes = majorities(options.votes)
    if options.doubtful:
        name = "figures.json"
        figures = compare(rows[rows["split"] == "test"], pd.read_csv(options.doubtful), votes)
    else:
        name = "out_of_fold.json"
        doubtful = cross_validated(options.zip, options.split, options.folds)
        figures = {"folds": options.folds, "split": options.split}
        figures |= compare(rows[rows["split"] == options.split], doubtful, votes)
    text = json.dumps(figures, indent=2) + "\n"
    print(text, end="")
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
