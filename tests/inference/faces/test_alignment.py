"""Levelled crops: what a tilted head costs."""

import cv2
import numpy as np
import pytest
from helpers.photos import FACE, portrait

from mien.inference.faces.alignment import aligned_crop, similarity
from mien.inference.faces.detectors import make_detector


def landmarks() -> np.ndarray:
    ((_, found),) = make_detector("yunet").detect(portrait())
    assert found is not None
    return found


def test_eyes_and_mouth_come_to_where_fer2013_has_them() -> None:
    points = landmarks()[[0, 1, 3, 4]]
    template = np.array([[14.8, 18.5], [32.5, 19.1], [16.1, 36.5], [30.0, 37.1]])
    moved = cv2.transform(points[None].astype(float), similarity(points, template))[0]
    assert np.abs(moved - template).max() < 3  # pixels of 48: faces differ in their proportions


@pytest.mark.parametrize("degrees", [-40, 20, 90, 180])
@pytest.mark.parametrize(("scale", "likeness"), [(0.2, 0.94), (1.0, 0.97), (2.0, 0.97)])  # a face of 40 px is blurred
def test_a_tilted_face_gives_the_crop_of_the_upright_one(degrees: int, scale: float, likeness: float) -> None:
    image, points = portrait(), landmarks()
    centre = FACE.left + FACE.width / 2, FACE.top + FACE.height / 2
    matrix = cv2.getRotationMatrix2D(centre, degrees, scale)
    turned = cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    moved = cv2.transform(points[None], matrix)[0]
    plain, level = aligned_crop(image, points, 48), aligned_crop(turned, moved, 48)
    assert level.shape == (48, 48)
    assert level.dtype == np.uint8
    inner = slice(8, 40)  # the border may lie outside the turned picture
    assert np.corrcoef(plain[inner, inner].ravel(), level[inner, inner].ravel())[0, 1] > likeness


def test_beyond_the_edge_the_outermost_pixels_are_repeated() -> None:
    image = np.full((60, 60, 3), 200, np.uint8)
    points = np.array([[-10, 5], [10, 5], [0, 15], [-6, 25], [6, 25]], np.float32)
    assert (aligned_crop(image, points, 48) == 200).all()
