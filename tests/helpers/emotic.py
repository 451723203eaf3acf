"""EMOTIC in small: its Annotations.mat, with the struct arrays that MATLAB writes."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from helpers.matlab import NOTHING, cell, structs

CATEGORIES = ["Anger", "Doubt/Confusion", "Happiness", "Peace"]


def continuous(*values: float) -> dict[str, float]:
    return dict(zip(("valence", "arousal", "dominance"), values, strict=True))


def trained(categories: np.ndarray, vad: dict[str, float]) -> dict[str, Any]:
    return {
        "body_bbox": [1, 2, 3, 4],
        "annotations_categories": {"categories": categories},
        "annotations_continuous": vad,
        "gender": "Male",
        "age": "Adult",
    }


def combined(categories: np.ndarray, vad: dict[str, float]) -> dict[str, Any]:
    annotators = {"categories": cell("Peace")}, {"categories": cell("Anger", "Peace")}
    return {
        "body_bbox": [1, 2, 3, 4],
        "annotations_categories": structs(annotators),
        "combined_categories": categories,
        "annotations_continuous": structs([continuous(1, 1, 1), continuous(3, 3, 3)]),
        "combined_continuous": vad,
        "gender": "Female",
        "age": "Kid",
    }


def photo(name: str, *people: dict[str, Any]) -> dict[str, Any]:
    return {
        "filename": name,
        "folder": "mscoco/images",
        "image_size": {"n_col": 640, "n_row": 480},
        "original_database": {"name": "mscoco", "info": NOTHING},
        "person": structs(people),
    }


def annotations(**splits: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    return {name: structs(photos) for name, photos in splits.items()}


TRAIN = [
    photo("a.jpg", trained(cell("Happiness"), continuous(7, 6, 5)), trained(cell("Anger"), continuous(np.nan, 1, 1))),
    photo("b.jpg", trained(cell("Peace", "Doubt/Confusion"), continuous(4, 4, 4))),
]


VAL = [photo("c.jpg", combined(cell("Anger", "Peace"), continuous(2, 2, 2)))]


TEST = [photo("d.jpg", combined(cell("Happiness"), continuous(8, 5, 6)), combined(NOTHING, continuous(8, 5, 6)))]


def write_annotations(folder: Path, content: dict[str, Any]) -> Path:
    savemat(folder / "Annotations.mat", content)
    return folder / "Annotations.mat"
