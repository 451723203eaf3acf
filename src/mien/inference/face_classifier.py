"""Emotions from grey faces, by a trained network. Needs no TensorFlow."""

from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from tqdm import tqdm

from mien._io.errors import InputError
from mien.data.decode import resize
from mien.inference.onnx import OnnxModel, Readings
from mien.inference.pretrained import Precision, find_face_network
from mien.inference.temperature import apply_temperature
from mien.inference.tta import Tta, augmented_views

_CHUNK = 1024  # faces
_SIZES = range(1, 1025)  # pixels


class FaceClassifier:
    """Reads emotions from grey faces, with the interface of a fitted scikit-learn classifier.

    The faces are crops as tight as those of FER2013: from the brows to the chin. `EmotionRecognizer` finds faces in
    whole pictures.

    Attributes:
        classes_: the emotions, in the order of the probabilities.
        aus_: the Action Units that it reads, too, such as "AU01", in the order of `Readings.aus`; often none.
        path: of its file.
        size: width and height of the faces that the network sees, in pixels.
        temperature: calibrates the confidence, see `mien.inference.temperature`; of answers without test-time
            augmentation. With it, the file's temperature for that is used.

    Example:
        >>> import numpy as np
        >>> from mien import FaceClassifier
        >>> classifier = FaceClassifier.from_pretrained("mien_small")
        >>> classifier.classes_
        ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral']
        >>> faces = np.zeros((3, 48, 48), np.uint8)  # grey, one face per row
        >>> classifier.predict_proba(faces).shape
        (3, 7)
        >>> len(classifier.predict(faces))
        3
    """

    def __init__(self, model: OnnxModel) -> None:
        """Use an open network. Usually `from_pretrained` does this.

        Raises:
            InputError: its input is not uint8 (N, size, size).
        """
        is_square = len(model.shape) == 2 and model.shape[0] == model.shape[1] and model.shape[0] in _SIZES
        if not is_square or model.dtype != "tensor(uint8)":
            raise InputError(
                f"{model.path}: takes {model.dtype} of {model.shape}, expected a network for faces, which takes "
                f"tensor(uint8) of (size, size), size {_SIZES.start}..{_SIZES.stop - 1}"
            )
        declared = model.metadata.input.get("size", model.shape[0])
        if model.metadata.kind != "face" or declared != model.shape[0]:
            raise InputError(
                f"{model.path}: its metadata say {model.metadata.kind!r}, size {declared}, expected 'face', size "
                f"{model.shape[0]} as its graph has"
            )
        self.classes_ = model.metadata.classes
        self.aus_ = list(model.metadata.aus)
        self.path = model.path
        self.size: int = model.shape[0]
        self.temperature = model.metadata.temperature
        self._model = model

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path of the network; a process loads it once, to work in one thread."""
        return _load_once, (self.path.absolute(),)

    @classmethod
    def from_pretrained(
        cls, name_or_folder: str | Path | None = None, *, precision: Precision = "fp32", threads: int = 0
    ) -> Self:
        """Load a trained network.

        Args:
            name_or_folder: "mien" (the default) or "mien_small", which is less accurate and much faster; or a folder
                that `train_cnn` wrote, such as models/cnn, or an ONNX file of one.
            precision: "fp32", "int8" or "auto", see `mien.inference.pretrained.Precision`.
            threads: that may work at once; 0 for one per core.

        Raises:
            InputError: there is no such network, a file is damaged, or the network is not for faces.
        """
        return cls(OnnxModel.load(find_face_network(name_or_folder, precision), threads=threads))

    def predict(self, images: np.ndarray, *, tta: Tta = "none") -> np.ndarray:
        """Return the most probable emotion of each face: str (N,). Arguments and errors: see `predict_proba`."""
        probabilities = self.predict_proba(images, tta=tta, calibrated=False)
        return np.array(self.classes_)[probabilities.argmax(axis=1)]

    def predict_proba(self, images: np.ndarray, *, tta: Tta = "none", calibrated: bool = True) -> np.ndarray:
        """Return the probability of each emotion: float32 (N, classes), rows that sum to 1.

        Arguments and errors: see `read`.
        """
        return self.read(images, tta=tta, calibrated=calibrated).probabilities

    def read(self, images: np.ndarray, *, tta: Tta = "none", calibrated: bool = True) -> Readings:
        """Return all that the network reads in faces, in one pass: emotions, and Action Units where it knows them.

        Args:
            images: uint8 (N, height, width), grey faces. Faces of another size are resized as `mien.data.decode` does.
                They may be mapped from disk: memory holds a chunk at a time.
            tta: test-time augmentation: "mirror" averages over each face and its mirror image, which takes twice as
                long; "ten" over ten copies.
            calibrated: bring confidence to accuracy, which changes no decision; else as the network says.

        Raises:
            InputError: images are of another type or shape, or there is no such `tta`.
        """
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape[1:]:
            raise InputError(f"images: found {_described(images)}, expected uint8 (N, height, width), 0..255")
        starts = range(0, len(images), _CHUNK)
        progress = tqdm(starts, "predicting", disable=None, delay=2) if len(starts) > 1 else starts
        chunks = [self._read_views(self._resized(images[start : start + _CHUNK]), tta) for start in progress]
        none = self._model.read(np.empty((0, self.size, self.size), np.uint8))
        probabilities, aus = map(np.concatenate, zip(none, *chunks, strict=True))
        if calibrated:
            temperature = self._model.metadata.temperature_of(tta)
            probabilities = apply_temperature(probabilities, temperature).astype(np.float32)
        return Readings(probabilities, aus)

    def _resized(self, images: np.ndarray) -> np.ndarray:
        if images.shape[1:] == (self.size, self.size):
            return images
        return np.stack([resize(image, self.size) for image in images])

    def _read_views(self, images: np.ndarray, tta: Tta) -> Readings:
        views = [self._model.read(view) for view in augmented_views(images, tta)]
        return Readings(*(np.mean(of_views, axis=0) for of_views in zip(*views, strict=True)))


def _described(images: object) -> str:
    return f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__


@cache
def _load_once(path: Path) -> FaceClassifier:
    return FaceClassifier(OnnxModel.load(path, threads=1))
