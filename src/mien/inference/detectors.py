"""Face detectors by name, and crops of the faces: squares as tight as those of FER2013."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from mien._io.errors import InputError
from mien._io.extras import require
from mien.data.decode import resize

_CASCADES = Path(cv2.__file__).with_name("data")


class Box(NamedTuple):
    """Where a face is, in pixels: the corner at the top left, and the size. It may reach over the picture's edge."""

    left: int
    top: int
    width: int
    height: int


class Detector(Protocol):
    """Finds faces. Any object with this method will do; a line in DETECTORS gives it a name."""

    def detect(self, image: np.ndarray, /) -> list[Box]:
        """Return the boxes of the faces in a picture, uint8 (height, width, 3) BGR, the largest first.

        A box holds what FER2013's crops show: a square from the brows' upper edge to the chin, ears mostly left out.
        """
        ...


class HaarDetector:
    """OpenCV's cascade of Haar features for frontal faces (Viola & Jones 2001): fast, misses turned faces.

    FER2013's faces were cropped by such a cascade (Goodfellow et al. 2013), so its boxes are used as they are.
    """

    _MIN_SIZE = (30, 30)  # pixels, of a face; a smaller one shows no emotion
    _MIN_SCORE = 3.0  # sum of the last stage; faces of real photos have 4.6 .. 11, petals and the like up to 1

    def __init__(self, max_side: int) -> None:
        """Load the cascade. max_side: see `make_detector`."""
        self._max_side = max_side
        self._cascade = cv2.CascadeClassifier(str(_CASCADES / "haarcascade_frontalface_default.xml"))

    def detect(self, image: np.ndarray) -> list[Box]:
        """See `Detector`."""
        small, scale = _shrunk(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), self._max_side)
        boxes, _, scores = self._cascade.detectMultiScale3(
            small, 1.1, 5, minSize=self._MIN_SIZE, outputRejectLevels=True
        )
        return _ordered(
            Box(*(round(float(value) / scale) for value in box))
            for box, score in zip(boxes, scores, strict=True)
            if score >= self._MIN_SCORE
        )


class MtcnnDetector:
    """Multi-task cascaded networks (Zhang et al. 2016), by the package `mtcnn`: finds turned faces too; slow to start.

    It loads TensorFlow, and needs the extra `mtcnn`. Its boxes, upright and from the hair to the chin, become squares
    like those of Haar.
    """

    _MIN_SCORE = 0.9  # of 1; faces of real photos have 0.99 .. 1, a pattern in a curtain 0.86

    def __init__(self, max_side: int) -> None:
        """Load the networks, which takes seconds. max_side: see `make_detector`."""
        require("mtcnn", "mtcnn", "tensorflow", what="the detector mtcnn")
        from mien.models.keras_backend import keras  # noqa: F401  (quiet, and before TensorFlow)
        import tensorflow as tf  # isort: skip
        from mtcnn import MTCNN  # isort: skip

        self._max_side = max_side
        self._network = MTCNN()
        for stage in self._network.stages:  # the package runs its layers one by one, which takes 2.7 times as long
            pictures = tf.TensorSpec((None, None, None, 3))
            stage.model.call = tf.function(stage.model.call, input_signature=[pictures])

    def detect(self, image: np.ndarray) -> list[Box]:
        """See `Detector`."""
        small, scale = _shrunk(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), self._max_side)
        faces = self._network.detect_faces(small, fit_to_image=False)
        return _ordered(_like_haar(face["box"], scale) for face in faces if face["confidence"] >= self._MIN_SCORE)


class NoDetector:
    """For pictures that are one face already."""

    def detect(self, image: np.ndarray) -> list[Box]:
        """Return the whole picture."""
        height, width = image.shape[:2]
        return [Box(0, 0, width, height)]


#: Makes a detector, by its name, from the longest side that a searched picture may have, in pixels.
DETECTORS: Mapping[str, Callable[[int], Detector]] = MappingProxyType(
    {"haar": HaarDetector, "mtcnn": MtcnnDetector, "none": lambda _: NoDetector()}
)


def make_detector(name: str, max_side: int = 1920) -> Detector:
    """Return the detector of a name.

    Args:
        name: one of DETECTORS.
        max_side: pixels; larger pictures are shrunk to this before they are searched, and may hide small faces then.

    Raises:
        InputError: there is no detector of this name, or its extra is missing.
    """
    if name not in DETECTORS:
        raise InputError(f"detector: found {name!r}, expected one of {', '.join(DETECTORS)}")
    return DETECTORS[name](max_side)


def crops(image: np.ndarray, boxes: Iterable[Box], size: int) -> np.ndarray:
    """Return crops of faces: uint8 (N, size, size), grey. Beyond the picture's edge, its outermost pixels are repeated.

    Args:
        image: uint8 (height, width, 3), BGR.
        boxes: at least partly inside the picture.
        size: width and height of the crops, in pixels.
    """
    faces = [resize(_crop(image, box), size) for box in boxes]
    return np.stack(faces) if faces else np.empty((0, size, size), np.uint8)


def _crop(image: np.ndarray, box: Box) -> np.ndarray:
    height, width = image.shape[:2]
    right, bottom = box.left + box.width, box.top + box.height
    inside = image[max(box.top, 0) : max(bottom, 0), max(box.left, 0) : max(right, 0)]
    grey = cv2.cvtColor(inside, cv2.COLOR_BGR2GRAY)
    beyond = max(-box.top, 0), max(bottom - height, 0), max(-box.left, 0), max(right - width, 0)
    return cv2.copyMakeBorder(grey, *beyond, cv2.BORDER_REPLICATE) if any(beyond) else grey


def _shrunk(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """Return a picture with no side longer than `max_side`, and its scale relative to the given one."""
    scale = min(max_side / max(image.shape[:2]), 1.0)
    if scale == 1:
        return image, 1.0
    size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def _like_haar(box: Iterable[float], scale: float) -> Box:
    """Return a square with the centre of an upright box, whose sides are as long as the box is high.

    Haar's squares lie like this: for 15 faces that both find in 7 photos and videos, their sides are 0.88 .. 1.07 of
    the height of MTCNN's boxes (median 1.00), and the centres 0.00 apart (median).
    """
    left, top, width, height = (value / scale for value in box)
    side = max(round(height), 1)
    return Box(round(left + (width - height) / 2), round(top), side, side)


def _ordered(boxes: Iterable[Box]) -> list[Box]:
    return sorted(boxes, key=lambda box: (-box.width * box.height, box.left, box.top))
