"""Emotions of all faces in a picture: a detector and a predictor together."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.inference.detectors import Box, Detector, crops
from mien.inference.face_classifier import FaceClassifier

#: The columns of `Face.row`; the probability of each emotion follows.
COLUMNS = (*Box._fields, "emotion", "confidence")


@dataclass(frozen=True)
class Face:
    """A face in a picture. probabilities: of each emotion, float (classes,)."""

    box: Box
    emotion: str
    confidence: float
    probabilities: np.ndarray

    def row(self) -> list[Any]:
        """Return the face as a row of a table, probabilities to 4 digits, see COLUMNS."""
        return [*self.box, self.emotion, *(round(float(each), 4) for each in (self.confidence, *self.probabilities))]


class EmotionRecognizer:
    """Finds faces and reads their emotions. classes: their names, in the order of the probabilities.

        reader = EmotionRecognizer(FaceClassifier.load(), make_detector("haar"))
        for face in reader.read(read_photo(Path("photo.jpg"))):
            print(face.box, face.emotion, face.confidence)

    Of pictures that are faces already, `FaceClassifier` reads arrays of any number at once.
    """

    def __init__(self, predictor: FaceClassifier, detector: Detector) -> None:
        """Use a predictor and a detector."""
        self.classes = predictor.classes
        self.predictor = predictor
        self.detector = detector

    def read(self, image: np.ndarray) -> list[Face]:
        """Return the faces of a picture, uint8 (height, width, 3) BGR, the largest first."""
        boxes = self.detector.detect(image)
        return named(boxes, self.probabilities(image, boxes), self.classes)

    def probabilities(self, image: np.ndarray, boxes: list[Box]) -> np.ndarray:
        """Return the probability of each emotion, float32 (N, classes), of the faces in boxes of a picture."""
        return self.predictor.predict_proba(crops(image, boxes, self.predictor.size))


def named(boxes: list[Box], probabilities: np.ndarray, classes: list[str]) -> list[Face]:
    """Return faces with their likeliest emotion. probabilities: float (N, classes)."""
    best = probabilities.argmax(axis=1)
    return [
        Face(box, classes[at], float(of_one[at]), of_one)
        for box, of_one, at in zip(boxes, probabilities, best, strict=True)
    ]
