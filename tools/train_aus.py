"""Let `mien_wild` also read Action Units (AUs): `python -m tools.train_aus fer2013.zip aus.csv`.

The images come from a labelled source: its train split is for training, its test split for measuring. The table has one
row per image, see `mien.data.image_aus`; tools/label_aus.py makes one. A head on inner layers of the network learns the
AUs. The layers, and so the emotions, stay unchanged; an existing head is replaced. If a table tells little about an AU,
the emotions get more weight, see `mien.training.au_head`.

Writes mien_wild.onnx and mien_wild_int8.onnx, SHA256SUMS, and the figures of their card,
reports/recipes/mien_aus/metrics.json.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from tqdm import tqdm

from mien._io.checksums import save_checksums
from mien._io.errors import InputError, reports_input_errors
from mien._io.urls import Location, locate
from mien.aus.facs import COLUMNS
from mien.data.image_aus import read_image_aus
from mien.data.pixel_file import PixelFile, read_images
from mien.data.readers.opening import open_source
from mien.evaluation.au_agreement import agreement, emotions_from_aus, in_table_order, prototype_auc
from mien.experiments import layout
from mien.inference.networks.pretrained import DEFAULT_NETWORK, Precision, find_face_network
from mien.models.metadata import Metadata
from mien.models.onnx_aus import NAMES, add_aus, add_features
from mien.training.au_head import fit_au_head, presence

_REPORT = layout.RECIPE_REPORTS / "mien_aus" / "metrics.json"
_PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")
_SIZE = 48  # pixels of the faces that it reads
_BATCH = 32  # faces


@reports_input_errors
def main() -> None:
    """Train a head for AUs on mien_wild, with images and table from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=locate, help="labelled images")
    parser.add_argument("aus", type=Path, help="table of the AUs of these images")
    arguments = parser.parse_args()
    paths = {precision: find_face_network(DEFAULT_NETWORK, precision) for precision in _PRECISIONS}
    networks = {precision: add_features(onnx.load(path)) for precision, path in paths.items()}
    classes = _classes(networks["fp32"])
    faces = _read(arguments.source, arguments.aus)
    features = _run(networks["int8"], faces.pixels[faces.train])[1]  # a third of the time
    head = fit_au_head(features, faces.intensities[faces.train], faces.given, classes)
    report: dict[str, Any] = {
        "faces": {"train": int(faces.train.sum()), "test": int(faces.test.sum())},
        "emotion_weights": dict(zip(COLUMNS, head.emotion_weights.tolist(), strict=True)),
    }
    for precision, path in paths.items():
        network = add_aus(networks[precision], head)
        report[precision] = _measure(network, faces, classes)
        path.write_bytes(network.SerializeToString(deterministic=True))
    save_checksums(paths["fp32"].parent, "*.onnx")
    _REPORT.parent.mkdir(parents=True, exist_ok=True)
    _REPORT.write_text(json.dumps(report, indent=2) + "\n")


@dataclass(frozen=True)
class _Faces:
    """Pixels, emotions and AUs of all images; which are for training and for testing; the AUs in the table."""

    pixels: np.ndarray
    emotions: pd.Series
    intensities: np.ndarray
    train: np.ndarray
    test: np.ndarray
    given: Sequence[int]


def _read(location: Location, aus: Path) -> _Faces:
    with tempfile.TemporaryDirectory() as folder, PixelFile(Path(folder, "pixels"), _SIZE) as pixels:
        with open_source(location) as source:
            index = read_images(source, pixels)
        read = np.array(pixels.memmap())
    intensities, given = read_image_aus(aus, index["origin"])
    labelled = ~np.isnan(intensities).any(axis=1) & (index["hash"] != "").to_numpy()
    train, test = (labelled & (index["split"] == split).to_numpy() for split in ("train", "test"))
    for split, rows in (("train", train), ("test", test)):
        if not rows.any():
            raise InputError(f"{location}: found no image of the split {split} whose AUs {aus} has, expected some")
    return _Faces(read, index["emotion"], intensities, train, test, given)


def _classes(network: onnx.ModelProto) -> list[str]:
    metadata = Metadata.from_props({entry.key: entry.value for entry in network.metadata_props})
    return metadata.classes if metadata else []


def _run(network: onnx.ModelProto, pixels: np.ndarray) -> list[np.ndarray]:
    """Return all outputs of a network for faces."""
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    starts = tqdm(range(0, len(pixels), _BATCH), "reading faces", disable=None, delay=2)
    name = network.graph.input[0].name
    batches = [session.run(None, {name: pixels[start : start + _BATCH]}) for start in starts]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def _measure(network: onnx.ModelProto, faces: _Faces, classes: list[str]) -> dict[str, Any]:
    probabilities, aus = _run(network, faces.pixels[faces.test])
    read = in_table_order(aus, NAMES)
    labels = pd.Index(classes).get_indexer(pd.Index(faces.emotions[faces.test]))
    cnn = float((probabilities.argmax(axis=1) == labels).mean())
    return {
        "agreement": agreement(read, faces.intensities[faces.test], faces.given),
        "emotions": {"cnn": round(cnn, 4), **emotions_from_aus(read, labels, classes)},
        "prototypes": prototype_auc(read, labels, presence(classes)),
    }


if __name__ == "__main__":
    main()
