"""Real photos for tests, and pictures made of them."""

from importlib.metadata import distribution
from pathlib import Path

import cv2
import numpy as np
from matplotlib import cbook

from mien.inference.detectors import Box

#: Rear Admiral Grace Hopper, United States Navy, 1984: in the public domain. It comes with matplotlib.
PORTRAIT = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
#: Where its face is: from eyebrow to chin, and from ear to ear.
FACE = Box(165, 125, 200, 200)
#: Eileen Collins, by NASA: in the public domain. scikit-image has the picture; importing it would cost a second.
(ASTRONAUT,) = (
    Path(str(path.locate())) for path in distribution("scikit-image").files or [] if path.name == "astronaut.png"
)


def portrait() -> np.ndarray:
    """Return the photo: uint8 (600, 512, 3), BGR."""
    image = cv2.imread(str(PORTRAIT))
    assert image is not None
    return image


def astronaut() -> np.ndarray:
    """Return the photo: uint8 (512, 512, 3), BGR."""
    image = cv2.imread(str(ASTRONAUT))
    assert image is not None
    return image


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """Return a picture, turned around its middle."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union of two boxes."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(width, 0) * max(height, 0)
    return shared / (one.width * one.height + other.width * other.height - shared)
