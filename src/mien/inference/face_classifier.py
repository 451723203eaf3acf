"""Prediction: emotions from grey faces, by a trained network. Needs no TensorFlow."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from tqdm import tqdm

from mien._io.errors import InputError
from mien.data.decode import resize
from mien.evaluation.calibration import apply_temperature, read_temperature
from mien.inference.onnx import OnnxModel
from mien.inference.tta import COUNT, each_view

SHIPPED = Path(__file__).with_name("weights") / "mien"
#: The networks that mien ships, by name: its own, and the small variant for many faces or little hardware.
NETWORKS: Mapping[str, Path] = MappingProxyType({"mien": SHIPPED, "mien_small": SHIPPED.with_name("mien_small")})

_PART = 1024  # faces
_SIZES = range(1, 1025)  # pixels


class FaceClassifier:
    """Reads emotions from faces.

    classes: their names, in the order of the probabilities. size: width and height of the faces that the network sees,
    in pixels. temperature: what makes its confidence its accuracy, see `mien.evaluation.calibration`.

        predictor = FaceClassifier.load(Path("models/cnn"))
        face = cv2.imread("face.png", cv2.IMREAD_GRAYSCALE)
        (probabilities,) = predictor.predict_proba(face[np.newaxis])
        print(predictor.classes[probabilities.argmax()], probabilities.max())
    """

    def __init__(self, model: OnnxModel, temperature: float = 1.0) -> None:
        """Use an open network. Raises InputError where its input is not uint8 (N, size, size)."""
        is_square = len(model.shape) == 2 and model.shape[0] == model.shape[1] and model.shape[0] in _SIZES
        if not is_square or model.dtype != "tensor(uint8)":
            raise InputError(
                f"{model.path}: takes {model.dtype} of {model.shape}, expected a network for faces, which takes "
                f"tensor(uint8) of (size, size), size {_SIZES.start}..{_SIZES.stop - 1}"
            )
        self.classes = model.classes
        self.size: int = model.shape[0]
        self.temperature = temperature
        self._model = model

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folder that the network is in; a process loads it once, to work in one thread."""
        return _loaded, (self._model.path.parent.absolute(), self.temperature)

    @classmethod
    def load(cls, folder: Path | None = None, *, threads: int = 0) -> Self:
        """Load a trained network: `best.onnx`, `classes.json` and `calibration.json` of a folder.

        Args:
            folder: such as models/cnn; by default that of mien, see NETWORKS.
            threads: that may work at once; 0 for as many as ONNX Runtime finds cores.

        Raises:
            InputError: a file is missing or damaged, or the network is not for faces.
        """
        folder = folder or SHIPPED
        model = OnnxModel.load(folder, threads=threads, example="models/cnn")
        predictor = cls(model)
        predictor.temperature = read_temperature(folder)
        return predictor

    @classmethod
    def named(cls, model: str | None, *, threads: int = 0) -> Self:
        """Load what `--model` names: one of NETWORKS, or a folder as for `load`; None is mien.

        Raises:
            InputError: it is neither, or damaged.
        """
        if model is not None and model not in NETWORKS and not Path(model).is_dir():
            raise InputError(
                f"--model: found {model!r}, expected {', '.join(NETWORKS)} or a folder, such as models/cnn after "
                "`dvc repro`"
            )
        return cls.load(None if model is None else NETWORKS.get(model, Path(model)), threads=threads)

    def predict_proba(self, pixels: np.ndarray, *, tta: bool = False, calibrated: bool = True) -> np.ndarray:
        """Return the probability of each emotion: float32 (N, classes), rows that sum to 1.

        Args:
            pixels: uint8 (N, height, width), grey faces; those of another size are resized as `mien.data.decode`
                does. They may be mapped from disk: memory holds a part at a time.
            tta: average over ten views of each face, which takes ten times as long, see `mien.inference.tta`.
            calibrated: bring confidence to accuracy, which changes no decision; else as the network says.

        Raises:
            InputError: pixels are of another type or shape.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or 0 in pixels.shape[1:]:
            raise InputError(f"pixels: found {pixels.dtype} {pixels.shape}, expected uint8 (N, height, width), 0..255")
        ask = self._of_views if tta else self._model.predict
        starts = range(0, len(pixels), _PART)
        progress = tqdm(starts, "predicting", disable=None, delay=2) if len(starts) > 1 else starts
        parts = [ask(self._resized(pixels[at : at + _PART])) for at in progress]
        probabilities = np.concatenate([np.empty((0, len(self.classes)), np.float32), *parts])
        return apply_temperature(probabilities, self.temperature).astype(np.float32) if calibrated else probabilities

    def _resized(self, pixels: np.ndarray) -> np.ndarray:
        if pixels.shape[1:] == (self.size, self.size):
            return pixels
        return np.stack([resize(image, self.size) for image in pixels])

    def _of_views(self, pixels: np.ndarray) -> np.ndarray:
        total = np.zeros((len(pixels), len(self.classes)), np.float32)
        for view in each_view(pixels):
            total += self._model.predict(view)
        return total / COUNT


@cache
def _loaded(folder: Path, temperature: float) -> FaceClassifier:
    predictor = FaceClassifier.load(folder, threads=1)
    predictor.temperature = temperature
    return predictor
