"""YuNet on a real photo, turned, shrunk and in a crowd; and the install that brings its weights."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.photos import FACE, astronaut, overlap, portrait

from mien._io.errors import InputError
from mien.inference.faces import yunet
from mien.inference.faces.detectors import Box, Detection, distinct, make_detector
from mien.inference.recognizer import EmotionRecognizer


def tilted(degrees: float) -> np.ndarray:
    """Return the portrait, turned around its face."""
    centre = FACE.left + FACE.width / 2, FACE.top + FACE.height / 2
    matrix = cv2.getRotationMatrix2D(centre, degrees, 1)
    image = portrait()
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("degrees", [-30, 15, 30])
def test_tilted_faces_are_found_with_their_tilt(degrees: int) -> None:
    tilts = []
    for image in (portrait(), tilted(degrees)):
        ((box, landmarks),) = make_detector("yunet").detect(image)
        assert overlap(box, FACE) > 0.5
        assert landmarks is not None
        right, down = landmarks[1] - landmarks[0]
        tilts.append(-np.degrees(np.arctan2(down, right)))
    assert 0.5 < (tilts[1] - tilts[0]) / degrees < 1.1  # of large tilts YuNet sees a part


@pytest.mark.parametrize("degrees", [-45, 45])
@pytest.mark.parametrize("scale", [0.5, 4])
def test_heads_tilted_by_45_degrees_are_found_where_they_are_and_level(degrees: int, scale: float) -> None:
    image = cv2.resize(tilted(degrees), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ((box, landmarks),) = make_detector("yunet").detect(image)
    assert overlap(box, Box(*(round(value * scale) for value in FACE))) > 0.5
    assert landmarks is not None
    right, down = landmarks[1] - landmarks[0]
    assert -np.degrees(np.arctan2(down, right)) == pytest.approx(degrees, abs=15)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_on_its_side_or_upside_down_is_read_as_the_upright_one(quarters: int) -> None:
    recognizer = EmotionRecognizer("mien_small")
    photo = astronaut()
    ((upright,), (turned,)) = map(recognizer.predict_bgr, (photo, np.ascontiguousarray(np.rot90(photo, quarters))))
    assert turned.emotion == upright.emotion == "happy"
    assert turned.confidence == pytest.approx(upright.confidence, abs=0.1)
    assert turned.box.height == pytest.approx(upright.box.height, rel=0.2)


def test_faces_lower_than_the_smallest_that_is_asked_for_are_left_out() -> None:
    ((box, _),) = make_detector("yunet").detect(portrait())
    assert len(make_detector("yunet", min_face=box.height).detect(portrait())) == 1
    for larger in (round(1.3 * box.height), 10_000, 65_535):
        assert make_detector("yunet", min_face=larger).detect(portrait()) == []


def test_a_small_face_in_a_photo_of_12_megapixels_is_found_where_it_is() -> None:
    image = np.full((3000, 4000, 3), 120, np.uint8)
    scale = 30 / FACE.height
    small = cv2.resize(portrait(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for left, top in ((100, 120), (1410, 1420), (3850, 2900)):  # the second where tiles meet
        image[top : top + small.shape[0], left : left + small.shape[1]] = small
    found = make_detector("yunet").detect(image)
    expected = [
        Box(*(round(value * scale) + shift for value, shift in zip(FACE, (*corner, 0, 0), strict=True)))
        for corner in ((100, 120), (1410, 1420), (3850, 2900))
    ]
    assert len(found) == 3
    for box in expected:
        assert max(overlap(box, detection.box) for detection in found) > 0.5
    assert make_detector("yunet", min_face=60).detect(image) == []


def test_a_face_as_large_as_the_photo_is_found() -> None:
    large = cv2.resize(portrait(), None, fx=6, fy=6)
    ((box, _),) = make_detector("yunet").detect(large)
    assert overlap(box, Box(*(value * 6 for value in FACE))) > 0.6


@pytest.mark.parametrize("shape", [(40, 9000), (9000, 40), (16, 4000), (16, 60000), (3, 500), (16, 16)])
def test_pictures_with_no_room_for_a_face_show_none(shape: tuple[int, int]) -> None:
    assert make_detector("yunet").detect(np.zeros((*shape, 3), np.uint8)) == []


def test_a_box_inside_another_is_not_a_second_face() -> None:
    outer, inner, beside = Box(10, 10, 100, 100), Box(30, 40, 50, 50), Box(100, 10, 60, 60)
    assert distinct([Detection(box) for box in (inner, beside, outer)]) == [Detection(outer), Detection(beside)]


def test_without_its_weights_it_says_what_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yunet, "_FOLDER", "mien_weights_elsewhere")
    with pytest.raises(InputError, match=r"yunet_2023mar.onnx: not found beside mien, .* pip install"):
        make_detector("yunet")


@pytest.mark.parametrize(("option", "smallest"), [("min_face", 12), ("search_size", 64)])
def test_sizes_that_hold_no_face_are_refused(option: str, smallest: int) -> None:
    with pytest.raises(InputError, match=f"^{option}: found 5, expected at least {smallest} pixels"):
        make_detector("yunet", **{option: 5})


def test_damaged_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "other_weights"
    folder.mkdir()
    (folder / "face_detection_yunet_2023mar.onnx").write_bytes(b"damaged")
    monkeypatch.setattr(yunet, "_FOLDER", "other_weights")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"yunet_2023mar.onnx: found SHA-256 \w+, expected 8f2383e4dd3c: damaged"):
        make_detector("yunet")
