"""A trained network as users run it: one ONNX file, by ONNX Runtime. Needs no TensorFlow."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from mien._io.checksums import checked
from mien._io.classes import read_classes
from mien._io.errors import InputError, first_line, note, within
from mien.models.metadata import Metadata

if TYPE_CHECKING:
    import onnxruntime

_FATAL = 4  # of ONNX Runtime's log levels; errors are raised, too
_TOLERANCE = 1e-3  # of a sum of probabilities
_MAX_BATCH_BYTES = 2**16  # of inputs, 28 faces; more are no faster, and layers make hundreds of times as much of them


class OnnxModel:
    """A network of one input and one output.

    Attributes:
        path: of its file.
        metadata: what the file says about itself.
        shape: of one input, without the batch dimension.
        dtype: of the input, as ONNX Runtime names it, such as "tensor(uint8)".
    """

    def __init__(self, path: Path, metadata: Metadata, session: "onnxruntime.InferenceSession") -> None:
        """Use an open session. Usually `load` does this.

        Raises:
            InputError: the network has several inputs or outputs, or another number of outputs than of classes.
        """
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if (len(inputs), len(outputs)) != (1, 1):
            raise InputError(f"{path}: found {len(inputs)} inputs and {len(outputs)} outputs, expected one of each")
        if outputs[0].shape[1:] != [len(metadata.classes)]:
            raise InputError(
                f"{path}: found outputs of {outputs[0].shape}, expected {len(metadata.classes)}, a probability per "
                "class"
            )
        self.path = path
        self.metadata = metadata
        self.shape = tuple(inputs[0].shape[1:])
        self.dtype: str = inputs[0].type
        self._input_name = inputs[0].name
        self._session = session

    @classmethod
    def load(cls, path: Path, *, threads: int, example: str = "models/cnn") -> Self:
        """Load an ONNX file, or `best.onnx` of a folder.

        Args:
            path: of the file, or of a folder that `train_cnn` or `train_au` wrote.
            threads: that may work on one batch; 0 for one per core.
            example: a folder to name in messages, which `dvc repro` makes.

        Raises:
            InputError: the file is missing or damaged, or does not say what its classes are.
        """
        file = path / "best.onnx" if path.is_dir() else path
        try:
            model = checked(file).read_bytes()
        except OSError as error:
            raise InputError(
                f"{path}: no model ({error}), expected an ONNX file, or a folder with best.onnx; name another, such "
                f"as --model {example} after `dvc repro`"
            ) from None
        session = _open(file, model, threads)
        with within(file):
            metadata = Metadata.from_props(session.get_modelmeta().custom_metadata_map)
        return cls(file, metadata or _read_old_files(file, session.get_inputs()[0].type), session)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return the network's own probabilities: float32 (N, classes).

        Memory is bounded, as the network gets batches. The size of a batch changes the result only by rounding.

        Args:
            inputs: (N, *shape) of its dtype.

        Raises:
            InputError: the network cannot be run, or its outputs are not probabilities.
        """
        size = max(_MAX_BATCH_BYTES // max(inputs[:1].nbytes, 1), 1)
        batches = [self._run(inputs[start : start + size]) for start in range(0, len(inputs), size)]
        return np.concatenate([np.empty((0, len(self.metadata.classes)), np.float32), *batches])

    def _run(self, inputs: np.ndarray) -> np.ndarray:
        try:
            (outputs,) = self._session.run(None, {self._input_name: inputs})
        except Exception as error:  # noqa: BLE001 -- ONNX Runtime's errors share no narrower base
            raise InputError(f"{self.path}: cannot be run ({first_line(error)})") from None
        classes = len(self.metadata.classes)
        is_whole = isinstance(outputs, np.ndarray) and outputs.shape == (len(inputs), classes)
        if not is_whole or outputs.dtype != np.float32 or _has_wrong_sums(inputs, outputs):
            raise InputError(f"{self.path}: found outputs that are not probabilities of {classes} classes")
        return outputs


def _open(path: Path, model: bytes, threads: int) -> "onnxruntime.InferenceSession":
    import onnxruntime  # takes longer to load than the rest together

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _FATAL  # InputError says in one line what is wrong
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 -- ONNX Runtime's errors share no narrower base
        raise InputError(f"{path}: not a readable ONNX model ({first_line(error)})") from None


def _has_wrong_sums(inputs: np.ndarray, outputs: np.ndarray) -> bool:
    """Tell whether a row of outputs does not sum to 1 although its input is finite."""
    wrong = ~(np.abs(outputs.sum(axis=1) - 1) <= _TOLERANCE)
    return bool(wrong.any() and np.isfinite(inputs[wrong]).all(axis=tuple(range(1, inputs.ndim))).any())


def _read_old_files(path: Path, dtype: str) -> Metadata:
    """Read what stood beside an ONNX file before it described itself: classes.json, and of faces calibration.json."""
    try:
        classes = read_classes(path.parent)
    except OSError as error:
        raise InputError(
            f"{path}: has no metadata that names its classes, expected a file that `dvc repro` made, or classes.json "
            f"beside it ({error})"
        ) from None
    temperature = _read_old_temperature(path.with_name("calibration.json")) if dtype == "tensor(uint8)" else 1.0
    note(f"{path} does not describe itself, so classes.json beside it does; `dvc repro` makes one file of both")
    return Metadata("face" if dtype == "tensor(uint8)" else "aus", classes, {}, temperature)


def _read_old_temperature(path: Path) -> float:
    expected = 'expected {"temperature": T}, T above 0 (1: as the network says)'
    try:
        temperature = json.loads(checked(path).read_text())["temperature"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error!r}), {expected}") from None
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 < temperature < np.inf:
        raise InputError(f"{path}: found a temperature of {temperature!r}, {expected}")
    return float(temperature)
