"""MPII Human Pose (Andriluka et al. 2014): people's joints and activities, from the official .mat or its CSV form."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien._io.csv_table import read_csv_table
from mien._io.errors import InputError
from mien.actions.matlab import as_list, as_number, field, read_mat

#: The joints, in the order of the ids of the .mat file.
JOINTS = (
    "r ankle", "r knee", "r hip", "l hip", "l knee", "l ankle", "pelvis", "thorax",
    "upper neck", "head top", "r wrist", "r elbow", "r shoulder", "l shoulder", "l elbow", "l wrist",
)  # fmt: skip

_COORDINATES = [f"{joint}_{axis}" for joint in JOINTS for axis in "XY"]
_NONE = ("", "[]")
_KIND = "mpii_human_pose_v1_u12_1.mat with RELEASE.annolist, act and img_train"


@dataclass(frozen=True)
class Poses:
    """People with joints, in the order of the data set, which keeps the people of a video together.

    Attributes:
        joints: in pixels, float (N, 16, 2); NaN if a joint is not marked.
        scale: a person's height in units of 200 pixels, float (N,).
        image: file names, str (N,).
        video: int (N,); -1 if the file does not name it.
        activity: str (N,).
        category: of the activity, str (N,).
        unnamed: how many further people have no annotated activity.
    """

    joints: np.ndarray
    scale: np.ndarray
    image: np.ndarray
    video: np.ndarray
    activity: np.ndarray
    category: np.ndarray
    unnamed: int


def read_mpii(path: Path) -> Poses:
    """Read the people of MPII with a known activity, from the training images of the .mat file or from a CSV.

    The CSV has one row per person: NAME, the joints as "r ankle_X", "r ankle_Y" .. (-1: not marked), Scale, Activity
    and Category ("[]": not known).

    Raises:
        InputError: the file is of another kind, a field is missing, or nobody has an activity.
    """
    people = list(_read_mat(path)) if path.suffix.lower() == ".mat" else _read_csv(path)
    known = [person for person in people if person.activity]
    if not known:
        raise InputError(f"{path}: found {len(people)} people, none with an activity, expected some")
    # Python's sort is stable: people of one video, or of no named video, stay in the order of the file.
    first = {video: index for index, video in reversed(list(enumerate(person.video for person in known)))}
    known.sort(key=lambda person: first[person.video])
    joints, scale, image, video, activity, category = zip(*known, strict=True)
    return Poses(
        joints=np.array(joints, float),
        scale=np.array(scale, float),
        image=np.array(image),
        video=np.array(video),
        activity=np.array(activity),
        category=np.array(category),
        unnamed=len(people) - len(known),
    )


def read_joints(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read joints, float (N, 16, 2), and scales, float (N,), from a CSV with MPII's columns.

    Raises:
        InputError: the file is not such a CSV.
    """
    return _joints_and_scales(path, _read_table(path, [*_COORDINATES, "Scale"]))


def count_activities(poses: Poses) -> pd.DataFrame:
    """Return the number of people per activity: columns activity, category and weight (the number)."""
    table = pd.DataFrame({"activity": poses.activity, "category": poses.category})
    return table.groupby(["activity", "category"], as_index=False).size().rename(columns={"size": "weight"})


class _Person(NamedTuple):
    joints: np.ndarray
    scale: float
    image: str
    video: int
    activity: str
    category: str


def _read_csv(path: Path) -> list[_Person]:
    table = _read_table(path, ["NAME", *_COORDINATES, "Scale", "Activity", "Category"])
    joints, scale = _joints_and_scales(path, table)
    texts = table[["NAME", "Activity", "Category"]].fillna("").astype(str)
    people = []
    for row, (name, activity, category) in enumerate(texts.itertuples(index=False, name=None)):
        if (activity in _NONE) != (category in _NONE):
            raise InputError(
                f"{path}, row {row + 1}: found activity {activity!r} of category {category!r}, expected both or neither"
            )
        known = activity not in _NONE
        people.append(_Person(joints[row], scale[row], name, -1, *((activity, category) if known else ("", ""))))
    return people


def _read_table(path: Path, columns: list[str]) -> pd.DataFrame:
    table = read_csv_table(path, f"{_KIND}, or a CSV")
    if missing := [name for name in columns if name not in table]:
        raise InputError(f"{path}: no column {missing[0]!r}, expected the {len(columns)} columns of MPII's CSV form")
    return table


def _joints_and_scales(path: Path, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    numbers = table[[*_COORDINATES, "Scale"]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    bad = ~np.isfinite(numbers)
    bad[:, -1] |= numbers[:, -1] <= 0
    if bad.any():
        row, column = np.argwhere(bad)[0]
        name = [*_COORDINATES, "Scale"][column]
        expected = "a number" if column < len(_COORDINATES) else "a number above 0"
        raise InputError(f"{path}, row {row + 1}, column {name}: found {table[name][row]!r}, expected {expected}")
    joints = numbers[:, :-1].reshape(-1, len(JOINTS), 2)
    return np.where((joints >= 0).all(axis=2, keepdims=True), joints, np.nan), numbers[:, -1]


def _read_mat(path: Path) -> Iterator[_Person]:
    """Yield the people of training images that have joints and a scale."""
    release = read_mat(path, ["RELEASE"], _KIND)["RELEASE"]
    parts = {name: as_list(field(release, name, f"{path}: RELEASE")) for name in ("annolist", "act", "img_train")}
    images, acts, train = parts.values()
    if not len(images) == len(acts) == len(train):
        found = ", ".join(f"{len(part)} {name}" for name, part in parts.items())
        raise InputError(f"{path}: RELEASE: found {found}, expected as many of each")
    progress = tqdm(images, desc=path.name, delay=2, disable=None)
    for index, (image, act, in_train) in enumerate(zip(progress, acts, train, strict=True), start=1):
        if in_train:
            yield from _people(image, act, f"{path}: RELEASE.annolist({index})")


def _people(image: Any, act: Any, place: str) -> Iterator[_Person]:
    name = str(field(field(image, "image", place), "name", place))
    activity, category = (_text(field(act, key, place)) for key in ("act_name", "cat_name"))
    if bool(activity) != bool(category):
        raise InputError(f"{place}: found activity {activity!r} of category {category!r}, expected both or neither")
    video = as_number(image.get("vidx", []), place)
    for person in as_list(image.get("annorect", [])):
        points, scale = (person.get(key, []) if isinstance(person, dict) else [] for key in ("annopoints", "scale"))
        height = as_number(scale, place)
        if isinstance(points, dict) and not np.isnan(height):  # MATLAB's [] if nothing is marked
            if not 0 < height < np.inf:
                raise InputError(f"{place}: found a scale of {height:g}, expected a number above 0")
            video_id = -1 if np.isnan(video) else int(video)
            yield _Person(_joints(points, place), height, name, video_id, activity, category)


def _joints(points: dict[str, Any], place: str) -> np.ndarray:
    joints = np.full((len(JOINTS), 2), np.nan)
    for point in as_list(field(points, "point", place)):
        joint, x, y = (as_number(field(point, key, place), place) for key in ("id", "x", "y"))
        if joint not in range(len(JOINTS)):
            raise InputError(f"{place}: found a joint of id {joint:g}, expected 0..{len(JOINTS) - 1}")
        joints[int(joint)] = x, y
    return joints


def _text(value: Any) -> str:
    """Return the text of a MATLAB field. A missing text is an empty array."""
    return value.strip() if isinstance(value, str) else ""
