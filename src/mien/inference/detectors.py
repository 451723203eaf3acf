"""Face detectors by name, and crops of what they find: squares as tight as those of FER2013."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from mien._io.errors import InputError
from mien.data.decode import resize

_CASCADES = Path(cv2.__file__).with_name("data")


class Box(NamedTuple):
    """Where a face is, in pixels: the corner at the top left, and the size. It may reach over the picture's edge."""

    left: int
    top: int
    width: int
    height: int


class Detector(Protocol):
    """Finds faces. Another one needs this method, and a line in DETECTORS to have a name."""

    def detect(self, image: np.ndarray, /) -> list[Box]:
        """Return where faces are, the largest first, in a picture: uint8 (height, width, 3), BGR.

        A box shows what FER2013's crops show: a square from the brows' upper edge to the chin, ears mostly left out.
        """
        ...


class HaarDetector:
    """OpenCV's cascade of Haar features for frontal faces (Viola & Jones 2001): fast, misses turned faces.

    FER2013's faces were cut out by such a cascade (Goodfellow et al. 2013), so that its boxes are taken as they are.
    """

    _LEAST = (30, 30)  # pixels, of a face; less shows no emotion
    _SURE = 3.0  # of the last stage's sum; faces of real photos have 4.6 .. 11, petals and the like up to 1

    def __init__(self, longest: int) -> None:
        """Make a detector. longest: see `make_detector`."""
        self._longest = longest
        self._cascade = cv2.CascadeClassifier(str(_CASCADES / "haarcascade_frontalface_default.xml"))

    def detect(self, image: np.ndarray) -> list[Box]:
        """See `Detector`."""
        small, scale = _bounded(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), self._longest)
        found, _, sums = self._cascade.detectMultiScale3(small, 1.1, 5, minSize=self._LEAST, outputRejectLevels=True)
        return _ordered(
            Box(*(round(float(value) / scale) for value in box))
            for box, total in zip(found, sums, strict=True)
            if total >= self._SURE
        )


class MtcnnDetector:
    """Multi-task cascaded networks (Zhang et al. 2016), by the package `mtcnn`: finds turned faces too; slow to start.

    It loads TensorFlow. Its boxes, upright and from the hair to the chin, become squares like those of Haar.
    """

    _SURE = 0.9  # of 1; faces of real photos have 0.99 .. 1, a pattern in a curtain 0.86

    def __init__(self, longest: int) -> None:
        """Load the networks, which takes seconds. longest: see `make_detector`."""
        from mien.models.keras_backend import keras  # noqa: F401  (quiet, and before TensorFlow)
        import tensorflow as tf  # isort: skip
        from mtcnn import MTCNN  # isort: skip

        self._longest = longest
        self._network = MTCNN()
        for stage in self._network.stages:  # the package runs its layers one by one, which takes 2.7 times as long
            pictures = tf.TensorSpec((None, None, None, 3))
            stage.model.call = tf.function(stage.model.call, input_signature=[pictures])

    def detect(self, image: np.ndarray) -> list[Box]:
        """See `Detector`."""
        small, scale = _bounded(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), self._longest)
        faces = self._network.detect_faces(small, fit_to_image=False)
        return _ordered(_like_haar(face["box"], scale) for face in faces if face["confidence"] >= self._SURE)


class NoDetector:
    """For pictures that are one face already."""

    def detect(self, image: np.ndarray) -> list[Box]:
        """Return the whole picture."""
        height, width = image.shape[:2]
        return [Box(0, 0, width, height)]


#: By name, what makes a detector that searches pictures with sides of so many pixels at most.
DETECTORS: Mapping[str, Callable[[int], Detector]] = MappingProxyType(
    {"haar": HaarDetector, "mtcnn": MtcnnDetector, "none": lambda _: NoDetector()}
)


def make_detector(name: str, longest: int = 1920) -> Detector:
    """Return the detector of a name. Raises InputError for an unknown one.

    Args:
        name: one of DETECTORS.
        longest: pixels; a picture with a longer side is searched at that size. Small faces in it may be missed then.
    """
    if name not in DETECTORS:
        raise InputError(f"--detector: found {name!r}, expected one of {', '.join(DETECTORS)}")
    return DETECTORS[name](longest)


def crops(image: np.ndarray, boxes: Iterable[Box], size: int) -> np.ndarray:
    """Cut out faces: uint8 (N, size, size), grey. Beyond the picture's edge, its outermost pixels are repeated.

    Args:
        image: uint8 (height, width, 3), BGR.
        boxes: at least partly inside the picture.
        size: width and height of the crops, in pixels.
    """
    faces = [resize(_cut(image, box), size) for box in boxes]
    return np.stack(faces) if faces else np.empty((0, size, size), np.uint8)


def _cut(image: np.ndarray, box: Box) -> np.ndarray:
    height, width = image.shape[:2]
    right, bottom = box.left + box.width, box.top + box.height
    inside = image[max(box.top, 0) : max(bottom, 0), max(box.left, 0) : max(right, 0)]
    grey = cv2.cvtColor(inside, cv2.COLOR_BGR2GRAY)
    over = max(-box.top, 0), max(bottom - height, 0), max(-box.left, 0), max(right - width, 0)
    return cv2.copyMakeBorder(grey, *over, cv2.BORDER_REPLICATE) if any(over) else grey


def _bounded(image: np.ndarray, longest: int) -> tuple[np.ndarray, float]:
    """Return a picture with no side longer than `longest`, and its size as a share of the given one's."""
    scale = min(longest / max(image.shape[:2]), 1.0)
    if scale == 1:
        return image, 1.0
    size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def _like_haar(box: Iterable[float], scale: float) -> Box:
    """Return the square around the middle of an upright box whose sides are as long as that is high.

    So Haar's squares lie: of 15 faces that both find in 7 photos and videos, their sides are 0.88 .. 1.07 of the height
    of MTCNN's boxes, and the middles 0.00 apart, medians 1.00 and 0.00.
    """
    left, top, width, height = (value / scale for value in box)
    side = max(round(height), 1)
    return Box(round(left + (width - height) / 2), round(top), side, side)


def _ordered(boxes: Iterable[Box]) -> list[Box]:
    return sorted(boxes, key=lambda box: (-box.width * box.height, box.left, box.top))
