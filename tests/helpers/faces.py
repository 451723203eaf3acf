"""Drawn faces of two emotions, which networks tell apart after seconds of training."""

import numpy as np

from mien.aus.facs import AUS
from mien.config import Variation
from mien.rendering import draw_face

_STRONG_AUS = ((6, 12), (2, 5, 26))


def happy_and_surprised_faces(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return faces, uint8 (count, 48, 48), the two emotions in turn, and their targets, float32 (count, 2)."""
    labels, rng = np.arange(count) % 2, np.random.default_rng(0)
    variation = Variation(identity=0.2, pose=0.2, scale=0.2, light=0.2, noise=0.2, occlusion=0.0)
    intensities = [[100.0 * (au in _STRONG_AUS[label]) for au in AUS] for label in labels]
    return np.stack([draw_face(row, variation, rng) for row in intensities]), np.eye(2, dtype=np.float32)[labels]
