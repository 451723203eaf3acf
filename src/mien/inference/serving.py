"""A network behind MLflow's web service: reads emotions from pictures or AU intensities in JSON.

MLflow loads this module together with a network, by `_load_pyfunc`. It needs only the base install.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from mien._io.errors import InputError, note, within
from mien.data.decode import MAX_BYTES
from mien.inference.networks.au_classifier import AUClassifier
from mien.inference.networks.au_intensities import as_intensities
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.tta import Tta
from mien.inference.pictures.photo_files import decode_photo, to_bgr

_TTA: Tta = "mirror"  # as `mien image` reads faces
_EXPECTED = "expected a face: grey (height, width) or RGB (height, width, 3), 0..255, or a picture file in base64"
_SCALE = "multiply fractions of 0..1 by 255"


class FaceService:
    """Reads emotions from pictures of one face each, as `mien image --crop` does: in 8-bit integers on fast CPUs."""

    def __init__(self, classifier: FaceClassifier) -> None:
        self._classifier = classifier

    def predict(self, model_input: Any) -> pd.DataFrame:
        """Return one row per picture: emotion, confidence, and the probability of each emotion.

        Args:
            model_input: pictures of any size. An array or nested lists, (N, height, width) in grey or (N, height,
                width, 3) in RGB, whole numbers 0..255; a picture alone, without N; a list of picture files (PNG, JPEG
                ..) as bytes or as text in base64; or a table with one column of these.

        Raises:
            InputError: an item is not such a picture; the message names its row.
        """
        faces = []
        for row, picture in enumerate(_pictures(model_input)):
            with within(f"picture {row}"):
                grey = cv2.cvtColor(_to_bgr(picture), cv2.COLOR_BGR2GRAY)
                faces.append(self._classifier.predict_proba(grey[np.newaxis], tta=_TTA)[0])
        return _table(np.array(faces, np.float32), self._classifier.classes_)


class AUService:
    """Reads emotions from Action Unit intensities, as `mien aus` does."""

    def __init__(self, classifier: AUClassifier) -> None:
        self._classifier = classifier

    def predict(self, model_input: Any) -> pd.DataFrame:
        """Return one row per input row: emotion, confidence, and the probability of each emotion.

        Args:
            model_input: a table with the columns AU01, AU02 .. AU26, in any order; or an array (N, AUs) in the order
                of `mien.aus.facs.AUS`. Intensities are 0..100; a note is printed if they look like those of a tool.

        Raises:
            InputError: a column is missing, or a value is not a number or outside 0..100.
        """
        intensities = as_intensities(model_input)
        if np.isnan(intensities).any():
            raise InputError("found a row with missing intensities, expected numbers 0..100")
        return _table(self._classifier.predict_proba(intensities), self._classifier.classes_)


class _Refusing:
    """A service whose error messages MLflow's scoring server passes on. It hides the text of other exceptions."""

    def __init__(self, service: FaceService | AUService) -> None:
        self._service = service

    def predict(self, model_input: Any) -> pd.DataFrame:
        from mlflow.exceptions import MlflowException  # installed, because only MLflow loads this module
        from mlflow.protos.databricks_pb2 import BAD_REQUEST

        try:
            return self._service.predict(model_input)
        except InputError as error:
            raise MlflowException(str(error), error_code=BAD_REQUEST) from None


def _load_pyfunc(path: str) -> _Refusing:
    """Load a network for MLflow. path: a folder with best.onnx."""
    if OnnxModel.load(Path(path), threads=1).metadata.kind == "aus":
        return _Refusing(AUService(AUClassifier.from_pretrained(path)))
    return _Refusing(FaceService(FaceClassifier.from_pretrained(path, precision="auto")))


def _table(probabilities: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    shares = probabilities.reshape(-1, len(classes))
    table = pd.DataFrame(shares, columns=list(classes))
    table.insert(0, "emotion", np.array(classes, object)[shares.argmax(axis=1)])
    table.insert(1, "confidence", shares.max(axis=1))
    return table


def _pictures(model_input: Any) -> list[Any]:
    """Yield pictures one by one from any of the accepted forms."""
    if isinstance(model_input, pd.DataFrame):
        if model_input.shape[1] != 1:
            raise InputError(f"found a table of {model_input.shape[1]} columns, expected one column of pictures")
        return model_input.iloc[:, 0].tolist()
    if isinstance(model_input, Mapping):
        if len(model_input) != 1:
            raise InputError(f"found {len(model_input)} inputs, expected one, of pictures")
        return _pictures(next(iter(model_input.values())))
    if isinstance(model_input, str | bytes):
        return [model_input]
    if isinstance(model_input, list):
        try:
            model_input = np.asarray(model_input)
        except ValueError:  # pictures of several sizes
            return model_input
    if not isinstance(model_input, np.ndarray):
        raise InputError(f"found {type(model_input).__name__}, expected pictures")
    is_one = model_input.dtype.kind in "biuf" and (
        model_input.ndim == 2 or (model_input.ndim == 3 and model_input.shape[2] == 3)
    )
    return [model_input] if is_one else list(model_input)


def _to_bgr(picture: Any) -> np.ndarray:
    if isinstance(picture, str | bytes):
        return _decoded(picture)
    try:
        array = np.asarray(picture)
    except ValueError:
        raise InputError(f"found rows of different lengths, {_EXPECTED}") from None
    if array.dtype.kind not in "iuf" or array.size == 0:
        raise InputError(f"found {array.dtype} {array.shape}, {_EXPECTED}")
    low, high = array.min(), array.max()
    is_whole = low >= 0 and high <= 255 and bool(np.equal(np.mod(array, 1), 0).all())
    # Whole numbers that end at 1 are fractions, too, rounded or of a mask: as 0..255 they would be black.
    if not is_whole or high == 1 or (array.dtype.kind == "f" and high <= 1):
        raise InputError(f"found {array.dtype} {low:g} .. {high:g}, expected whole numbers 0..255: {_SCALE}")
    array = array.astype(np.uint8)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.shape[2:] not in ((), (3,)) or array.ndim < 2:
        raise InputError(f"found {array.shape}, {_EXPECTED}")
    return to_bgr(array)


def _decoded(picture: str | bytes) -> np.ndarray:
    """Decode a picture file, given as bytes, base64 or a data URL, to OpenCV's form."""
    data = picture
    if isinstance(data, str):
        try:
            data = base64.b64decode(data.partition(",")[2] if data.startswith("data:") else data, validate=True)
        except (binascii.Error, ValueError):
            raise InputError(f"found text that is not base64, {_EXPECTED}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"found {len(data):,} bytes, expected at most {MAX_BYTES:,}")
    return decode_photo(data, note)
