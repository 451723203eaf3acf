"""Drawn faces show the Action Units they are given."""

import numpy as np
import pytest

from mien.aus.facs import AUS
from mien.config import Variation
from mien.rendering import draw_face
from mien.rendering.anatomy import DRAWN_AUS

PLAIN = Variation(identity=0.0, pose=0.0, scale=0.0, light=0.0, noise=0.0, occlusion=0.0)
VARIED = Variation(identity=1.0, pose=1.0, scale=1.0, light=1.0, noise=1.0, occlusion=1.0)
UPPER, LOWER = slice(0, 26), slice(26, 48)


def face(variation: Variation = PLAIN, seed: int = 0, au: int | None = None, intensity: float = 100) -> np.ndarray:
    intensities = np.array([intensity if one == au else 0.0 for one in AUS])
    return draw_face(intensities, variation, np.random.default_rng(seed))


def change(region: slice, au: int, intensity: float = 100) -> float:
    """Return how far one AU changes a part of the plain face, in mean grey levels."""
    moved = face(au=au, intensity=intensity).astype(int)
    return float(np.abs(moved - face().astype(int))[region].mean())


def test_a_face_is_a_grey_picture() -> None:
    assert face(VARIED).shape == (48, 48)
    assert face(VARIED).dtype == np.uint8


@pytest.mark.parametrize("au", DRAWN_AUS)
def test_each_au_moves_the_face_more_the_stronger_it_is(au: int) -> None:
    weak, strong = (change(slice(None), au, intensity) for intensity in (15, 100))
    assert strong > 0.5
    assert weak < strong / 2


@pytest.mark.parametrize("au", [1, 2, 4, 5, 7])
def test_upper_aus_move_the_upper_face(au: int) -> None:
    assert change(UPPER, au) > 10 * change(LOWER, au)


@pytest.mark.parametrize("au", [12, 17, 20, 23, 26])  # 15 also droops the lids, see anatomy._eye
def test_lower_aus_move_the_lower_face(au: int) -> None:
    assert change(LOWER, au) > 2 * change(UPPER, au)


def test_the_generator_decides() -> None:
    assert np.array_equal(face(VARIED, seed=1), face(VARIED, seed=1))
    assert not np.array_equal(face(VARIED, seed=1), face(VARIED, seed=2))


def test_without_variation_all_faces_are_one() -> None:
    assert np.array_equal(face(seed=1), face(seed=2))
