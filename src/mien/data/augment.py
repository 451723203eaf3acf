"""Augmentation: random variants of a face that keep its emotion, on uint8 arrays with OpenCV.

Own code: faster than Keras' ImageDataGenerator (benchmarks/augment.py), and the same bytes for the same seed.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from mien.config import Augmentation

# OpenCV's flags, and their fastest dtypes: cubic takes half as long on float32 as on uint8
_INTERPOLATIONS = {"linear": (cv2.INTER_LINEAR, np.uint8), "cubic": (cv2.INTER_CUBIC, np.float32)}
_MAX_BLUR, _MAX_NOISE = 1.5, 15.0  # standard deviations, in pixels and grey levels
_QUALITIES = (60, 10)  # of JPEG, the best and the worst


@dataclass(frozen=True)
class Changes:
    """The random changes that augment N images, one set per image.

    Attributes:
        warps: affine maps, float64 (N, 2, 3).
        gain: factor on the grey levels, float64 (N,).
        offset: added to the grey levels, float64 (N,).
        centres: row and column of the middle of the cutout square, int64 (N, 2).
        side: of that square, in pixels.
        degradations: number in `_DEGRADATIONS` from 1 (0: none), strength 0..1 and seed, float64 (N, 3).
        interpolation: as in `Augmentation`.
    """

    warps: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    centres: np.ndarray
    side: int
    degradations: np.ndarray
    interpolation: str

    def __getitem__(self, rows: slice | np.ndarray) -> "Changes":
        return replace(
            self,
            warps=self.warps[rows],
            gain=self.gain[rows],
            offset=self.offset[rows],
            centres=self.centres[rows],
            degradations=self.degradations[rows],
        )

    def without_degradations(self) -> "Changes":
        """Return the changes without blur, noise and compression."""
        return replace(self, degradations=np.zeros_like(self.degradations))

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Return an augmented copy of each of N images. `images` and the result are uint8 (N, size, size)."""
        augmented = self._warped(images)
        if (self.gain != 1).any() or (self.offset != 0).any():
            for output, table in zip(augmented, _tables(self.gain, self.offset), strict=True):
                cv2.LUT(output, table, output)
        if self.side:
            starts = self.centres - self.side // 2
            squares = np.concatenate([np.maximum(starts, 0), np.maximum(starts + self.side, 0)], axis=1)
            for output, (top, left, bottom, right) in zip(augmented, squares.tolist(), strict=True):
                output[top:bottom, left:right] = int(cv2.mean(output)[0])
        for row in np.flatnonzero(self.degradations[:, 0]):
            kind, strength, seed = self.degradations[row]
            augmented[row] = _DEGRADATIONS[int(kind) - 1](augmented[row], float(strength), int(seed))
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
    centres = rng.integers(0, size, (count, 2))
    side = round(augmentation.cutout * size)
    degradations = _degradations(count, augmentation.degraded, rng)
    return Changes(warps, gain, offset, centres, side, degradations, augmentation.interpolation)


def _degradations(count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw how `share` of the images are degraded: kind, strength and seed, float64 (count, 3)."""
    if not share:
        return np.zeros((count, 3))  # draws nothing, so that other draws stay as they were before this one came
    kinds = np.where(rng.random(count) < share, rng.integers(1, len(_DEGRADATIONS) + 1, count), 0)
    return np.stack([kinds, rng.random(count), rng.integers(0, 2**32, count)], axis=1)


def _blurred(image: np.ndarray, strength: float, _: int) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), max(strength * _MAX_BLUR, 0.1))


def _noisy(image: np.ndarray, strength: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, strength * _MAX_NOISE, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def _compressed(image: np.ndarray, strength: float, _: int) -> np.ndarray:
    best, worst = _QUALITIES
    quality = round(best + strength * (worst - best))
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


#: What cameras and files do to uint8 (size, size), by a strength 0..1 and a seed.
_DEGRADATIONS = (_blurred, _noisy, _compressed)


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
