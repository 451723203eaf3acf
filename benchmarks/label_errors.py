"""Hold the labels that a network doubts against those of ten taggers: FER2013's PublicTest and FER+.

mien score fer2013.zip --split test --label-errors doubtful.csv
python benchmarks/label_errors.py doubtful.csv --zip fer2013.zip --votes fer2013new.csv

Prints how often more than half of the taggers choose another emotion than the label: of doubtful labels, and of the
others.
"""

import argparse
import re
import zipfile
from pathlib import Path

import pandas as pd

CHOICES = {
    "neutral": "neutral", "happiness": "happy", "surprise": "surprise", "sadness": "sad", "anger": "angry",
    "disgust": "disgust", "fear": "fear", "contempt": "contempt",
}  # fmt: skip
_TEST = re.compile(r"test/(?P<label>\w+)/fer(?P<row>\d+)\.jpg")


def majorities(path: Path) -> pd.Series:
    """Return the emotion that more than half of the taggers chose, by row of fer2013.csv; votes of one do not count."""
    votes = pd.read_csv(path)[list(CHOICES)].rename(columns=CHOICES)
    votes = votes.where(votes > 1, 0)
    return votes.idxmax(axis=1)[votes.max(axis=1) * 2 > votes.sum(axis=1)]


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("doubtful", type=Path)
    parser.add_argument("--zip", type=Path, required=True)
    parser.add_argument("--votes", type=Path, required=True)
    options = parser.parse_args()
    names = filter(None, map(_TEST.fullmatch, zipfile.ZipFile(options.zip).namelist()))
    rows = pd.DataFrame({"row": int(name["row"]), "label": name["label"], "origin": name[0]} for name in names)
    rows = rows.assign(majority=rows["row"].map(majorities(options.votes))).dropna()
    doubtful = pd.read_csv(options.doubtful)
    listed = doubtful.merge(rows[["origin", "majority"]], on="origin")
    others = rows[~rows["origin"].isin(doubtful["origin"])]
    for name, part in (("doubtful", listed), ("the first 100 of them", listed.head(100)), ("others", others)):
        differs = (part["label"] != part["majority"]).mean()
        print(f"{name}: {len(part):,} with a majority, which is not the label for {differs:.1%}")
    agrees = (listed["suggested"] == listed["majority"]).mean()
    print(f"the majority is what the network suggests for {agrees:.1%} of doubtful")


if __name__ == "__main__":
    main()
