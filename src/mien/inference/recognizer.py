"""The emotions of all faces in a picture: a detector and a classifier together."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien._io.arguments import check_flag, check_number
from mien._io.errors import InputError
from mien.inference.face import COLUMNS, UNSURE, Face
from mien.inference.faces.detectors import Box, Detection, Detector, crops, make_detector
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.onnx import Readings
from mien.inference.networks.prediction_sets import set_names
from mien.inference.networks.pretrained import DEFAULT_NETWORK, Precision
from mien.inference.networks.priors import Prior
from mien.inference.networks.tta import Tta, check_tta
from mien.inference.pictures.photo_files import to_bgr

if TYPE_CHECKING:
    from PIL import Image


class EmotionRecognizer:
    """Finds the faces in pictures and reads their emotions.

    Use an object in one thread at a time, because detectors are not thread-safe. It can be pickled for other processes,
    and copied; the network of a copy works in one thread.

    Attributes:
        classes_: the emotions, in the order of the probabilities.
        classifier: reads the emotion of a face.
        detector: finds the faces.
        min_confidence: 0..1; the emotion of a face with less confidence is "unsure".
        coverage: how often prediction sets contain the true emotion; None if faces have no sets.
        action_note: names the classes without a known action; empty unless actions are suggested.

    Examples:
        >>> from mien import EmotionRecognizer
        >>> recognizer = EmotionRecognizer()
        >>> for face in recognizer.predict("photo.jpg"):
        ...     print(face.emotion, face.box)
        neutral Box(left=162, top=112, width=205, height=205)
    """

    def __init__(
        self,
        model: str | Path | FaceClassifier | None = None,
        detector: str | Detector = "yunet",
        *,
        tta: Tta = "mirror",
        precision: Precision = "auto",
        prior: Prior = "training",
        aus: bool = False,
        actions: bool = False,
        threads: int = 0,
        search_size: int | None = None,
        min_face: int | None = None,
        min_confidence: float = 0.0,
        coverage: float | None = None,
    ) -> None:
        """Load the network and the detector.

        Args:
            model: what `FaceClassifier.from_pretrained` loads, such as "mien_wild", "mien_small" or "models/cnn"; or
                a classifier. By default "mien_wild".
            detector: "yunet" (also tilted, turned and small faces), "haar" (frontal faces), "mtcnn" (slower; needs the
                extra `mtcnn`), "none" (the picture is one face), or a `Detector`.
            tta: test-time augmentation, see `FaceClassifier.predict_proba`: "none", "mirror" or "ten".
            precision: see `FaceClassifier.from_pretrained`. Not used if `model` is a classifier.
            prior: how frequent each emotion is among the faces, see `FaceClassifier.with_prior`. With "training", a
                given classifier keeps its own prior.
            aus: also read Action Units, and which of them go with the emotion.
            actions: also suggest an action for each face.
            threads: number of threads for the network; 0 for one per core. Not used if `model` is a classifier.
            search_size: see `make_detector`. Not used if `detector` is a `Detector`.
            min_face: see `make_detector`. Not used if `detector` is a `Detector`.
            min_confidence: 0..1; faces with less confidence are "unsure".
            coverage: also give each face a prediction set, see `FaceClassifier.predict_set`.

        Raises:
            InputError: there is no such network or detector, a file is damaged, an extra is missing, an argument is of
                another type or out of bounds, or `aus` is true for a network that reads no Action Units.
        """
        check_number("min_confidence", min_confidence, 0, 1)
        check_tta(tta)
        check_flag("aus", aus)
        check_flag("actions", actions)
        if not isinstance(model, FaceClassifier):
            model = FaceClassifier.from_pretrained(model, precision=precision, threads=threads)
        if aus and not model.aus_:
            raise InputError(
                f"{model.path}: reads no Action Units, expected a network that does, such as {DEFAULT_NETWORK}"
            )
        self.classifier = model if prior == "training" else model.with_prior(prior)
        if isinstance(detector, str):
            detector = make_detector(detector, search_size=search_size, min_face=min_face)
        elif not hasattr(detector, "detect"):
            raise InputError(f"detector: found {detector!r}, expected a name, such as yunet, or a Detector")
        self.detector = detector
        self.classes_ = self.classifier.classes_
        self.min_confidence = min_confidence
        self.coverage = coverage
        self._tta = tta
        self._aus = model.aus_ if aus else []
        self._threshold = None if coverage is None else self.classifier.set_threshold(coverage, tta)
        self._suggest, self.action_note = None, ""
        if actions:
            from mien.actions.suggest import action_note, suggester  # pandas takes a while to load

            self._suggest, self.action_note = suggester(self.classes_), action_note(self.classes_)

    @property
    def columns(self) -> list[str]:
        """The columns of `Face.row`."""
        own = [] if self.coverage is None else ["prediction_set"]
        aus = [*self._aus, "reasons"] if self._aus else []
        return [*COLUMNS, *self.classes_, *own, *aus, *(["action"] if self._suggest else [])]

    def predict(self, image: "str | Path | Image.Image | np.ndarray") -> list[Face]:
        """Return the faces of a picture, the largest first; an empty list if there is none.

        Args:
            image: a path, a PIL image, or an array uint8 (height, width, 3) in RGB order, or (height, width) in grey.
                OpenCV's arrays are BGR: pass `image[:, :, ::-1]`. Files and PIL images are rotated according to their
                EXIF data; transparent areas become white.

        Raises:
            InputError: it is not a picture, is damaged, too large, or smaller than 16 pixels.
        """
        return self.predict_bgr(to_bgr(image))

    def predict_batch(self, images: "Iterable[str | Path | Image.Image | np.ndarray]") -> Iterator[list[Face]]:
        """Return an iterator over the faces of each picture, in order; one picture is in memory at a time.

        Args:
            images: what `predict` takes.

        Raises:
            InputError: `images` is a single picture; or a picture cannot be read, which is raised at its turn. To
                continue after it, call `predict` for each.
        """
        if not _is_one_picture(images):
            with suppress(TypeError):
                each = iter(images)
                return (self.predict(image) for image in each)
        raise InputError(f"images: found one {type(images).__name__}, expected several pictures, such as a list")

    def predict_bgr(self, image: np.ndarray) -> list[Face]:
        """Return the faces of a picture in OpenCV's form, uint8 (height, width, 3) BGR, the largest first."""
        detections = self.detector.detect(image)
        boxes = [detection.box for detection in detections]
        return self.to_faces(boxes, self.read(image, detections))

    def read(self, image: np.ndarray, detections: Sequence[Detection]) -> Readings:
        """Return what the network reads in faces that were found in a BGR picture."""
        faces = crops(image, detections, self.classifier.size)
        return self.classifier.read(faces, tta=self._tta, aus=bool(self._aus))

    def to_faces(self, boxes: Sequence[Box], readings: Readings) -> list[Face]:
        """Return faces with their most probable emotion, or "unsure"."""
        faces = []
        for box, shares, intensities in zip(boxes, *readings, strict=True):
            best = int(shares.argmax())
            confidence = float(shares[best])
            by_name = dict(zip(self.classes_, shares.tolist(), strict=True))
            is_sure = confidence >= self.min_confidence
            emotion = self.classes_[best] if is_sure else UNSURE
            action = (self._suggest(shares) if is_sure else "") if self._suggest else None
            aus = dict(zip(self._aus, intensities.tolist(), strict=True)) if self._aus else None
            own = None if self._threshold is None else set_names(shares, self.classes_, self._threshold)
            faces.append(Face(box, emotion, confidence, by_name, action, aus, _reasons(emotion, aus), own))
        return faces


def _is_one_picture(images: object) -> bool:
    if isinstance(images, np.ndarray) and images.dtype.kind not in "OUS":  # which hold paths
        return images.ndim < 3 or (images.ndim == 3 and images.shape[2] == 3)
    return isinstance(images, str | Path)


def _reasons(emotion: str, aus: dict[str, float] | None) -> tuple[str, ...]:
    if not aus:
        return ()
    from mien.inference.prototypes import reasons  # the table takes a while to load

    return tuple(reasons(emotion, aus))
