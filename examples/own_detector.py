"""Use another face detector: any object with a method `detect`. This one looks only at the middle of the photo.

python examples/own_detector.py [PHOTO]
"""

import sys
from pathlib import Path

import numpy as np

from mien import EmotionRecognizer
from mien.inference.faces.detectors import Detection, make_detector


class MiddleDetector:
    """Finds faces whose centre is in the middle half of the picture's width."""

    def __init__(self) -> None:
        self._detector = make_detector("yunet")

    def detect(self, image: np.ndarray) -> list[Detection]:
        """Return the faces in a picture, uint8 (height, width, 3) BGR, the largest first."""
        width = image.shape[1]
        faces = self._detector.detect(image)
        return [face for face in faces if width / 4 <= face.box.left + face.box.width / 2 <= 3 * width / 4]


photo = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("astronaut.jpg")
for face in EmotionRecognizer(detector=MiddleDetector()).predict(photo):
    print(face.label)
