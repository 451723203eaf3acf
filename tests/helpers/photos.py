"""A real photo for tests, and pictures made of it."""

from pathlib import Path

import cv2
import numpy as np
from matplotlib import cbook

from mien.inference.detectors import Box

#: Rear Admiral Grace Hopper, United States Navy, 1984: in the public domain. It comes with matplotlib.
PORTRAIT = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
#: Where its face is: from eyebrow to chin, and from ear to ear.
FACE = Box(165, 125, 200, 200)


def portrait() -> np.ndarray:
    """Return the photo: uint8 (600, 512, 3), BGR."""
    image = cv2.imread(str(PORTRAIT))
    assert image is not None
    return image


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union of two boxes."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(width, 0) * max(height, 0)
    return shared / (one.width * one.height + other.width * other.height - shared)
