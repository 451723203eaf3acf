"""Shows which parts of a face led to the answer: one part stays sharp, the rest is blurred, the network reads it again.

Such maps need no gradients, so they work with the networks that users run. They reverse the occlusion maps of Zeiler
and Fergus (2014), because hiding one part changes little: networks trained with cutout use the other parts. The window
is soft, because the edge of a hard window looks like a feature to the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mien.inference.annotate import add_title
from mien.inference.face import Face
from mien.inference.faces.detectors import crops
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.temperature import above_zero
from mien.inference.recognizer import EmotionRecognizer

_GRID = 7  # windows in a row, and rows
_WINDOW = 1 / 8  # standard deviation of a window, as a share of the face's width
_BLUR = 1 / 6  # standard deviation of the blur, the same
_TINT = np.array([40, 40, 255], np.float32)  # BGR
_STRENGTH = 0.6  # maximum opacity of the tint
_SHOWN = 240  # width of a face in a picture, in pixels


@dataclass(frozen=True)
class Explanation:
    """A face, and the parts that led to its answer.

    Attributes:
        face: as `EmotionRecognizer.predict` returns it.
        crop: what the network saw: uint8 (size, size), grey.
        evidence: how much each pixel supports the most probable emotion, float32 (size, size), see `evidence_maps`.
    """

    face: Face
    crop: np.ndarray
    evidence: np.ndarray


def explain(recognizer: EmotionRecognizer, image: np.ndarray) -> list[Explanation]:
    """Return the faces of a picture, the largest first, with the parts that led to their answers.

    Args:
        recognizer: finds and reads the faces.
        image: uint8 (height, width, 3), BGR.
    """
    detections = recognizer.detector.detect(image)
    readings = recognizer.read(image, detections)
    faces = recognizer.to_faces([detection.box for detection in detections], readings)
    seen = crops(image, detections, recognizer.classifier.size)
    maps = evidence_maps(recognizer.classifier, seen, readings.probabilities.argmax(axis=1))
    return [Explanation(*parts) for parts in zip(faces, seen, maps, strict=True)]


def evidence_maps(classifier: FaceClassifier, crops: np.ndarray, emotions: np.ndarray) -> np.ndarray:
    """Return how much each pixel of a face supports an emotion: float32 (N, size, size).

    It is the gain of the emotion's log-odds, ln(p / (1 - p)), over the wholly blurred face when the surroundings of the
    pixel are sharp. It is below 0 for pixels that speak against the emotion.

    Args:
        classifier: reads the faces.
        crops: uint8 (N, size, size), grey, of the classifier's size.
        emotions: int (N,), the index of the emotion to explain, for each face.
    """
    windows = _windows(classifier.size)
    maps = [_map(classifier, crop, emotion, windows) for crop, emotion in zip(crops, emotions, strict=True)]
    return np.stack(maps) if maps else np.empty((0, classifier.size, classifier.size), np.float32)


def draw_explanations(explanations: Sequence[Explanation]) -> np.ndarray:
    """Return a picture with one row per face, uint8 (height, 480, 3) BGR; a blank one if there is no face.

    The face as the network saw it is on the left; on the right, the parts that support the emotion most are red.
    """
    rows = []
    for part in explanations:
        seen = cv2.cvtColor(part.crop, cv2.COLOR_GRAY2BGR)
        rows.append(add_title(np.hstack([_enlarged(seen), _enlarged(_tinted(part))]), part.face))
    return np.vstack(rows) if rows else np.full((_SHOWN, 2 * _SHOWN, 3), 255, np.uint8)


def _windows(size: int) -> np.ndarray:
    """Return windows on a grid: float32 (49, size, size), each 1 in its middle and fading to 0 around it."""
    centres = (np.arange(_GRID) + 0.5) * size / _GRID - 0.5
    falls = np.exp(-0.5 * ((np.arange(size) - centres[:, None]) / (size * _WINDOW)) ** 2)
    return np.einsum("ay,bx->abyx", falls, falls).reshape(-1, size, size).astype(np.float32)


def _map(classifier: FaceClassifier, crop: np.ndarray, emotion: int, windows: np.ndarray) -> np.ndarray:
    sharp = crop.astype(np.float32)
    blurred = cv2.GaussianBlur(sharp, (0, 0), _BLUR * classifier.size)
    variants = np.concatenate([blurred[None], blurred + windows * (sharp - blurred)]).round().astype(np.uint8)
    probabilities = above_zero(classifier.predict_proba(variants, calibrated=False))
    log_odds = np.log(probabilities[:, emotion] / np.delete(probabilities, emotion, axis=1).sum(axis=1))
    gains = (log_odds[1:] - log_odds[0]).astype(np.float32)
    return np.tensordot(gains, windows, axes=1) / windows.sum(axis=0)


def _tinted(part: Explanation) -> np.ndarray:
    """Return a face, uint8 (size, size, 3) BGR, whose half with the most support for the emotion is red."""
    middle, top = float(np.median(part.evidence)), float(part.evidence.max())
    strength = _STRENGTH * np.clip((part.evidence - middle) / max(top - middle, 1e-6), 0, 1)[..., None]
    grey = cv2.cvtColor(part.crop, cv2.COLOR_GRAY2BGR).astype(np.float32)
    return (grey + strength * (_TINT - grey)).round().astype(np.uint8)


def _enlarged(face: np.ndarray) -> np.ndarray:
    return cv2.resize(face, (_SHOWN, _SHOWN), interpolation=cv2.INTER_CUBIC)
