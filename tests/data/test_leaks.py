"""Images that are in two splits."""

from pathlib import Path

import numpy as np
import pandas as pd

from mien.data.leaks import find_leaks


def test_a_test_image_that_stands_in_train_or_validation_is_a_leak_dropped_there_or_not(tmp_path: Path) -> None:
    rows = [
        ("train", "a", "leaks"),
        ("test", "a", ""),
        ("train", "b", ""),
        ("test", "", "unreadable"),
        ("test", "c", ""),
        ("validation", "c", ""),
        ("test", "d", ""),
        ("train", "", "unreadable"),
    ]
    pd.DataFrame(rows, columns=["split", "hash", "dropped"]).to_csv(tmp_path / "index.csv")
    assert list(find_leaks(pd.read_csv(tmp_path / "index.csv"))) == [True, True, False]


def test_an_image_of_another_split_can_be_a_leak_too() -> None:
    index = pd.DataFrame({"split": ["train", "validation", "validation"], "hash": ["a", "a", "b"], "dropped": np.nan})
    assert list(find_leaks(index, "validation")) == [True, False]
