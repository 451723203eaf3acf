"""A trained network as users run it: `best.onnx`, by ONNX Runtime, and `classes.json`. Needs no TensorFlow."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from mien.errors import InputError

if TYPE_CHECKING:
    import onnxruntime

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
            classes = json.loads((folder / "classes.json").read_text())
            model = path.read_bytes()
        except (OSError, ValueError) as error:
            raise InputError(
                f"{folder}: no model ({error}), expected best.onnx and classes.json; name another folder, such as "
                f"--model {example} after `dvc repro`"
            ) from None
        if not isinstance(classes, list) or len(set(map(str, classes))) < len(classes):
            raise InputError(f"{folder}/classes.json: found {str(classes)[:80]}, expected a list of distinct names")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 -- ONNX Runtime's errors share no narrower base
            raise InputError(f"{path}: not a readable ONNX model ({str(error).splitlines()[0]})") from None
        return cls(path, classes, session)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return the network's outputs, float32 (N, classes), for inputs (N, *shape) of its dtype.

        Memory is bounded, as batches are; what comes out is the same for any number of inputs, but for rounding.
        """
        step = max(_BATCH_BYTES // max(inputs[:1].nbytes, 1), 1)
        starts = range(0, len(inputs), step)
        batches = [self._session.run(None, {self._name: inputs[at : at + step]})[0] for at in starts]
        return np.concatenate([np.empty((0, len(self.classes)), np.float32), *batches])
