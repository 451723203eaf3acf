"""The audit of a data set: duplicates, label conflicts, leaks between splits, and unusable images.

It reads an index, a table with one row per image and these columns:

- origin, emotion, split: as in the source.
- hash: hash of the decoded pixels; empty if the image is unreadable or shows no face.
- width, height: size of the file's picture, in pixels.
- contrast: standard deviation of the grey levels.
- near: a number that near-duplicates share; -1 if the image was not compared. The column may be absent.
- faces: how many faces were found; only if a detector was used.
- dropped: why the image is in no array; empty if it is in one.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.config import Audit
from mien.data.faces import without_face
from mien.emotions import FER_PLUS
from mien.splits import SPLITS

#: Grey levels. 14 images of FER2013 have less, all without a face (13 of them less than 1); the next, 9.1, has one.
BLANK_CONTRAST = 5.0

_OWN_PROBLEMS = ("unreadable", "no_face", "blank", "not_face_shaped", "wrong_size")  # problems of single images

#: The longer side over the shorter one. Face boxes stay well below, strips and banners do not.
MAX_ASPECT = 2.0


def comparable(index: pd.DataFrame) -> pd.Series:
    """Tell which images of an index to compare for near-duplicates: all but those with almost a single grey level."""
    return (index["hash"] != "") & (index["contrast"] >= BLANK_CONTRAST)


def apply(index: pd.DataFrame, policy: Audit, source: object) -> pd.DataFrame:
    """Return the index with `dropped` filled for images that the policy drops. Rows dropped before stay unchanged.

    Args:
        source: where the images come from, for messages.

    Raises:
        InputError: an image has a problem whose action is `fail`; or the audit leaves a split without images, or train
            without images of an emotion.
    """
    keyed = _with_image_ids(index)
    before = _used(keyed)
    for name, action in policy:
        problem, rows = _PROBLEMS[name], _used(keyed)
        flagged = problem.find(rows)
        if action == "fail" and len(flagged):
            message = f"{rows.loc[flagged.index[0], 'origin']}: {problem.message.format(equal=flagged.iloc[0])}"
            several = f" (one of {len(flagged)} such images)" if len(flagged) > 1 else ""
            raise InputError(f"{source}: {message}{several}, expected none as audit.{name} is fail")
        if action == "drop":
            droppable = problem.in_any_split | (rows.loc[flagged.index, "split"] == "train")
            keyed.loc[flagged.index[droppable], "dropped"] = name
    _check_left(before, _used(keyed), source)
    return index.assign(dropped=keyed["dropped"])


def summarize(index: pd.DataFrame, known: Sequence[str] = FER_PLUS) -> dict[str, Any]:
    """Return the audit's figures, for an index that `apply` returned.

    Args:
        index: the index of all images.
        known: the classes that labels can mean, in the order of the counts.

    Returns:
        counts: the remaining images, by split and emotion.
        dropped: the dropped images, by reason.
        All other figures count what the audit found before it dropped images. Among them:
        leaks: images of the first split that are also in the second.
        copies: images that occur again in their split.
        near_leaks, near_copies: the same for near-duplicates that are not equal.
    """
    rows, flagged = _audited(index)
    readable = _readable(rows)
    images = {split: readable.loc[readable["split"] == split, "image"] for split in SPLITS}
    near = _compared(rows)
    pairs = (("validation", "train"), ("test", "train"), ("test", "validation"))
    left = _used(rows).groupby(["split", "emotion"]).size()
    present = set(rows["emotion"])
    emotions = [name for name in known if name in present]
    return {
        "images": len(readable),
        "distinct": readable["image"].nunique(),
        "duplicate_groups": readable.loc[readable["image"].duplicated(), "image"].nunique(),
        "duplicate_groups_across_splits": len(_images_with_several(readable, "split")),
        "conflicting_label_groups": len(_images_with_several(readable, "emotion")),
        "copies": {split: int(images[split].duplicated().sum()) for split in SPLITS},
        "leaks": {f"{split}_in_{other}": int(images[split].isin(images[other]).sum()) for split, other in pairs},
        "near_duplicate_groups": int((near.drop_duplicates("image")["near"].value_counts() > 1).sum()),
        "near_copies": {
            split: int((near.loc[flagged["near_duplicates"].index, "split"] == split).sum()) for split in SPLITS
        },
        "near_leaks": {f"{split}_in_{other}": _near_in(near, split, other) for split, other in pairs},
        **{problem: len(flagged[problem]) for problem in _OWN_PROBLEMS},
        "dropped": {str(reason): len(images) for reason, images in index.groupby("dropped") if reason},
        "counts": {split: {name: int(left.get((split, name), 0)) for name in emotions} for split in SPLITS},
    }


def offenders(index: pd.DataFrame) -> pd.DataFrame:
    """Return one row per problem of an image, for an index that `apply` returned.

    Returns:
        Columns origin, emotion, split, problem, equals (for duplicates, the origin of the equal image), dropped (why
        the image is in no array; empty if it is in one).
    """
    rows, flagged = _audited(index)
    columns = ["origin", "emotion", "split", "problem", "equals", "dropped"]
    tables = [rows.loc[equals.index].assign(problem=name, equals=equals)[columns] for name, equals in flagged.items()]
    return pd.concat(tables, ignore_index=True)


def _with_image_ids(index: pd.DataFrame) -> pd.DataFrame:
    """Return the index without NaN, with near and image, a number that equal images share (-1 without a hash)."""
    hashes = index["hash"].where(index["hash"] != "")  # empty cells of a CSV are read as NaN
    near = index.get("near", pd.Series(-1, index=index.index))
    return index.assign(image=pd.factorize(hashes)[0], near=near, dropped=index["dropped"].fillna("").astype("str"))


def _used(index: pd.DataFrame) -> pd.DataFrame:
    return index[index["dropped"] == ""]


def _audited(index: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """Return the rows that were not dropped before the audit, and which of them have each problem."""
    rows = _with_image_ids(index)
    rows = rows[rows["dropped"].isin(["", *_PROBLEMS])]
    return rows, {name: problem.find(rows) for name, problem in _PROBLEMS.items()}


def _readable(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["image"] >= 0]


def _compared(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows among which near-duplicates were looked for."""
    return rows[rows["near"] >= 0]


def _near_in(rows: pd.DataFrame, split: str, other: str) -> int:
    """Return how many images of a split have a near-duplicate in another split, but no equal image there."""
    images, others = (rows[rows["split"] == name] for name in (split, other))
    return int((images["near"].isin(others["near"]) & ~images["image"].isin(others["image"])).sum())


def _images_with_several(rows: pd.DataFrame, column: str) -> np.ndarray:
    """Return the numbers of images that have several values in a column, each number once."""
    values = rows.drop_duplicates(["image", column])
    return values.loc[values["image"].duplicated(), "image"].unique()


def _check_left(before: pd.DataFrame, left: pd.DataFrame, source: object) -> None:
    if lost := sorted(set(before["split"]) - set(left["split"])):
        raise InputError(f"{source}: found no image of {lost[0]} that the audit does not drop, expected some")
    trained = set(left.loc[left["split"] == "train", "emotion"])
    if lost := sorted(set(before.loc[before["split"] == "train", "emotion"]) - trained):
        raise InputError(
            f"{source}: found no training image of {lost[0]!r} that the audit does not drop, expected some"
        )


# A finder takes rows of an index and returns those with a problem: a series with the labels of these rows, whose values
# are the origin of the image that a row equals, or "" where the problem is its own.


def _flag(wrong: pd.Series) -> pd.Series:
    return pd.Series("", index=wrong.index[wrong])


def _unreadable(rows: pd.DataFrame) -> pd.Series:
    return _flag((rows["image"] < 0) & ~without_face(rows))


def _no_face(rows: pd.DataFrame) -> pd.Series:
    return _flag(without_face(rows))


def _blank(rows: pd.DataFrame) -> pd.Series:
    return _flag(rows["contrast"] < BLANK_CONTRAST)


def _not_face_shaped(rows: pd.DataFrame) -> pd.Series:
    if "faces" in rows:  # crops are square, whatever the shape of the picture
        return _flag(pd.Series(False, index=rows.index))
    aspect = rows["width"] / rows["height"]
    return _flag((aspect > MAX_ASPECT) | (aspect < 1 / MAX_ASPECT))


def _wrong_size(rows: pd.DataFrame) -> pd.Series:
    sizes = rows[["width", "height"]].dropna()
    counts = sizes.value_counts()
    if "faces" in rows or counts.empty or counts.iloc[0] * 2 <= len(sizes):
        return _flag(pd.Series(False, index=sizes.index))
    width, height = counts.index[0]
    return _flag((sizes["width"] != width) | (sizes["height"] != height))


def _leaks(rows: pd.DataFrame) -> pd.Series:
    return _in_later_split(_readable(rows), "image")


def _near_leaks(rows: pd.DataFrame) -> pd.Series:
    leaks = _in_later_split(_compared(rows), "near")
    return leaks.drop(_leaks(rows).index, errors="ignore")


def _in_later_split(rows: pd.DataFrame, key: str) -> pd.Series:
    """Return the rows whose number in the column `key` also occurs in a later split."""
    held_out = pd.Series("", index=rows.index)
    for split in ("validation", "test"):  # an image in both counts as in test
        origins = rows[rows["split"] == split].drop_duplicates(key).set_index(key)["origin"]
        earlier = rows[key].isin(origins.index) & rows["split"].isin(SPLITS[: SPLITS.index(split)])
        held_out[earlier] = rows.loc[earlier, key].map(origins)
    return held_out[held_out != ""]


def _conflicts(rows: pd.DataFrame) -> pd.Series:
    rows = _readable(rows)
    rows = rows[rows["image"].isin(_images_with_several(rows, "emotion"))]
    first = rows.drop_duplicates("image").set_index("image")
    as_first = rows["emotion"] == rows["image"].map(first["emotion"])
    rival = rows[~as_first].drop_duplicates("image").set_index("image")
    return rows["image"].map(rival["origin"]).where(as_first, rows["image"].map(first["origin"]))


def _duplicates(rows: pd.DataFrame) -> pd.Series:
    rows = _readable(rows)
    copies = rows.duplicated(["split", "image"])
    groups = rows[rows["image"].isin(rows.loc[copies, "image"])].groupby(["split", "image"])
    return groups["origin"].transform("first")[copies[copies].index]


def _near_duplicates(rows: pd.DataFrame) -> pd.Series:
    rows = _compared(rows)
    first = rows.groupby(["split", "near"])[["image", "origin"]].transform("first")
    return first.loc[first["image"] != rows["image"], "origin"]


class _Problem(NamedTuple):
    find: Callable[[pd.DataFrame], pd.Series]
    message: str
    in_any_split: bool = False  # whether validation and test may lose such images too


_PROBLEMS = {
    "unreadable": _Problem(_unreadable, "not a readable image", in_any_split=True),
    "no_face": _Problem(_no_face, "shows no face that the detector finds", in_any_split=True),
    "blank": _Problem(_blank, "a blank image"),
    "not_face_shaped": _Problem(_not_face_shaped, "one side is more than twice the other, which no face has"),
    "wrong_size": _Problem(_wrong_size, "of another size than most images"),
    "leaks": _Problem(_leaks, "is also in a later split, as {equal}", in_any_split=True),
    "conflicts": _Problem(_conflicts, "equals {equal}, which has another emotion"),
    "duplicates": _Problem(_duplicates, "equals {equal}"),
    "near_leaks": _Problem(_near_leaks, "is nearly {equal}, which is in a later split", in_any_split=True),
    "near_duplicates": _Problem(_near_duplicates, "is nearly {equal}"),
}
