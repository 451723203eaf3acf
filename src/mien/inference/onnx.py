"""A trained network as users run it: `best.onnx`, by ONNX Runtime, and `classes.json`. Needs no TensorFlow."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from mien._io.checksums import checked
from mien._io.classes import read_classes
from mien._io.errors import InputError, first_line

if TYPE_CHECKING:
    import onnxruntime

_FATAL = 4  # of ONNX Runtime's levels; errors are raised, too
_SLACK = 1e-3  # of a sum of probabilities
_BATCH_BYTES = 2**16  # of inputs, 28 faces; more are no faster, and layers make hundreds of times as much of them


class OnnxModel:
    """A network of one input and one output.

    path: of its file. classes: what the outputs are the probabilities of, in their order. shape and dtype: of the
    input, the former of one case; the latter as ONNX Runtime says it, such as "tensor(uint8)".
    """

    def __init__(self, path: Path, classes: list[str], session: "onnxruntime.InferenceSession") -> None:
        """Use an open session. Raises InputError where it has several inputs or outputs, or one not of these classes.

        Use `load` instead, unless you have one.
        """
        self.path = path
        self.classes = classes
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if (len(inputs), len(outputs)) != (1, 1):
            raise InputError(f"{path}: found {len(inputs)} inputs and {len(outputs)} outputs, expected one of each")
        if outputs[0].shape[1:] != [len(classes)]:
            raise InputError(f"{path}: found outputs of {outputs[0].shape}, expected {len(classes)} as in classes.json")
        self.shape = tuple(inputs[0].shape[1:])
        self.dtype: str = inputs[0].type
        self._name = inputs[0].name
        self._session = session

    @classmethod
    def load(cls, folder: Path, *, threads: int, example: str) -> Self:
        """Load `best.onnx` and `classes.json` of a folder.

        Args:
            folder: such as `train_cnn` and `train_au` write.
            threads: that may work on one batch; 0 for as many as ONNX Runtime finds cores.
            example: a folder to name in messages, which `dvc repro` makes.

        Raises:
            InputError: a file is missing or damaged.
        """
        path = folder / "best.onnx"
        try:
            classes = read_classes(folder)
            model = checked(path).read_bytes()
        except (OSError, ValueError) as error:
            raise InputError(
                f"{folder}: no model ({error}), expected best.onnx and classes.json; name another folder, such as "
                f"--model {example} after `dvc repro`"
            ) from None
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = _FATAL  # what goes wrong is said in one line here
        try:
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 -- ONNX Runtime's errors share no narrower base
            raise InputError(f"{path}: not a readable ONNX model ({first_line(error)})") from None
        return cls(path, classes, session)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return the network's probabilities, float32 (N, classes), for inputs (N, *shape) of its dtype.

        Memory is bounded, as batches are; what comes out is the same for any number of inputs, but for rounding.

        Raises:
            InputError: the network cannot be run, or its outputs are no probabilities.
        """
        step = max(_BATCH_BYTES // max(inputs[:1].nbytes, 1), 1)
        starts = range(0, len(inputs), step)
        batches = [self._run(inputs[at : at + step]) for at in starts]
        return np.concatenate([np.empty((0, len(self.classes)), np.float32), *batches])

    def _run(self, inputs: np.ndarray) -> np.ndarray:
        try:
            (outputs,) = self._session.run(None, {self._name: inputs})
        except Exception as error:  # noqa: BLE001 -- as in load
            raise InputError(f"{self.path}: cannot be run ({first_line(error)})") from None
        is_whole = isinstance(outputs, np.ndarray) and outputs.shape == (len(inputs), len(self.classes))
        if not is_whole or outputs.dtype != np.float32 or self._wrong(inputs, outputs):
            raise InputError(f"{self.path}: found answers that are no probabilities of {len(self.classes)} classes")
        return outputs

    @staticmethod
    def _wrong(inputs: np.ndarray, outputs: np.ndarray) -> bool:
        """Tell whether a row of outputs does not sum to 1, though its input is finite."""
        wrong = ~(np.abs(outputs.sum(axis=1) - 1) <= _SLACK)
        return bool(wrong.any() and np.isfinite(inputs[wrong]).all(axis=tuple(range(1, inputs.ndim))).any())
