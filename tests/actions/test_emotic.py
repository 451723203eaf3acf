"""EMOTIC is read alike from Annotations.mat and from the usual CSV conversion."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.emotic import CATEGORIES, TEST, TRAIN, VAL, annotations, combined, photo, write_annotations
from helpers.matlab import NOTHING

from mien._io.errors import InputError
from mien.actions.emotic import EmoticAnnotations, read_emotic

ROWS = {
    "train": [("a.jpg", "['Happiness']", "[7, 6, 5]"), ("a.jpg", "['Anger']", "[nan, 1, 1]"),
              ("b.jpg", "['Peace', 'Doubt/Confusion']", "[4, 4, 4]")],
    "val": [("c.jpg", "['Anger', 'Peace']", "[2, 2, 2]")],
    "test": [("d.jpg", "['Happiness']", "[8, 5, 6]"), ("d.jpg", "[]", "[8, 5, 6]")],
}  # fmt: skip


def conversion(folder: Path, **splits: list[tuple[str, str, str]]) -> Path:
    for name, rows in splits.items():
        table = pd.DataFrame(rows, columns=["Filename", "Categorical_Labels", "Continuous_Labels"])
        table.insert(0, "Folder", "mscoco/images")
        table.to_csv(folder / f"{name}.csv", index_label="Index")
    return folder


def check(people: EmoticAnnotations) -> None:
    assert list(people.image) == ["mscoco/a.jpg", "mscoco/a.jpg", "mscoco/b.jpg", "mscoco/c.jpg", "mscoco/d.jpg"]
    assert list(people.split) == ["train", "train", "train", "val", "test"]
    assert people.categories.tolist() == [
        [False, False, True, False], [True, False, False, False], [False, True, False, True],
        [True, False, False, True], [False, False, True, False],
    ]  # fmt: skip
    nan = np.nan
    np.testing.assert_array_equal(people.vad, [[7, 6, 5], [nan, nan, nan], [4, 4, 4], [2, 2, 2], [8, 5, 6]])


def test_the_official_file(tmp_path: Path) -> None:
    check(read_emotic(write_annotations(tmp_path, annotations(train=TRAIN, val=VAL, test=TEST)), CATEGORIES))


def test_the_csv_conversion(tmp_path: Path) -> None:
    check(read_emotic(conversion(tmp_path, **ROWS), CATEGORIES))


def test_annotators_that_are_not_combined_are_taken_together(tmp_path: Path) -> None:
    apart = {key: value for key, value in combined(NOTHING, {}).items() if not key.startswith("combined")}
    people = read_emotic(
        write_annotations(tmp_path, annotations(train=TRAIN, val=[photo("c.jpg", apart)], test=TEST)), CATEGORIES
    )
    assert people.categories[people.split == "val"].tolist() == [[True, False, False, True]]
    assert people.vad[people.split == "val"].tolist() == [[2, 2, 2]]


def test_people_without_a_split_are_train_where_their_image_is_in_no_other(tmp_path: Path) -> None:
    conversion(tmp_path, val=ROWS["val"], test=ROWS["test"])
    lines = ["mscoco/c_0.jpg,['peace']", "mscoco/e_f_1.jpg,\"['peace', 'anger']\"", "mscoco/d_0.jpg,['happiness']"]
    (tmp_path / "all_labels.csv").write_text("\n".join(lines))
    people = read_emotic(tmp_path, CATEGORIES)
    assert list(zip(people.image, people.split, strict=True))[2:] == [("mscoco/e_f.jpg", "train")]
    assert people.categories[2].tolist() == [True, False, False, True]
    assert np.isnan(people.vad[2]).all()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("c.jpg", "['Joy']", "[2, 2, 2]"), ["row 1", "'Joy'", "one of Anger"]),
        (("c.jpg", "Anger", "[2, 2, 2]"), ["row 1", "'Anger'", "a list of categories"]),
        (("c.jpg", "['Anger']", "[2, 2]"), ["row 1", "[2, 2]", "valence, arousal, dominance"]),
        (("c.jpg", "['Anger']", "[2, 2, 11]"), ["row 1", "[2, 2, 11]", "1..10"]),
        (("c.jpg", "['Anger']", "high"), ["row 1", "'high'", "a list of numbers"]),
        (("c.jpg", "[]", "[2, 2, 2]"), ["1 people, none with a category"]),
    ],
)
def test_bad_rows(tmp_path: Path, row: tuple[str, str, str], words: list[str]) -> None:
    with pytest.raises(InputError) as raised:
        read_emotic(conversion(tmp_path, val=[row]), CATEGORIES)
    for word in (str(tmp_path), *words):
        assert word in str(raised.value)


def test_sources_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read_emotic(tmp_path / "Annotations.mat", CATEGORIES)
    with pytest.raises(InputError, match=r"found no train\.csv, val\.csv or test\.csv"):
        read_emotic(tmp_path, CATEGORIES)
    with pytest.raises(InputError, match=r"no variable val, test, expected EMOTIC's Annotations\.mat"):
        read_emotic(write_annotations(tmp_path, annotations(train=TRAIN)), CATEGORIES)
    (tmp_path / "val.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"val\.csv: no column Folder"):
        read_emotic(tmp_path, CATEGORIES)


def test_a_field_is_missing(tmp_path: Path) -> None:
    bare = {"body_bbox": [1, 2, 3, 4]}
    content = annotations(train=[photo("a.jpg", bare)], val=VAL, test=TEST)
    with pytest.raises(InputError, match=r"train\(1\): no field annotations_categories"):
        read_emotic(write_annotations(tmp_path, content), CATEGORIES)
