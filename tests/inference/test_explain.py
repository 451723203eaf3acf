"""Maps of what in a face carried the answer point at what did, by networks that look at known places."""

from pathlib import Path

import numpy as np
from helpers.networks import linear_network
from helpers.photos import portrait

from mien import EmotionRecognizer, FaceClassifier
from mien.inference.explain import draw_explanations, evidence_maps, explain

CORNER = (slice(26, 44), slice(4, 22))  # rows and columns of a face of 48 pixels
SAD = 2  # of the classes of `linear_network`


def corner_network(folder: Path) -> FaceClassifier:
    """Return a classifier that sees nothing but a corner: the stripes that `striped` has there mean "sad"."""
    weights = np.zeros((48, 48, 3))
    weights[*CORNER, SAD] = np.where(np.arange(18) % 4 < 2, 0.05, -0.05)
    return FaceClassifier.from_pretrained(linear_network(folder, weights.reshape(-1, 3), np.zeros(3)))


def striped() -> np.ndarray:
    face = np.random.default_rng(0).integers(90, 160, (48, 48)).astype(np.uint8)
    face[CORNER] = np.where(np.arange(18) % 4 < 2, 220, 40)
    return face


def test_what_speaks_for_an_emotion_is_above_what_does_not(tmp_path: Path) -> None:
    classifier, face = corner_network(tmp_path), striped()
    upside_down = face[::-1].copy()  # its stripes are where the network does not look
    found, elsewhere = evidence_maps(classifier, np.stack([face, upside_down]), np.array([SAD, SAD]))
    assert (found.dtype, found.shape) == (np.float32, (48, 48))
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert CORNER[0].start <= row < CORNER[0].stop
    assert CORNER[1].start <= column < CORNER[1].stop
    assert found[:12, 30:].max() < 0.02 * found.max()
    assert elsewhere.max() < 0.1 * found.max()
    (against,) = evidence_maps(classifier, face[None], np.array([0]))
    assert against[CORNER].max() < 0


def test_a_photo_without_faces_gives_no_maps_and_a_blank_picture(tmp_path: Path) -> None:
    recognizer = EmotionRecognizer(corner_network(tmp_path))
    assert explain(recognizer, np.full((200, 200, 3), 127, np.uint8)) == []
    assert (draw_explanations([]) == 255).all()


def test_the_faces_are_those_of_predict_and_each_has_a_row_in_the_picture() -> None:
    recognizer = EmotionRecognizer("mien_small", precision="fp32")
    photo = np.hstack([portrait(), portrait()])
    explanations = explain(recognizer, photo)
    assert [part.face for part in explanations] == recognizer.predict_bgr(photo)
    assert len(explanations) == 2
    picture = draw_explanations(explanations)
    assert picture.shape[1:] == (480, 3)
    first, second = np.split(picture, 2)
    for row in (first, second):
        left, right = np.split(row[-240:].astype(int), 2, axis=1)
        assert (left[..., 0] == left[..., 2]).all()  # grey
        reddened = right[..., 2] - right[..., 0]
        assert reddened.min() >= -10  # interpolation overshoots
        assert 0.1 < (reddened > 20).mean() <= 0.5
