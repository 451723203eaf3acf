"""Labels are doubted after training on other images, without copies and images of the same person."""

import numpy as np
import pandas as pd
import pytest

from mien._io.errors import InputError
from mien.data.arrays import Images
from mien.evaluation.label_errors import out_of_fold_errors
from mien.evaluation.out_of_fold import groups_of, out_of_fold

CLASSES = ["bored", "engaged"]
COUNT = 30
WRONG = [3, 11, 40]


def data_set() -> tuple[pd.DataFrame, dict[str, Images]]:
    """Return an index and images of two classes, horizontal and vertical stripes. Three labels are wrong."""
    rng = np.random.default_rng(0)
    stripes = np.broadcast_to(60 + 120 * (np.arange(48) // 6 % 2), (48, 48))
    kinds = np.repeat([0, 1], COUNT)
    pixels = np.stack([(stripes.T if kind else stripes) + rng.integers(0, 40, (48, 48)) for kind in kinds])
    labels = np.where(np.isin(np.arange(2 * COUNT), WRONG), 1 - kinds, kinds).astype(np.uint8)
    images = {
        name: Images(pixels[rows].astype(np.uint8), labels[rows], CLASSES)
        for name, rows in (("train", slice(50)), ("validation", slice(50, 60)), ("test", slice(60, 60)))
    }
    index = pd.DataFrame(
        {
            "origin": [f"{row}.png" for row in range(2 * COUNT)],
            "split": ["train"] * 50 + ["validation"] * 10,
            "hash": [f"h{row}" for row in range(2 * COUNT)],
            "near": -1,
            "dropped": "",
        }
    )
    return index, images


def test_wrong_labels_are_listed_and_none_is_changed() -> None:
    index, images = data_set()
    before = [part.labels.copy() for part in images.values()]
    table = out_of_fold_errors(index, images, 3, seed=0)
    assert list(table["origin"].sort_values()) == sorted(f"{row}.png" for row in WRONG)
    assert set(table["split"]) == {"train"}
    assert all(np.array_equal(part.labels, old) for part, old in zip(images.values(), before, strict=True))
    assert table.equals(out_of_fold_errors(index, images, 3, seed=0))
    assert list(out_of_fold_errors(index, images, 0, seed=0)) == list(table)
    assert out_of_fold_errors(index, images, 0, seed=0).empty


def test_dropped_images_are_in_no_fold() -> None:
    index, images = data_set()
    more = pd.DataFrame({"origin": ["x.png"], "split": "train", "hash": "", "near": -1, "dropped": "unreadable"})
    assert len(out_of_fold_errors(pd.concat([more, index], ignore_index=True), images, 3, seed=0)) == len(WRONG)


def test_copies_and_images_of_a_person_are_one_group() -> None:
    index = pd.DataFrame({"hash": list("abac"), "near": [-1, 4, -1, 4], "person": ["", "", "", ""]})
    assert groups_of(index).factorize()[0].tolist() == [0, 1, 0, 1]
    people = pd.DataFrame({"hash": list("abcd"), "near": [0, 0, 1, 2], "person": ["x", "y", "y", "z"]})
    assert groups_of(people).factorize()[0].tolist() == [0, 0, 0, 1]


def test_each_class_needs_an_image_for_each_fold() -> None:
    _, images = data_set()
    groups = pd.Series(["same"] * COUNT + [f"{row}" for row in range(COUNT)])
    with pytest.raises(InputError, match=r"label_error_folds: found 5, expected at most \d, as bored has so many dist"):
        out_of_fold(images.values(), groups, 5, seed=0)
