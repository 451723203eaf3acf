"""Augmentation: random variants of a face that keep its emotion, on uint8 arrays with OpenCV.

Own code: faster than Keras' ImageDataGenerator (benchmarks/augment.py), and the same bytes for the same seed.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from mien.config import Augmentation

# OpenCV's flags, and their fastest dtypes: cubic takes half as long on float32 as on uint8
_INTERPOLATIONS = {"linear": (cv2.INTER_LINEAR, np.uint8), "cubic": (cv2.INTER_CUBIC, np.float32)}


@dataclass(frozen=True)
class Changes:
    """The random changes that augment N images, one set per image.

    Attributes:
        warps: affine maps, float64 (N, 2, 3).
        gain: factor on the grey levels, float64 (N,).
        offset: added to the grey levels, float64 (N,).
        corners: row and column of the middle of the cutout square, int64 (N, 2).
        side: of that square, in pixels.
        interpolation: as in `Augmentation`.
    """

    warps: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    corners: np.ndarray
    side: int
    interpolation: str

    def __getitem__(self, rows: slice | np.ndarray) -> "Changes":
        warps, gain, offset, corners = (array[rows] for array in (self.warps, self.gain, self.offset, self.corners))
        return Changes(warps, gain, offset, corners, self.side, self.interpolation)

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Return an augmented copy of each of N images. `images` and the result are uint8 (N, size, size)."""
        augmented = self._warped(images)
        if (self.gain != 1).any() or (self.offset != 0).any():
            for output, table in zip(augmented, _tables(self.gain, self.offset), strict=True):
                cv2.LUT(output, table, output)
        if self.side:
            starts = self.corners - self.side // 2
            squares = np.concatenate([np.maximum(starts, 0), np.maximum(starts + self.side, 0)], axis=1)
            for output, (top, left, bottom, right) in zip(augmented, squares.tolist(), strict=True):
                output[top:bottom, left:right] = int(cv2.mean(output)[0])
        return augmented

    def _warped(self, images: np.ndarray) -> np.ndarray:
        size = images.shape[1]
        method, dtype = _INTERPOLATIONS[self.interpolation]
        margin = size // 4  # OpenCV is slow near the edge, so it pays to move the edge away
        warps = self.warps.copy()
        warps[:, :, 2] -= margin * warps[:, :, :2].sum(axis=-1)
        augmented = np.empty_like(images)
        inner, warped, zeros = np.zeros((3, size, size), dtype)
        padded = np.empty((size + 2 * margin, size + 2 * margin), dtype)
        for image, warp, output in zip(images, warps, augmented, strict=True):
            inner[:] = image
            cv2.copyMakeBorder(inner, margin, margin, margin, margin, cv2.BORDER_REPLICATE, padded)
            cv2.warpAffine(padded, warp, (size, size), warped, flags=method, borderMode=cv2.BORDER_REPLICATE)
            cv2.add(warped, zeros, output, dtype=cv2.CV_8U)  # because it rounds and clips at 0 and 255
        return augmented


def augment(images: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return an augmented copy of each image. `images` and the result are uint8 (N, size, size)."""
    return draw_changes(len(images), images.shape[1], augmentation, rng).apply(images)


def draw_changes(count: int, size: int, augmentation: Augmentation, rng: np.random.Generator) -> Changes:
    """Draw the changes for `count` images of `size` x `size`."""
    warps = _warps(count, size, augmentation, rng)
    gain = 1 + augmentation.contrast * rng.uniform(-1, 1, count)
    offset = augmentation.brightness * rng.uniform(-1, 1, count) + (1 - gain) * 128
    corners = rng.integers(0, size, (count, 2))
    return Changes(warps, gain, offset, corners, round(augmentation.cutout * size), augmentation.interpolation)


def _tables(gain: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return a lookup table of grey levels for each image: uint8 (N, 256)."""
    levels = np.arange(256) * gain[:, None] + offset[:, None]
    return np.clip(levels, 0, 255).astype(np.uint8)


def _warps(count: int, size: int, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return affine maps (count, 2, 3) about the image's centre: mirror, zoom, rotation, then shift."""
    angle = np.deg2rad(augmentation.rotation) * rng.uniform(-1, 1, count)
    zoom = 1 + augmentation.zoom * rng.uniform(-1, 1, count)
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0) if augmentation.flip else np.ones(count)
    shift = augmentation.shift * size * rng.uniform(-1, 1, (count, 2))
    cosine, sine = zoom * np.cos(angle), zoom * np.sin(angle)
    linear = np.stack([np.stack([cosine * mirror, -sine], -1), np.stack([sine * mirror, cosine], -1)], 1)
    centre = np.full(2, (size - 1) / 2)
    return np.concatenate([linear, (centre - linear @ centre + shift)[..., None]], axis=-1)
