"""Runs a trained network: one ONNX file, by ONNX Runtime, without TensorFlow."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from mien._io.arguments import check_whole
from mien._io.checksums import checked
from mien._io.classes import read_classes
from mien._io.errors import InputError, first_line, note, within
from mien.models.metadata import Metadata

if TYPE_CHECKING:
    import onnxruntime

#: The name of the second output.
AUS = "aus"

_FATAL = 4  # ONNX Runtime's log level for fatal errors; errors are raised anyway
_TOLERANCE = 1e-3  # tolerance of a sum of probabilities, and of AU intensities
_MAX_THREADS = 256
_MAX_BATCH_BYTES = 2**16  # bytes of inputs (28 faces); more are no faster, and layers need hundreds of times as much


class Readings(NamedTuple):
    """The outputs of a network for N faces.

    Attributes:
        probabilities: of each class, float32 (N, classes), rows that sum to 1.
        aus: intensities 0..100 of the AUs in its metadata, float32 (N, AUs); (N, 0) if it reads none.
    """

    probabilities: np.ndarray
    aus: np.ndarray


class OnnxModel:
    """A network with one input and one or two outputs: probabilities, and AU intensities.

    Attributes:
        path: the path of its file.
        metadata: the file's own description.
        shape: the shape of one input, without the batch dimension.
        dtype: the type of the input in ONNX Runtime's words, such as "tensor(uint8)".
    """

    def __init__(self, path: Path, metadata: Metadata, session: "onnxruntime.InferenceSession") -> None:
        """Use an open session. Usually `load` does this.

        Raises:
            InputError: the network has several inputs, too many outputs, or a number of outputs other than of classes
            or AUs.
        """
        inputs, shapes = session.get_inputs(), {output.name: output.shape for output in session.get_outputs()}
        of_aus = shapes.pop(AUS, [])
        if (len(inputs), len(shapes)) != (1, 1):
            raise InputError(f"{path}: found {len(inputs)} inputs and {len(shapes)} outputs, expected one of each")
        (output, shape), *_ = shapes.items()
        if shape[1:] != [len(metadata.classes)]:
            raise InputError(
                f"{path}: found outputs of {shape}, expected {len(metadata.classes)}, a probability per class"
            )
        if of_aus[1:] != ([len(metadata.aus)] if metadata.aus else []):
            raise InputError(
                f"{path}: found an output {AUS} of {of_aus or 'nothing'}, expected {len(metadata.aus)}, an intensity "
                "per AU that its metadata name"
            )
        self.path = path
        self.metadata = metadata
        self.shape = tuple(inputs[0].shape[1:])
        self.dtype: str = inputs[0].type
        self._input_name = inputs[0].name
        self._outputs = [output, *([AUS] if metadata.aus else [])]
        self._session = session

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path of the network; a process loads it once, to work in one thread."""
        return _load_once, (self.path.absolute(),)

    @classmethod
    def load(cls, path: Path, *, threads: int, example: str = "models/cnn") -> Self:
        """Load an ONNX file, or `best.onnx` of a folder.

        Args:
            path: the file, or a folder that `train_cnn` or `train_au` wrote.
            threads: threads that may work on one batch; 0 for one per core.
            example: a folder written by `dvc repro`, to name in messages.

        Raises:
            InputError: the file is missing or damaged, or does not name its classes; or `threads` is not
                0 .. 256
        """
        check_whole("threads", threads, 0, _MAX_THREADS)
        file = path / "best.onnx" if path.is_dir() else path
        try:
            model = checked(file).read_bytes()
        except OSError as error:
            raise InputError(
                f"{path}: no model ({error}), expected an ONNX file, or a folder with best.onnx; name another, such "
                f"as --model {example} after `dvc repro`"
            ) from None
        session = open_session(file, model, threads)
        with within(file):
            metadata = Metadata.from_props(session.get_modelmeta().custom_metadata_map)
        return cls(file, metadata or _read_old_files(file, session.get_inputs()[0].type), session)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return the network's probabilities: float32 (N, classes). Arguments and errors: see `read`."""
        return self.read(inputs, aus=False).probabilities

    def read(self, inputs: np.ndarray, *, aus: bool = True) -> Readings:
        """Return all outputs of the network.

        The network gets batches, so that memory is bounded. The size of a batch changes results only by rounding.

        Args:
            inputs: (N, *shape), of its dtype.
            aus: False leaves out the Action Units, which saves their share of the time.

        Raises:
            InputError: the network cannot be run, its outputs are not probabilities, or its AUs are not within 0..100.
        """
        outputs = self._outputs if aus else self._outputs[:1]
        chunks = [self._run(batch, outputs) for batch in batches(inputs)]
        widths = len(self.metadata.classes), len(self.metadata.aus) if aus else 0
        none = (np.empty((0, width), np.float32) for width in widths)
        return Readings(*map(np.concatenate, zip(none, *chunks, strict=True)))

    def _run(self, inputs: np.ndarray, names: list[str]) -> Readings:
        try:
            outputs, *aus = self._session.run(names, {self._input_name: inputs})
        except Exception as error:  # noqa: BLE001 -- ONNX Runtime's errors share no narrower base
            raise InputError(f"{self.path}: cannot be run ({first_line(error)})") from None
        classes = len(self.metadata.classes)
        is_whole = isinstance(outputs, np.ndarray) and outputs.shape == (len(inputs), classes)
        if not is_whole or outputs.dtype != np.float32 or _has_wrong_sums(inputs, outputs):
            raise InputError(f"{self.path}: found outputs that are not probabilities of {classes} classes")
        return Readings(outputs, self._checked_aus(aus[0]) if aus else np.empty((len(inputs), 0), np.float32))

    def _checked_aus(self, aus: np.ndarray) -> np.ndarray:
        is_whole = aus.dtype == np.float32 and aus.shape[1:] == (len(self.metadata.aus),)
        if not is_whole or not ((aus >= -_TOLERANCE) & (aus <= 100 + _TOLERANCE)).all():
            raise InputError(f"{self.path}: found an output {AUS} that is not float32, 0..100")
        return np.clip(aus, 0, 100)


@cache
def _load_once(path: Path) -> OnnxModel:
    return OnnxModel.load(path, threads=1)


def batches(inputs: np.ndarray) -> Iterator[np.ndarray]:
    """Yield inputs, (N, ..), in batches that bound the memory of a network. No inputs give no batches."""
    size = max(_MAX_BATCH_BYTES // max(inputs[:1].nbytes, 1), 1)
    return (inputs[start : start + size] for start in range(0, len(inputs), size))


def open_session(path: Path, model: bytes, threads: int) -> "onnxruntime.InferenceSession":
    """Open a network.

    Args:
        path: its name in messages.
        model: the bytes of its file.
        threads: threads that may work on one batch; 0 for one per core.

    Raises:
        InputError: ONNX Runtime cannot read it.
    """
    import onnxruntime  # takes longer to load than all else

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
    """Read the files that described an ONNX file before version 0.2: classes.json, and for faces calibration.json."""
    try:
        classes = read_classes(path.parent)
    except OSError as error:
        raise InputError(
            f"{path}: has no metadata that names its classes, expected a file that `dvc repro` made, or classes.json "
            f"beside it ({error})"
        ) from None
    temperature = _read_old_temperature(path.with_name("calibration.json")) if dtype == "tensor(uint8)" else 1.0
    note(f"{path} has no metadata, so classes.json beside it is used; `dvc repro` writes a self-describing file")
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
