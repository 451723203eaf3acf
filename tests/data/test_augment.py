"""Augmented faces."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.config import Augmentation
from mien.data.augment import augment, draw_changes

STILL = Augmentation(
    flip=False, rotation=0.0, shift=0.0, zoom=0.0, brightness=0.0, contrast=0.0, cutout=0.0, interpolation="cubic"
)
STRONG = Augmentation(
    flip=True, rotation=20.0, shift=0.1, zoom=0.2, brightness=20.0, contrast=0.2, cutout=0.2, interpolation="cubic"
)


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def augmented(images: np.ndarray, seed: int = 0, **changes: float | str) -> np.ndarray:
    """Return augmented images with these changes alone."""
    return augment(images, STILL.model_copy(update=changes), np.random.default_rng(seed))


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_no_augmentation_is_no_change(interpolation: str) -> None:
    assert np.array_equal(augmented(noise(5), interpolation=interpolation), noise(5))


def test_cubic_interpolation_keeps_more_of_what_is_sharp_than_linear() -> None:
    soft, sharp = (
        augmented(noise(50), rotation=10.0, interpolation=how)[:, 12:36, 12:36] for how in ("linear", "cubic")
    )
    assert soft.std() < 0.8 * noise(50).std() < sharp.std() < noise(50).std()


@pytest.mark.parametrize(
    ("interpolation", "flag", "levels"), [("linear", cv2.INTER_LINEAR, 0), ("cubic", cv2.INTER_CUBIC, 1)]
)
def test_views_are_those_of_opencv_up_to_rounding(interpolation: str, flag: int, levels: int) -> None:
    """Though they are made of floats, and of images with a margin."""
    moved = STILL.model_copy(update={"flip": True, "rotation": 20.0, "shift": 0.3, "interpolation": interpolation})
    changes = draw_changes(50, 48, moved, np.random.default_rng(0))
    plain = [
        cv2.warpAffine(image, warp, (48, 48), flags=flag, borderMode=cv2.BORDER_REPLICATE)
        for image, warp in zip(noise(50), changes.warps, strict=True)
    ]
    differences = abs(changes.apply(noise(50)).astype(int) - plain)
    assert differences.max() <= levels
    assert (differences > 0).mean() < 0.005


def test_a_flip_is_a_mirror_image() -> None:
    images = noise(64)
    pairs = list(zip(augmented(images, flip=True), images, strict=True))
    mirrored = [np.array_equal(view, image[:, ::-1]) for view, image in pairs]
    same = [np.array_equal(view, image) for view, image in pairs]
    assert sum(mirrored) + sum(same) == 64
    assert 16 < sum(mirrored) < 48


def test_a_shift_moves_no_further_than_told() -> None:
    image = np.zeros((200, 48, 48), np.uint8)
    image[:, 24, 24] = 255
    rows, columns = np.unravel_index(augmented(image, shift=0.1).reshape(200, -1).argmax(axis=1), (48, 48))
    assert max(abs(rows - 24).max(), abs(columns - 24).max()) == 5


def test_rotation_and_zoom_leave_the_centre_and_go_no_further_than_told() -> None:
    right_half = np.zeros((200, 49, 49), np.uint8)
    right_half[:, :, 24:] = 200
    turned = augmented(right_half, rotation=10.0)
    assert (turned[:, 24, 24] >= 100).all()
    leaning = abs((turned > 100).sum(axis=2)[:, 0].astype(int) - 25)  # how far the upper end of the edge moved
    assert leaning.max() == pytest.approx(24 * np.tan(np.deg2rad(10)), abs=1)

    square = np.zeros((200, 49, 49), np.uint8)
    square[:, 14:35, 14:35] = 200
    sides = np.sqrt((augmented(square, zoom=0.2) > 100).sum(axis=(1, 2)))
    assert (sides.min(), sides.max()) == (pytest.approx(21 * 0.8, abs=1), pytest.approx(21 * 1.2, abs=1))


def test_light_changes_as_told() -> None:
    grey = np.full((100, 48, 48), 128, np.uint8)
    lit = augmented(grey, brightness=20.0).astype(int)
    assert (lit.min(), lit.max()) == (pytest.approx(108, abs=2), pytest.approx(148, abs=2))
    assert (augmented(grey, contrast=0.5) == 128).all()
    grey[:, ::2] = 68
    spread = np.ptp(augmented(grey, contrast=0.5).astype(int), axis=(1, 2))
    assert (spread.min(), spread.max()) == (pytest.approx(30, abs=2), pytest.approx(90, abs=2))


def test_light_ends_at_black_and_white() -> None:
    images = np.zeros((100, 48, 48), np.uint8)
    images[:, ::2] = 255
    lit = augmented(images, brightness=100.0).astype(int)
    assert (lit[:, ::2].min(), lit[:, 1::2].max()) == (pytest.approx(155, abs=3), pytest.approx(100, abs=3))
    assert (lit[:, ::2].max(), lit[:, 1::2].min()) == (255, 0)


def test_a_cutout_covers_no_more_than_told() -> None:
    stripes = np.zeros((100, 48, 48), np.uint8)
    stripes[:, ::2] = 200
    changed = (augmented(stripes, cutout=0.25) != stripes).sum(axis=(1, 2))
    assert changed.min() >= 12 * 12 / 4
    assert changed.max() == 12 * 12


def test_a_share_of_the_images_is_blurred_noisy_or_compressed() -> None:
    grey = np.full((300, 48, 48), 128, np.uint8)  # JPEG and blur leave it as it is
    noisy = augmented(grey, degraded=1.0).astype(int) - 128
    assert 70 < noisy.any(axis=(1, 2)).sum() < 130
    assert 12 < noisy.std(axis=(1, 2)).max() < 16

    edge = grey.copy()
    edge[:, :, 21:] = 208
    kept, some, every = (augmented(edge, degraded=share).astype(int) for share in (0.0, 0.3, 1.0))
    assert np.array_equal(kept, edge)
    assert 60 < (some != edge).any(axis=(1, 2)).sum() < 120
    assert (every != edge).any(axis=(1, 2)).sum() > 270
    slopes = np.abs(np.diff(every, axis=2)).max(axis=(1, 2))[~noisy.any(axis=(1, 2))]
    assert slopes.min() < 30  # a blurred edge of 80 levels
    assert slopes.max() > 70  # a compressed one


def test_degraded_images_are_otherwise_those_that_they_were() -> None:
    drawn = (
        draw_changes(200, 48, STRONG.model_copy(update={"degraded": share}), np.random.default_rng(1))
        for share in (0.0, 0.5)
    )
    plain, degraded = (changes.apply(noise(200)) for changes in drawn)
    same = (plain == degraded).all(axis=(1, 2))
    assert 70 < same.sum() < 130
    rows = np.flatnonzero(~same)[:5]
    taken = draw_changes(200, 48, STRONG.model_copy(update={"degraded": 0.5}), np.random.default_rng(1))[rows]
    assert np.array_equal(taken.apply(noise(200)[rows]), degraded[rows])


def test_the_generator_decides_the_views() -> None:
    first, again, other = (augment(noise(5), STRONG, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_images_mapped_from_disk_give_the_same_views(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", noise(5))
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    one, other = (augment(images, STRONG, np.random.default_rng(1)) for images in (mapped, noise(5)))
    assert np.array_equal(one, other)
    assert np.array_equal(mapped, noise(5))
