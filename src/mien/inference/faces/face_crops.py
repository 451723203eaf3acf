"""Crops faces for a data set: one face per picture, found, levelled and cropped as by `mien image`."""

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from mien._io.errors import InputError
from mien.data.decode import Decoded, Decoder, decode
from mien.inference.faces.alignment import tilt_of
from mien.inference.faces.detectors import Detection, Detector, crops, make_detector
from mien.inference.pictures.photo_files import MIN_SIDE, decode_photo

#: Which face to take if a picture shows several.
FaceChoice = Literal["largest", "middle"]

_OF_THREAD = threading.local()
_SHARED: dict[str, Detector] = {}
_LOCK = threading.Lock()


class FaceSearch(NamedTuple):
    """How to find the faces in the pictures of a source.

    Attributes:
        detector: one of DETECTORS; "none" for pictures that are one face already.
        face: which of several faces to take.
    """

    detector: str = "none"
    face: FaceChoice = "largest"

    def decoder(self) -> Decoder:
        """Return the decoder of the image files.

        Raises:
            InputError: there is no such detector, or its extra or weights are missing.
        """
        if self.detector == "none":
            return decode
        with thread_detector(self.detector):
            return FaceCropper(self.detector, self.face)


#: Each image is one face already.
NO_SEARCH = FaceSearch()


@dataclass(frozen=True)
class FaceCropper:
    """Decodes an image file to the face that it shows, uint8 (size, size) grey, see `Decoder`.

    It reads files, and finds and crops faces, as `mien image` does. It is safe for threads and can be pickled.

    Attributes:
        detector: one of DETECTORS, except "none".
        face: "largest", or "middle" for the one nearest to the middle of the picture.
    """

    detector: str
    face: FaceChoice = "largest"

    def __call__(self, data: bytes, size: int) -> Decoded | None:
        """Decode a file; None if it is not a picture. If no face is found, `faces` is 0 and the pixels are black."""
        remarks: list[str] = []
        try:
            image = decode_photo(data, remarks.append)
        except InputError:
            small = decode(data, size)
            is_small = small is not None and min(small.width, small.height) < MIN_SIDE
            return _no_face(size, small.width, small.height) if small and is_small else None
        height, width = image.shape[:2]
        with thread_detector(self.detector) as detector:
            detections = detector.detect(image)
        if not detections:
            return _no_face(size, width, height, "; ".join(remarks))
        face = nearest_to_middle(detections, width, height) if self.face == "middle" else detections[0]
        (pixels,) = crops(image, [face], size)
        tilt = math.nan if face.landmarks is None else tilt_of(face.landmarks)
        return Decoded(pixels, width, height, len(detections), "; ".join(remarks), face.box.height, tilt)


def _no_face(size: int, width: int, height: int, remark: str = "") -> Decoded:
    return Decoded(np.zeros((size, size), np.uint8), width, height, 0, remark)


def nearest_to_middle(detections: Sequence[Detection], width: int, height: int) -> Detection:
    """Return the face nearest to the middle of a picture of this width and height."""

    def distance(detection: Detection) -> float:
        box = detection.box
        return float(np.hypot(box.left + (box.width - width) / 2, box.top + (box.height - height) / 2))

    return min(detections, key=distance)


@contextmanager
def thread_detector(name: str) -> Iterator[Detector]:
    """Yield this thread's own detector. It is kept, because a process of a cluster gets many tasks.

    mtcnn is slow to start and uses all cores by itself, so all threads take turns with one detector.

    Raises:
        InputError: see `make_detector`.
    """
    if name == "mtcnn":
        with _LOCK:
            if name not in _SHARED:
                _SHARED[name] = make_detector(name)
            yield _SHARED[name]
        return
    if name not in _OF_THREAD.__dict__:
        setattr(_OF_THREAD, name, make_detector(name))
    yield getattr(_OF_THREAD, name)
