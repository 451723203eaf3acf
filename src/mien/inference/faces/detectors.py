"""Face detectors by name, and crops of faces: squares as tight as those of FER2013."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np

from mien._io.arguments import check_whole
from mien._io.errors import InputError
from mien._io.extras import require
from mien.data.decode import resize
from mien.inference.faces.alignment import aligned_crop

#: Pixels: the smallest face and the smallest picture that can be searched for faces.
MIN_FACE, MIN_SEARCH_SIZE = 12, 64
MAX_SIDE = 65_535  # of a JPEG

_CASCADES = Path(cv2.__file__).with_name("data")
_INSIDE = 0.7  # share of a box inside another one, from which it is left out


class Box(NamedTuple):
    """The position of a face, in pixels: top left corner and size. It may extend beyond the picture."""

    left: int
    top: int
    width: int
    height: int

    def shared_area(self, other: "Box") -> int:
        """Return the number of pixels that two boxes share."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(width, 0) * max(height, 0)


def intersection_over_union(one: np.ndarray, other: np.ndarray) -> float:
    """Return the shared area of two boxes over the area of both. Arguments: left, top, width, height, each (4,)."""
    sides = np.minimum(one[:2] + one[2:4], other[:2] + other[2:4]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / (float(np.prod(one[2:4]) + np.prod(other[2:4])) - shared)


class Detection(NamedTuple):
    """A face that was found.

    Attributes:
        box: a square like FER2013's crops, from the upper edge of the brows to the chin, mostly without ears.
        landmarks: float32 (5, 2), x and y in pixels: left eye, right eye, nose, left and right corner of the mouth, as
            the viewer sees them. None if the detector does not give them; the crop is then not levelled.
    """

    box: Box
    landmarks: np.ndarray | None = None


class Detector(Protocol):
    """Finds faces. Any object with this method is a detector; an entry in DETECTORS gives it a name."""

    def detect(self, image: np.ndarray, /) -> list[Detection]:
        """Return the faces in a picture, uint8 (height, width, 3) BGR, the largest first."""
        ...


class HaarDetector:
    """OpenCV's cascade of Haar features for frontal faces (Viola & Jones 2001). It is fast but misses turned faces.

    FER2013's faces were cropped by such a cascade (Goodfellow et al. 2013), so its boxes are used unchanged.
    """

    _MIN_SCORE = 3.0  # sum of the last stage; faces in photos have 4.6 .. 11, petals and the like up to 1

    def __init__(self, search_size: int = 1920, min_face: int = 30) -> None:
        """Load the cascade. Arguments: see `make_detector`."""
        self._search_size, self._min_face = search_size, min_face
        self._cascade = cv2.CascadeClassifier(str(_CASCADES / "haarcascade_frontalface_default.xml"))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments; OpenCV's objects cannot be pickled."""
        return type(self), (self._search_size, self._min_face)

    def detect(self, image: np.ndarray) -> list[Detection]:
        """See `Detector`."""
        small, scale = _shrunk(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), self._search_size)
        side = max(round(self._min_face * scale), 1)
        boxes, _, scores = self._cascade.detectMultiScale3(small, 1.1, 5, minSize=(side, side), outputRejectLevels=True)
        likely = [box for box, score in zip(boxes, scores, strict=True) if score >= self._MIN_SCORE]
        return distinct([Detection(Box(*(round(float(value) / scale) for value in box))) for box in likely])


class MtcnnDetector:
    """MTCNN (multi-task cascaded networks, Zhang et al. 2016), of the package `mtcnn`: finds turned faces, slow start.

    It loads TensorFlow and needs the extra `mtcnn`. Its boxes, upright from hair to chin, become squares like those of
    Haar.
    """

    _MIN_SCORE = 0.9  # faces in photos have 0.99 .. 1, a pattern in a curtain 0.86

    def __init__(self, search_size: int = 1920, min_face: int = 20) -> None:
        """Load the networks, which takes seconds. Arguments: see `make_detector`."""
        require("mtcnn", "mtcnn", "tensorflow", what="the detector mtcnn")
        from mien.models.keras_backend import keras  # noqa: F401  (quiet, and before TensorFlow)
        import tensorflow as tf  # isort: skip
        from mtcnn import MTCNN  # isort: skip

        self._search_size, self._min_face = search_size, min_face
        self._network = MTCNN()
        for stage in self._network.stages:  # otherwise the package runs layer by layer, which takes 2.7 times as long
            pictures = tf.TensorSpec((None, None, None, 3))
            stage.model.call = tf.function(stage.model.call, input_signature=[pictures])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments; TensorFlow's functions cannot be pickled."""
        return type(self), (self._search_size, self._min_face)

    def detect(self, image: np.ndarray) -> list[Detection]:
        """See `Detector`."""
        small, scale = _shrunk(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), self._search_size)
        min_face = max(round(self._min_face * scale), MIN_FACE)
        faces = self._network.detect_faces(small, fit_to_image=False, min_face_size=min_face)
        likely = [face["box"] for face in faces if face["confidence"] >= self._MIN_SCORE]
        return distinct([Detection(_like_haar(box, scale)) for box in likely])


class NoDetector:
    """For pictures that are a single face already."""

    def detect(self, image: np.ndarray) -> list[Detection]:
        """Return the whole picture."""
        height, width = image.shape[:2]
        return [Detection(Box(0, 0, width, height))]


def _yunet(**options: int) -> Detector:
    from mien.inference.faces.yunet import YuNetDetector

    return YuNetDetector(**options)


#: Makers of detectors, by name. Arguments: search size and height of the smallest face, see `make_detector`.
DETECTORS: Mapping[str, Callable[..., Detector]] = MappingProxyType(
    {"yunet": _yunet, "haar": HaarDetector, "mtcnn": MtcnnDetector, "none": lambda **_: NoDetector()}
)


def make_detector(name: str, *, search_size: int | None = None, min_face: int | None = None) -> Detector:
    """Make a detector by its name.

    Args:
        name: one of DETECTORS.
        search_size: pixels; a picture with a longer side is shrunk to this size for the search. yunet then looks for
            smaller faces in tiles of the picture; haar and mtcnn miss those. None: 640 for yunet, else 1920.
        min_face: pixels; the height of the smallest face to look for. None: 24 for yunet, 30 for haar, 20 for mtcnn.

    Raises:
        InputError: there is no detector of this name, its extra is missing, or a number is not whole or out of bounds.
    """
    if name not in DETECTORS:
        raise InputError(f"detector: found {name!r}, expected one of {', '.join(DETECTORS)}")
    given = {"search_size": (search_size, MIN_SEARCH_SIZE), "min_face": (min_face, MIN_FACE)}
    for key, (number, smallest) in given.items():
        if number is not None:
            check_whole(key, number, smallest, MAX_SIDE, " pixels")
    return DETECTORS[name](**{key: number for key, (number, _) in given.items() if number is not None})


def crops(image: np.ndarray, detections: Iterable[Detection], size: int) -> np.ndarray:
    """Return crops of faces: uint8 (N, size, size), grey, levelled if landmarks are known.

    Beyond the picture's edge, its outermost pixels are repeated.

    Args:
        image: uint8 (height, width, 3), BGR.
        detections: faces whose boxes are at least partly inside the picture.
        size: width and height of the crops, in pixels.
    """
    faces = [
        resize(_crop(image, box), size) if landmarks is None else aligned_crop(image, landmarks, size)
        for box, landmarks in detections
    ]
    return np.stack(faces) if faces else np.empty((0, size, size), np.uint8)


def _crop(image: np.ndarray, box: Box) -> np.ndarray:
    height, width = image.shape[:2]
    right, bottom = box.left + box.width, box.top + box.height
    inside = image[max(box.top, 0) : max(bottom, 0), max(box.left, 0) : max(right, 0)]
    grey = cv2.cvtColor(inside, cv2.COLOR_BGR2GRAY)
    beyond = max(-box.top, 0), max(bottom - height, 0), max(-box.left, 0), max(right - width, 0)
    return cv2.copyMakeBorder(grey, *beyond, cv2.BORDER_REPLICATE) if any(beyond) else grey


def _shrunk(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """Return a picture with no side longer than `max_side`, and its scale relative to the original."""
    scale = min(max_side / max(image.shape[:2]), 1.0)
    if scale == 1:
        return image, 1.0
    size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale


def _like_haar(box: Iterable[float], scale: float) -> Box:
    """Return a square around the centre of an upright box, with sides as long as the box is high.

    This is how Haar's squares look: for 15 faces that both detectors found in 7 photos and videos, their sides are 0.88
    .. 1.07 of the height of MTCNN's boxes (median 1.00), and the centres are 0.00 apart (median).
    """
    left, top, width, height = (value / scale for value in box)
    side = max(round(height), 1)
    return Box(round(left + (width - height) / 2), round(top), side, side)


def distinct(detections: Sequence[Detection]) -> list[Detection]:
    """Return detections in order of size, without those inside another one: a face does not contain a second face."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda item: (-item.box.width * item.box.height, *item.box[:2])):
        box = detection.box
        if not any(box.shared_area(other.box) > _INSIDE * box.width * box.height for other in kept):
            kept.append(detection)
    return kept
