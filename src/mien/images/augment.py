"""Augmentation: new views of a face that keep its emotion, on uint8 arrays with OpenCV."""

from dataclasses import dataclass
from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import Field

from mien.schema import Schema, Share

_INTERPOLATIONS = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


class Augmentation(Schema):
    """How far a new view may stray from the face it is made of; 0 (or False) switches a change off.

    flip: mirror half of the views. rotation: at most so many degrees. shift: at most this share of the width.
    zoom, contrast: at most this share more or less. brightness: at most so many grey levels (of 255).
    cutout: side of a square filled with the mean, as a share of the width (DeVries & Taylor 2017). interpolation: of
    what is turned, shifted or zoomed; linear softens it, cubic (Keys 1981) keeps nearly the sharpness of faces as they
    are, which is what a network is asked about later.
    """

    flip: bool
    rotation: Annotated[float, Field(ge=0, le=180)]
    shift: Share
    zoom: Annotated[float, Field(ge=0, lt=1)]
    brightness: Annotated[float, Field(ge=0, le=255)]
    contrast: Annotated[float, Field(ge=0, lt=1)]
    cutout: Share
    interpolation: Literal["linear", "cubic"]


@dataclass(frozen=True)
class Changes:
    """What turns images into new views of them, drawn for each.

    warps: float64 (N, 2, 3), affine maps. gain: float64 (N,), of the light. offset: float64 (N,), grey levels.
    corners: int64 (N, 2), rows and columns of a square's middle. side: of that square, in pixels. interpolation: a
    flag of OpenCV's.
    """

    warps: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    corners: np.ndarray
    side: int
    interpolation: int

    def __getitem__(self, rows: slice) -> "Changes":
        warps, gain, offset, corners = (of[rows] for of in (self.warps, self.gain, self.offset, self.corners))
        return Changes(warps, gain, offset, corners, self.side, self.interpolation)

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Return a new view of each of N images. `images` and the result are uint8 (N, size, size)."""
        size = images.shape[1]
        lit = (self.gain != 1).any() or (self.offset != 0).any()
        tables = _tables(self.gain, self.offset) if lit else None
        views = np.empty_like(images)
        for i, view in enumerate(views):
            cv2.warpAffine(
                images[i], self.warps[i], (size, size), view, flags=self.interpolation, borderMode=cv2.BORDER_REPLICATE
            )
            if tables is not None:
                cv2.LUT(view, tables[i], view)
            if self.side:
                top, left = self.corners[i] - self.side // 2
                view[max(top, 0) : top + self.side, max(left, 0) : left + self.side] = int(cv2.mean(view)[0])
        return views


def augment(images: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return one new view of each image. `images` and the result are uint8 (N, size, size)."""
    return draw(len(images), images.shape[1], augmentation, rng).apply(images)


def draw(count: int, size: int, augmentation: Augmentation, rng: np.random.Generator) -> Changes:
    """Draw what turns `count` images of `size` x `size` into new views."""
    warps = _warps(count, size, augmentation, rng)
    gain = 1 + augmentation.contrast * rng.uniform(-1, 1, count)
    offset = augmentation.brightness * rng.uniform(-1, 1, count) + (1 - gain) * 128
    corners = rng.integers(0, size, (count, 2))
    side, interpolation = round(augmentation.cutout * size), _INTERPOLATIONS[augmentation.interpolation]
    return Changes(warps, gain, offset, corners, side, interpolation)


def _tables(gain: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return for each image what each grey level becomes: uint8 (N, 256)."""
    levels = np.arange(256) * gain[:, None] + offset[:, None]
    return np.clip(levels, 0, 255).astype(np.uint8)


def _warps(count: int, size: int, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return `count` affine maps (count, 2, 3) about the image's centre: mirror, zoom, rotation, then shift."""
    angle = np.deg2rad(augmentation.rotation) * rng.uniform(-1, 1, count)
    zoom = 1 + augmentation.zoom * rng.uniform(-1, 1, count)
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0) if augmentation.flip else np.ones(count)
    shift = augmentation.shift * size * rng.uniform(-1, 1, (count, 2))
    cosine, sine = zoom * np.cos(angle), zoom * np.sin(angle)
    linear = np.stack([np.stack([cosine * mirror, -sine], -1), np.stack([sine * mirror, cosine], -1)], 1)
    centre = np.full(2, (size - 1) / 2)
    return np.concatenate([linear, (centre - linear @ centre + shift)[..., None]], axis=-1)
