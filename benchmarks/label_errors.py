"""Compare the labels that a network doubts with the votes of ten taggers: FER2013's PublicTest and FER+.

mien score fer2013.zip --model mien --split test --label-errors doubtful.csv
python benchmarks/label_errors.py doubtful.csv --zip fer2013.zip --votes fer2013new.csv [--output FOLDER]

Prints how often more than half of the taggers choose another emotion than the label, for doubtful labels and for the
others. --output keeps the figures.
"""

import argparse
import json
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
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    names = filter(None, map(_TEST.fullmatch, zipfile.ZipFile(options.zip).namelist()))
    rows = pd.DataFrame({"row": int(name["row"]), "label": name["label"], "origin": name[0]} for name in names)
    images = len(rows)
    rows = rows.assign(majority=rows["row"].map(majorities(options.votes))).dropna()
    doubtful = pd.read_csv(options.doubtful)
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
    text = json.dumps(figures, indent=2) + "\n"
    print(text, end="")
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "figures.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
