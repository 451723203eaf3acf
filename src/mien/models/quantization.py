"""Quantizes networks for faces to 8-bit integers, which are faster on CPUs with fast products (VNNI, dot product)."""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.registry import QDQRegistry
from onnxruntime.quantization.shape_inference import quant_pre_process

from mien.models.export import write_metadata
from mien.models.metadata import Metadata
from mien.models.onnx_aus import with_aus_of, without_aus

_CALIBRATION_FACES = 600
_BATCH = 50


def quantize(source: Path, target: Path, faces: np.ndarray, metadata: Metadata) -> None:
    """Write a network with 8-bit weights and activations. The same input gives the same bytes.

    Static quantization per channel, with quantize and dequantize nodes (Jacob et al. 2018), by ONNX Runtime. The range
    of a layer's values is a moving average over batches, so one odd face cannot widen it. The first convolution stays
    in 32-bit floats, because it reads the picture itself and costs little; so does a head for Action Units.

    Args:
        source: an ONNX file with one input and 32-bit weights.
        target: where to write.
        faces: uint8 (N, size, size), training images; the range of each layer's values is measured on 600 of them.
        metadata: what the file says about itself.
    """
    faces = faces[np.linspace(0, len(faces) - 1, min(_CALIBRATION_FACES, len(faces)), dtype=int)]
    network = onnx.load(source, load_external_data=False)
    name = network.graph.input[0].name
    root_level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it advises what is done here anyway
    try:
        with tempfile.TemporaryDirectory() as folder:
            prepared, plain = Path(folder) / "prepared.onnx", Path(folder) / "plain.onnx"
            onnx.save(without_aus(network), plain)
            quant_pre_process(plain, prepared, skip_symbolic_shape=True)
            first = _name_first_convolution(prepared)
            quantize_static(
                prepared,
                target,
                _Faces(name, faces),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                op_types_to_quantize=[kind for kind in QDQRegistry if kind != "Softmax"],  # so that rows sum to 1
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=[first],
                extra_options={"CalibMovingAverage": True},
            )
    finally:
        logging.getLogger().setLevel(root_level)
    if metadata.aus:
        onnx.save(with_aus_of(network, onnx.load(target)), target)
    write_metadata(target, metadata)


def _name_first_convolution(path: Path) -> str:
    """Name the first convolution of a file, because nodes are excluded by name. Returns its name."""
    network = onnx.load(path)
    first = next(node for node in network.graph.node if node.op_type == "Conv")
    first.name = "first_convolution"
    onnx.save(network, path)
    return first.name


class _Faces(CalibrationDataReader):
    def __init__(self, name: str, faces: np.ndarray) -> None:
        self._batches = self._each(name, faces)

    @staticmethod
    def _each(name: str, faces: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        for start in range(0, len(faces), _BATCH):
            yield {name: np.asarray(faces[start : start + _BATCH])}

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)
