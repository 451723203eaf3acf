"""Real photos for tests, and pictures made of them."""

from importlib.metadata import distribution
from pathlib import Path

import cv2
import numpy as np
from matplotlib import cbook

from mien.inference.faces.detectors import Box

#: Rear Admiral Grace Hopper, United States Navy, 1984: in the public domain. It comes with matplotlib.
PORTRAIT = Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
#: Where its face is: from eyebrow to chin, and from ear to ear.
FACE = Box(165, 125, 200, 200)


def _of_scikit_image(name: str) -> Path:
    """Return a file that comes with scikit-image, whose import would cost a second."""
    (path,) = (path for path in distribution("scikit-image").files or [] if path.name == name)
    return Path(str(path.locate()))


#: Eileen Collins, by NASA: in the public domain.
ASTRONAUT = _of_scikit_image("astronaut.png")
_FACES = _of_scikit_image("lfw_subset.npy")


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


def faces() -> np.ndarray:
    """Return faces of 100 news photos, uint8 (100, 48, 48), grey: LFW's, which scikit-image has in 25 pixels."""
    small = np.load(_FACES)[:100]  # behind them stand as many pictures of something else
    return np.stack([cv2.resize(np.rint(255 * face).astype(np.uint8), (48, 48)) for face in small])


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
