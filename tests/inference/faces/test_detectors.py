"""Detectors on a real photo, and the crops of faces."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from helpers.photos import FACE, overlap, portrait
from helpers.pictures import picture

from mien._io.errors import InputError
from mien.data.decode import resize
from mien.inference.faces.detectors import DETECTORS, Box, Detection, NoDetector, crops, make_detector


@pytest.mark.parametrize("name", ["yunet", "haar", "mtcnn"])
def test_the_face_of_a_photo_is_found_and_squared(name: str) -> None:
    ((box, _),) = make_detector(name).detect(portrait())
    assert box.width == box.height
    assert overlap(box, FACE) > 0.6


def test_mtcnn_finds_what_its_package_finds() -> None:
    ((box, _),) = make_detector("mtcnn").detect(portrait())
    from mtcnn import MTCNN  # once mien has loaded TensorFlow

    (face,) = MTCNN().detect_faces(cv2.cvtColor(portrait(), cv2.COLOR_BGR2RGB))
    left, top, width, height = face["box"]
    assert box == Box(round(left + (width - height) / 2), top, height, height)


@pytest.mark.parametrize("name", ["yunet", "haar", "mtcnn"])
def test_where_no_face_is_none_is_found(name: str) -> None:
    detector = make_detector(name)
    noise = np.dstack([picture(seed, 120, 200) for seed in range(3)])
    for image in (noise, np.zeros((200, 300, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)):
        assert detector.detect(image) == []


def test_several_faces_come_with_the_largest_first() -> None:
    face = portrait()
    small = cv2.resize(face, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    both = np.full((600, 800, 3), 128, np.uint8)
    both[:300, :256], both[:, 256:768] = small, face
    first, second = make_detector("haar").detect(both)
    assert overlap(first.box, Box(FACE.left + 256, *FACE[1:])) > 0.6
    assert overlap(second.box, Box(*(value // 2 for value in FACE))) > 0.6


def test_a_large_photo_is_searched_at_a_smaller_size_but_its_boxes_are_its_own() -> None:
    large = cv2.resize(portrait(), None, fx=6, fy=6)
    ((box, _),) = make_detector("haar", search_size=600).detect(large)
    assert overlap(box, Box(*(value * 6 for value in FACE))) > 0.6


def test_none_takes_the_whole_picture_for_a_face() -> None:
    assert NoDetector().detect(np.zeros((48, 60, 3), np.uint8)) == [Detection(Box(0, 0, 60, 48))]


def test_an_unknown_detector_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'retina', expected one of yunet, haar, mtcnn, none"):
        make_detector("retina")
    assert list(DETECTORS) == ["yunet", "haar", "mtcnn", "none"]


def test_crops_are_grey_and_resized_as_the_training_data_are() -> None:
    image = np.repeat(picture(0, 200)[:, :, None], 3, axis=2)
    crop = crops(image, [Detection(Box(20, 30, 96, 96))], 48)
    assert crop.dtype == np.uint8
    assert np.array_equal(crop[0], resize(image[30:126, 20:116, 0], 48))


def test_crops_repeat_the_border_beyond_the_edge() -> None:
    image = np.repeat(picture(0, 10)[:, :, None], 3, axis=2)
    (crop,) = crops(image, [Detection(Box(-2, 6, 8, 8))], 8)
    assert np.array_equal(crop[:4, 2:], image[6:, :6, 0])
    assert np.array_equal(crop[:4, :2], np.repeat(image[6:, :1, 0], 2, axis=1))
    assert np.array_equal(crop[4:], np.repeat(crop[3:4], 4, axis=0))


def test_no_boxes_make_no_crops() -> None:
    assert crops(np.zeros((10, 10, 3), np.uint8), [], 48).shape == (0, 48, 48)


def test_tensorflow_is_loaded_only_for_mtcnn() -> None:
    code = (
        "import sys; from mien.inference.faces.detectors import make_detector\n"
        "make_detector('haar'); print('keras' in sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output == "False\n"
