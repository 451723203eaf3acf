"""AUs of images: rows find their images, and what does not fit is counted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien._io.errors import InputError
from mien.aus.facs import AUS
from mien.data.image_aus import read_image_aus, with_aus

IMAGES = pd.Series(["train/happy/fer1.jpg", "train/sad/fer2.jpg", "test/sad/fer3.jpg"])
SHOWN = [AUS.index(6), AUS.index(12)]


def table(folder: Path, *rows: str, header: str = "image,AU06,AU12") -> Path:
    path = folder / "aus.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize("second", ["train/sad/fer2.jpg", "fer2", "labelled\\fer2.png"])
def test_rows_find_their_images(tmp_path: Path, second: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = "train/happy/fer1.jpg" if second.startswith("train") else "fer1"
    intensities, given = read_image_aus(table(tmp_path, f"{second},1,2", "other,5,6", f"{first},3,4.5"), IMAGES)
    assert given == [6, 12]
    np.testing.assert_array_equal(intensities[:, SHOWN], [[3, 4.5], [1, 2], [np.nan, np.nan]])
    assert not intensities[:2, AUS.index(4)].any()
    notes = capsys.readouterr().err
    assert "1 of 3 images have no row" in notes
    assert "1 of 3 rows name other images" in notes
    assert "has no column AU01, AU02, AU04, AU05, AU07" in notes


def test_rows_without_a_face_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, "fer1,0.9,0.5,1", "fer2,0.9,,", "fer3,0.2,1,1", header="input,FaceScore,AU06,AU12")
    intensities, _ = read_image_aus(path, IMAGES)  # of py-feat, 0..1
    np.testing.assert_array_equal(intensities[:, SHOWN], [[50, 100], [np.nan, np.nan], [np.nan, np.nan]])
    assert "2 of 3 images have a row without a face" in capsys.readouterr().err


def test_empty_rows_are_images_without_a_face(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, "fer1,30,0", "fer2,,", "fer3,0,12")  # as tools/label_aus.py writes them
    intensities, _ = read_image_aus(path, IMAGES)
    np.testing.assert_array_equal(intensities[:, SHOWN], [[30, 0], [np.nan, np.nan], [0, 12]])
    assert "1 of 3 images have a row without a face" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,1,2", "b,1,2"], r"found names such as 'a', none of 2 is one of the 3 images, expected names such as 'tr"),
        (["fer1,1,2", "fer2,1,2", "fer1,1,3"], r"1 of 3 rows name an image that has a row already, the first: row 3"),
        (["fer1,1,2", "fer2,1,200"], r"1 of 2 rows cannot be read .* row 2, column AU12: found '?200'?, expected a n"),
    ],
)
def test_what_does_not_fit_is_one_line_with_counts(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_image_aus(table(tmp_path, *rows), IMAGES)


def test_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no column that names images, expected one of image, input, file"):
        read_image_aus(table(tmp_path, "1,2", header="AU06,AU12"), IMAGES)
    shared = pd.concat([IMAGES, pd.Series(["train/sad/fer1.jpg"])], ignore_index=True)
    with pytest.raises(InputError, match=r"2 of 4 images share a file name with others, such as 'train/happy/fer1"):
        read_image_aus(table(tmp_path, "fer1,1,2"), shared)


def test_aus_become_columns_of_an_index_which_is_such_a_table_itself(tmp_path: Path) -> None:
    index = with_aus(pd.DataFrame({"origin": IMAGES, "emotion": "sad"}), table(tmp_path, "fer1,3,4.5", "fer3,,"))
    assert list(index) == ["origin", "emotion", "AU06", "AU12"]
    assert (index["AU06"][0], index["AU12"][0]) == (3, 4.5)
    assert index[["AU06", "AU12"]].isna().all(axis=1).tolist() == [False, True, True]
    index.to_csv(tmp_path / "index.csv", index=False)
    again, given = read_image_aus(tmp_path / "index.csv", IMAGES)
    assert given == [6, 12]
    np.testing.assert_array_equal(again[:, SHOWN], index[["AU06", "AU12"]])
