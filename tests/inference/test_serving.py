"""A served network takes pictures and AUs in the forms that JSON brings, and says what it does not take."""

import base64
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers.photos import FACE, portrait

from mien import AUClassifier, FaceClassifier
from mien._io.errors import InputError
from mien.aus.facs import AUS, COLUMNS
from mien.inference.serving import AUService, FaceService

BGR = portrait()[FACE.top : FACE.top + FACE.height, FACE.left : FACE.left + FACE.width]
RGB = np.ascontiguousarray(BGR[:, :, ::-1])
GREY = cv2.cvtColor(BGR, cv2.COLOR_BGR2GRAY)
PNG = cv2.imencode(".png", BGR)[1].tobytes()
BASE64 = base64.b64encode(PNG).decode()


@pytest.fixture(scope="module")
def faces() -> FaceService:
    return FaceService(FaceClassifier.from_pretrained("mien_small"))


@pytest.mark.parametrize(
    ("pictures", "count"),
    [
        (GREY, 1),
        (RGB.tolist(), 1),
        (RGB[np.newaxis], 1),
        (np.stack([GREY, GREY]).astype(np.int64), 2),
        (GREY[np.newaxis, :, :, np.newaxis].astype(float).tolist(), 1),
        ([GREY.tolist(), RGB[:100, :100].tolist()], 2),
        (BASE64, 1),
        ([BASE64, f"data:image/png;base64,{BASE64}"], 2),
        (np.array([PNG], object), 1),
        (pd.DataFrame({"image": [BASE64, PNG, GREY]}), 3),
        ({"image": [BASE64]}, 1),
        (np.zeros((0, 48, 48), np.uint8), 0),
    ],
)
def test_pictures_in_any_form_are_read_as_by_the_classifier(faces: FaceService, pictures: Any, count: int) -> None:
    classifier = FaceClassifier.from_pretrained("mien_small")
    (expected,) = classifier.predict_proba(GREY[np.newaxis], tta="mirror")
    answers = faces.predict(pictures)
    assert list(answers) == ["emotion", "confidence", *classifier.classes_]
    assert len(answers) == count
    for _, row in answers.head(1).iterrows():
        np.testing.assert_allclose(row[classifier.classes_].astype(float), expected, atol=1e-6)
        assert (row["emotion"], row["confidence"]) == (classifier.classes_[expected.argmax()], row.iloc[2:].max())


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (GREY / 255, "picture 0: found float64 0.* .. .*, expected whole numbers 0..255: multiply fractions of 0..1"),
        (np.full((1, 20, 20), -1), "picture 0: found int64 -1 .. -1, expected whole numbers 0..255"),
        ((GREY > 100).astype(int), "picture 0: found int64 0 .. 1, expected whole numbers 0..255: multiply"),
        (GREY > 100, r"picture 0: found bool \(.*\), expected a face"),
        (GREY + 0.5, "picture 0: found float64 .*, expected whole numbers"),
        (["nonsense!"], "picture 0: found text that is not base64"),
        ([BASE64, base64.b64encode(b"hello").decode()], "picture 1: .*is not a picture that can be read"),
        (np.zeros((1, 20, 20, 4), np.uint8), r"picture 0: found \(20, 20, 4\), expected a face"),
        ([[[1, 2], [3]]], "picture 0: found rows of different lengths"),
        (pd.DataFrame({"a": [1], "b": [2]}), "found a table of 2 columns, expected one column"),
        (5, "found int, expected pictures"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_row(faces: FaceService, pictures: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        faces.predict(pictures)


def test_aus_are_taken_by_the_names_of_their_columns() -> None:
    classifier = AUClassifier.from_pretrained()
    rows = np.zeros((1, len(AUS)), np.float32)
    rows[0, [AUS.index(6), AUS.index(12)]] = 90
    service = AUService(classifier)
    taken: list[Any] = [rows, rows.tolist(), pd.DataFrame(rows, columns=COLUMNS)[COLUMNS[::-1]]]
    for given in taken:
        answers = service.predict(given)
        assert answers["emotion"].tolist() == ["happy"]
        np.testing.assert_allclose(answers[classifier.classes_], classifier.predict_proba(rows))
    refused: list[tuple[Any, str]] = [
        (pd.DataFrame(rows[:, 1:], columns=COLUMNS[1:]), "the table lacks the column AU01"),
        ([["x"] * len(AUS)], "found a value that is not a number"),
        (np.full((1, len(AUS)), np.nan), "found a row with missing intensities"),
        (rows * 2, r"intensities: found 0 .. 180, expected 0..100"),
    ]
    for given, message in refused:
        with pytest.raises(InputError, match=f"^{message}"):
            service.predict(given)


def test_aus_on_the_scale_of_a_tool_are_noted(capsys: pytest.CaptureFixture[str]) -> None:
    service = AUService(AUClassifier.from_pretrained())
    rows = np.zeros((2, len(AUS)), np.float32)
    service.predict(rows)
    assert not capsys.readouterr().err
    rows[0, AUS.index(12)] = 4.2
    service.predict(rows)
    assert capsys.readouterr().err == (
        "note: no intensity is above 4.2 of 100; are these OpenFace's, of 0..5, or py-feat's, of 0..1?\n"
    )
    rows[1, AUS.index(6)] = 60
    service.predict(rows)
    assert not capsys.readouterr().err
