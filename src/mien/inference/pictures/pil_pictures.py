"""Turns decoded PIL images into the arrays that detectors read."""

import cv2
import numpy as np
from PIL import Image, ImageOps

from mien.data.transparency import on_white


def pil_to_bgr(image: Image.Image) -> np.ndarray:
    """Return an image upright by its EXIF data, transparent areas white: uint8 (height, width, 3), BGR."""
    image = on_white(ImageOps.exif_transpose(image))
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR)
