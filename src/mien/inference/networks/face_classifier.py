"""Emotions from grey faces, read by a trained network without TensorFlow."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from tqdm import tqdm

from mien._io.arguments import check_flag
from mien._io.errors import InputError
from mien.data.decode import resize
from mien.inference.networks.onnx import OnnxModel, Readings
from mien.inference.networks.prediction_sets import percent_of, set_names
from mien.inference.networks.pretrained import Precision, find_face_network
from mien.inference.networks.priors import Prior, adjust_priors, estimate_priors, prior_shares
from mien.inference.networks.temperature import apply_temperature
from mien.inference.networks.tta import Tta, augmented_copies, check_tta
from mien.models.metadata import PERCENTS

_CHUNK = 1024  # faces
_MAX_CHANNELS = 4  # of a picture in colour
_SIZES = range(1, 1025)  # pixels


class FaceClassifier:
    """Reads emotions from grey faces, with the interface of a fitted scikit-learn classifier.

    The faces are crops as tight as those of FER2013: from the brows to the chin. `EmotionRecognizer` finds faces in
    whole pictures.

    Attributes:
        classes_: the emotions, in the order of the probabilities.
        aus_: the Action Units that it also reads, such as "AU01", in the order of `Readings.aus`; may be empty.
        path: the path of its file.
        size: width and height of the faces that the network sees, in pixels.
        temperature: calibrates the confidence of answers without test-time augmentation, see
            `mien.inference.networks.temperature`. With augmentation, the file has another temperature.
        prior: how frequent each emotion is among the faces that are read, see `with_prior`.

    Examples:
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

    def __init__(self, model: OnnxModel, prior: Prior = "training") -> None:
        """Use an open network. Usually `from_pretrained` does this.

        Raises:
            InputError: its input is not uint8 (N, size, size); or as `with_prior` does.
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
        if not isinstance(prior, str | Mapping):
            raise InputError(f"prior: found {prior!r}, expected training, uniform or a share of each emotion")
        self.prior: Prior = prior if isinstance(prior, str) else dict(prior)
        self._model = model
        self._shares: tuple[np.ndarray, np.ndarray] | None = None
        if prior != "training":
            training = self.training_prior
            self._shares = prior_shares("training", training), prior_shares(prior, training)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path of the network; a process loads it once, to work in one thread."""
        return _reopen, (self.path.absolute(), self.prior)

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | Path | None = None,
        *,
        precision: Precision = "fp32",
        threads: int = 0,
        prior: Prior = "training",
    ) -> Self:
        """Load a trained network.

        Args:
            name_or_folder: "mien_wild" (the default), "mien" (trained on FER2013 alone), "mien_small" (less accurate
                and much faster), a folder that `train_cnn` wrote, such as models/cnn, or an ONNX file.
            precision: "fp32", "int8" or "auto", see `mien.inference.networks.pretrained.Precision`.
            threads: number of threads; 0 for one per core.
            prior: how frequent each emotion is among the faces that are read, see `with_prior`.

        Raises:
            InputError: there is no such network, a file is damaged, or the network is not for faces; or as `with_prior`
                does.
        """
        return cls(OnnxModel.load(find_face_network(name_or_folder, precision), threads=threads), prior)

    @property
    def training_prior(self) -> dict[str, float]:
        """The share of each emotion in the training data.

        Raises:
            InputError: the file does not contain the shares.
        """
        metadata = self._model.metadata
        if not metadata.priors:
            raise InputError(
                f"{self._model.path}: found no mien.priors in its metadata, which another prior needs; expected a "
                "network that this version trained"
            )
        return dict(zip(self.classes_, metadata.priors, strict=True))

    def set_threshold(self, coverage: float, tta: Tta) -> float:
        """Return the least probability of an emotion in a prediction set (`mien.inference.networks.prediction_sets`).

        Args:
            coverage: how often sets contain the true emotion: 0.5, 0.51 .. 0.99.
            tta: the test-time augmentation of the answers.

        Raises:
            InputError: coverage is another number, there is no such `tta`, the file has no threshold, or the prior is
                not that of training.
        """
        check_tta(tta)
        percent, thresholds = percent_of(coverage), self._model.metadata.set_thresholds
        if self.prior != "training":
            raise InputError(
                f"coverage: found the prior {self.prior}, expected training, as thresholds are for that alone"
            )
        if tta not in thresholds:
            raise InputError(
                f"{self._model.path}: found no mien.set_thresholds for {tta!r} in its metadata, which a coverage "
                "needs; expected a network that this version trained"
            )
        return thresholds[tta][PERCENTS.index(percent)]

    def predict_set(self, images: np.ndarray, coverage: float = 0.9, *, tta: Tta = "none") -> list[tuple[str, ...]]:
        """Return the emotions that each face may well show, the most probable first, by split conformal prediction.

        Args:
            images, tta: see `predict_proba`.
            coverage: how often the true emotion is among them, on faces like those of FER2013; see `set_threshold`.

        Raises:
            InputError: see `predict_proba` and `set_threshold`.
        """
        threshold = self.set_threshold(coverage, tta)
        return [set_names(shares, self.classes_, threshold) for shares in self.predict_proba(images, tta=tta)]

    def with_prior(self, prior: Prior) -> Self:
        """Return the same network for faces with other frequencies of emotions (logit adjustment).

        Args:
            prior: "training": as in training. "uniform": all equally. Or the share of each emotion by name, such as
                `estimate_prior` gives.

        Raises:
            InputError: there is no such prior, or the file does not contain the shares of training.
        """
        return type(self)(self._model, prior)

    def estimate_prior(self, probabilities: np.ndarray) -> dict[str, float]:
        """Return the share of each emotion among many faces, by EM; see `mien.inference.networks.priors`.

        Args:
            probabilities: float (N, classes) of at least 50 faces, from `predict_proba` with the prior "training".

        Raises:
            InputError: there are fewer faces, the file does not contain the shares of training, or `probabilities` are
                not an answer for its classes.
        """
        is_answer = isinstance(probabilities, np.ndarray) and probabilities.shape[1:] == (len(self.classes_),)
        if not is_answer or not np.allclose(probabilities.sum(axis=1), 1, atol=0.05) or (probabilities < 0).any():
            raise InputError(
                f"probabilities: found {_described(probabilities)}, expected (N, {len(self.classes_)}), rows that sum "
                "to 1"
            )
        shares = estimate_priors(probabilities, prior_shares("training", self.training_prior))
        return dict(zip(self.classes_, shares.tolist(), strict=True))

    def predict(self, images: np.ndarray, *, tta: Tta = "none") -> np.ndarray:
        """Return the most probable emotion of each face: str (N,). Arguments and errors: see `predict_proba`."""
        probabilities = self.predict_proba(images, tta=tta)
        return np.array(self.classes_)[probabilities.argmax(axis=1)]

    def predict_proba(self, images: np.ndarray, *, tta: Tta = "none", calibrated: bool = True) -> np.ndarray:
        """Return the probability of each emotion: float32 (N, classes), rows that sum to 1.

        Arguments and errors: see `read`.
        """
        return self.read(images, tta=tta, calibrated=calibrated, aus=False).probabilities

    def read(self, images: np.ndarray, *, tta: Tta = "none", calibrated: bool = True, aus: bool = True) -> Readings:
        """Return what the network reads in faces in one pass: emotions, and Action Units if it reads any.

        Args:
            images: uint8 (N, height, width), grey faces. Faces of another size are resized as `mien.data.decode` does.
                They may be memory-mapped: one chunk at a time is in memory.
            tta: test-time augmentation: "mirror" averages over each face and its mirror image, which takes twice as
                long; "ten" over ten copies.
            calibrated: calibrate the confidence by temperature scaling, which changes no decision with the prior of
                training. If false, return the probabilities of the network as they are.
            aus: also return the Action Units, if the network reads any.

        Raises:
            InputError: images or a flag are of another type or shape, or there is no such `tta`.
        """
        check_tta(tta)
        check_flag("calibrated", calibrated)
        check_flag("aus", aus)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape[1:]:
            raise InputError(f"images: found {_described(images)}, expected uint8 (N, height, width), 0..255")
        if images.shape[2] <= _MAX_CHANNELS and images.shape[1:] != (self.size, self.size):
            raise InputError(
                f"images: found {_described(images)}, like one picture in colour; expected grey faces, uint8 (N, "
                "height, width)"
            )
        starts = range(0, len(images), _CHUNK)
        progress = tqdm(starts, "predicting", disable=None, delay=2) if len(starts) > 1 else starts
        chunks = [self._read_copies(self._resized(images[start : start + _CHUNK]), tta, aus) for start in progress]
        none = self._model.read(np.empty((0, self.size, self.size), np.uint8), aus=aus)
        probabilities, intensities = map(np.concatenate, zip(none, *chunks, strict=True))
        if calibrated:
            probabilities = apply_temperature(probabilities, self._model.metadata.temperature_of(tta))
        if self._shares is not None:
            probabilities = adjust_priors(probabilities, *self._shares)
        return Readings(probabilities.astype(np.float32, copy=False), intensities)

    def _resized(self, images: np.ndarray) -> np.ndarray:
        if images.shape[1:] == (self.size, self.size):
            return images
        return np.stack([resize(image, self.size) for image in images])

    def _read_copies(self, images: np.ndarray, tta: Tta, aus: bool) -> Readings:
        copies = list(augmented_copies(images, tta))
        readings = self._model.read(np.concatenate(copies), aus=aus)  # at once: a call takes as long as half a face
        return Readings(*(values.reshape(len(copies), len(images), -1).mean(axis=0) for values in readings))


def _described(images: object) -> str:
    return f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__


@cache
def _load_once(path: Path) -> FaceClassifier:
    return FaceClassifier(OnnxModel.load(path, threads=1))


def _reopen(path: Path, prior: Prior) -> FaceClassifier:
    return _load_once(path).with_prior(prior)
