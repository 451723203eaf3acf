"""Accuracy by slices of a test set: dark, bright, blurred, small or tilted faces, or any column of a table.

A single accuracy hides where a network fails (Chung et al., Slice Finder, 2019). Numbers are cut into quarters of the
images. Slices with few images have wide intervals, so they are shown but not ranked.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd

from mien.evaluation.metrics import accuracy_interval

#: The minimum number of images in a ranked slice: at 70 % of 30, the interval is 33 points wide.
MIN_IMAGES = 30

_QUARTERS = 4
_MAX_VALUES = 20  # limit of distinct words in a column; more are names of images or people
_MAX_NUMBERS = 6  # up to so many distinct numbers are slices of their own, such as 1 .. 5 of a scale
_COLUMNS = ("property", "slice", "images", "accuracy", "accuracy_low", "accuracy_high", "ranked")


@dataclass(frozen=True)
class Slices:
    """Accuracy by slices.

    Attributes:
        table: one row per slice: property, slice (a value, or the bounds of a quarter), images, accuracy and its 95 %
            interval (0..1, 4 digits), and whether it is ranked.
        left_out: why a property has no slices, by name.
    """

    table: pd.DataFrame
    left_out: Mapping[str, str]

    @classmethod
    def of(cls, properties: pd.DataFrame, right: np.ndarray) -> Self:
        """Measure slices.

        Args:
            properties: one row per image, one column per property; NaN if unknown.
            right: bool (N,), whether each image was read as labelled.
        """
        groups, left_out = cut(properties)
        rows = [_measured(name, label, right[images]) for (name, label), images in groups.items()]
        return cls(pd.DataFrame(rows, columns=_COLUMNS).astype({"ranked": bool}), left_out)

    @property
    def worst(self) -> Mapping[Hashable, Any] | None:
        """The ranked slice with the lowest accuracy; None if no slice is ranked."""
        ranked = self.table[self.table["ranked"]].drop(columns="ranked").to_dict("records")
        return min(ranked, key=lambda row: row["accuracy"], default=None)

    def to_json(self) -> dict[str, Any]:
        """Return slices, worst_slice and slices_left_out, for JSON."""
        rows = self.table.to_dict("records")
        return {"worst_slice": self.worst, "slices": rows, "slices_left_out": dict(self.left_out)}

    def to_text(self) -> str:
        """Return the table, the worst slice in words, and what was left out."""
        shown = self.table.drop(columns="ranked").to_string(index=False)
        few = self.table[~self.table["ranked"]]
        lines = [shown, describe_worst(self)]
        if len(few):
            lines.append(f"slices of fewer than {MIN_IMAGES} images, not ranked: {len(few)}")
        return "\n".join([*lines, *(f"no slices by {name}: {reason}" for name, reason in self.left_out.items())])


def cut(properties: pd.DataFrame) -> tuple[dict[tuple[str, str], np.ndarray], dict[str, str]]:
    """Cut images into slices.

    Args:
        properties: see `Slices.of`.

    Returns:
        The positions of the images of each slice, int (n,), by property and name; and why a property has no slices, by
        name.
    """
    groups: dict[tuple[str, str], np.ndarray] = {}
    left_out: dict[str, str] = {}
    for name in properties:
        slices, reason = _cut(properties[name].reset_index(drop=True))
        if slices is None:
            left_out[str(name)] = reason
            continue
        known = slices.dropna()
        groups |= {
            (str(name), str(label)): group.index.to_numpy() for label, group in known.groupby(known, observed=True)
        }
        if missing := len(slices) - len(known):
            left_out[f"{name}, {missing:,} images"] = "the value is not known"
    return groups, left_out


def describe_worst(slices: Slices) -> str:
    """Return the worst slice in words."""
    if not (worst := slices.worst):
        return f"worst slice: none has {MIN_IMAGES} images"
    low, high = (100 * worst[f"accuracy_{end}"] for end in ("low", "high"))
    accuracy = f"{100 * worst['accuracy']:.1f} % [{low:.1f}, {high:.1f}]"
    return f"worst slice: {worst['property']} {worst['slice']}, {accuracy} of {worst['images']:,} images"


def face_properties(index: pd.DataFrame, sharpness: np.ndarray) -> pd.DataFrame:
    """Return brightness, contrast, sharpness, face_size (pixels) and, if known, tilt (degrees from level) of faces.

    Args:
        index: one row per face, with the columns of `mien.data.pixel_file.read_images`. Without a detector, face_size
            is the shorter side of the image.
        sharpness: float (N,), see `mien.data.image_stats`.
    """
    is_searched = "face_size" in index
    return pd.DataFrame(
        {
            "brightness": index["brightness"],
            "contrast": index["contrast"],
            "sharpness": sharpness,
            "face_size": index["face_size"] if is_searched else index[["width", "height"]].min(axis=1),
            **({"tilt": index["tilt"].abs()} if is_searched else {}),
        }
    )


def _cut(values: pd.Series) -> tuple[pd.Series | None, str]:
    """Return the slice of each image, NaN if unknown; or None and the reason why there are no slices."""
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    texts = values.map(_shown if is_number else str, na_action="ignore")  # what reads alike is one value
    distinct = texts.dropna().unique()
    if len(distinct) < 2:
        return None, f"all images have {distinct[0]}" if len(distinct) else "it is known of no image"
    if is_number and len(distinct) > _MAX_NUMBERS:
        return _quarters(texts.astype(float))
    if len(distinct) > _MAX_VALUES:
        return None, f"{len(distinct):,} different values, expected at most {_MAX_VALUES}"
    return texts.astype(pd.CategoricalDtype(sorted(distinct, key=float if is_number else str))), ""


def _quarters(numbers: pd.Series) -> tuple[pd.Series | None, str]:
    shares = np.linspace(0, 1, _QUARTERS + 1)
    edges = np.unique(np.nanquantile(numbers, shares, method="inverted_cdf")).tolist()
    if len(edges) < 3:
        return None, f"most images have {_shown(edges[0])}"
    names = [f"{_shown(low)} to {_shown(high)}" for low, high in pairwise(edges)]
    return pd.cut(numbers, edges, labels=names, include_lowest=True), ""


def _shown(number: float) -> str:
    return f"{number:.10g}"


def _measured(name: str, label: str, right: np.ndarray) -> dict[str, Any]:
    low, high = accuracy_interval(right)
    figures = (round(float(value), 4) for value in (right.mean(), low, high))
    return dict(zip(_COLUMNS, (name, label, len(right), *figures, len(right) >= MIN_IMAGES), strict=True))
