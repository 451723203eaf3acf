"""MPII Human Pose in small: its .mat file and its CSV form."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import savemat

from helpers.matlab import NOTHING, structs
from mien.actions.mpii import JOINTS

POSE = np.arange(32, dtype=float).reshape(16, 2) + 5


def point(number: int, x: float, y: float) -> dict[str, Any]:
    return {"x": x, "y": y, "id": number, "is_visible": NOTHING if number in (8, 9) else 1}


def person(joints: np.ndarray = POSE, scale: object = 2.5) -> dict[str, Any]:
    points = [point(number, x, y) for number, (x, y) in enumerate(joints) if x >= 0]
    return {"x1": 1, "annopoints": {"point": structs(points)}, "scale": scale, "objpos": {"x": 3, "y": 4}}


def image(name: str, people: object, video: object = 7) -> dict[str, Any]:
    return {"image": {"name": name}, "annorect": people, "frame_sec": 12, "vidx": video}


def act(activity: object, category: object, number: int = 1) -> dict[str, Any]:
    return {"cat_name": category, "act_name": activity, "act_id": number}


def release(images: list[dict[str, Any]], acts: list[dict[str, Any]], train: list[int]) -> dict[str, Any]:
    return {"annolist": structs(images), "img_train": np.array([train]), "act": structs(acts).T, "version": "12"}


def write_mat(path: Path, content: dict[str, Any]) -> Path:
    savemat(path, content)
    return path


def poses_table(**columns: object) -> pd.DataFrame:
    joints = {f"{joint}_{axis}": [value, value] for joint, pair in zip(JOINTS, POSE, strict=True)
              for axis, value in zip("XY", pair, strict=True)}  # fmt: skip
    known = {"Scale": [2.5, 3.0], "Activity": ["curling", "[]"], "Category": ["sports", "[]"]}
    return pd.DataFrame({"NAME": ["000000001.jpg", "000000002.jpg"]} | joints | known | columns)
