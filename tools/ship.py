"""Turn a trained network into a pretrained one: `python tools/ship.py mien_small models/cnn`.

Writes src/mien/inference/weights/NAME.onnx, NAME_int8.onnx if the folder has best_int8.onnx, and SHA256SUMS. For a
network for faces, it also writes NAME.json for its model card: metrics and per_class on the test split, and the
training params.
"""

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien._io.checksums import save_checksums
from mien._io.errors import reports_input_errors
from mien._io.yaml import read_yaml
from mien.aus.facs import COLUMNS
from mien.experiments import layout
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.pretrained import AU_NETWORK, FACE_NETWORKS
from mien.models.export import write_metadata
from mien.models.metadata import Metadata

_PATHS = {**FACE_NETWORKS, AU_NETWORK.stem: AU_NETWORK}


@reports_input_errors
def main() -> None:
    """Ship the network that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=_PATHS, help="of the pretrained network")
    parser.add_argument("folder", type=Path, help="with best.onnx, such as models/cnn after `dvc repro`")
    parser.add_argument("--params", type=Path, default=layout.PARAMS, help="that it was trained with")
    parser.add_argument("--reports", type=Path, default=layout.report("evaluate"), help="folder of its figures")
    arguments = parser.parse_args()
    path = _PATHS[arguments.name]
    model = OnnxModel.load(arguments.folder, threads=1)
    card = None if path == AU_NETWORK else _card(arguments.params, arguments.reports)
    _ship_network(model, path)
    if card:
        path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")


def _card(params: Path, reports: Path) -> dict[str, Any]:
    return {
        "metrics": json.loads((reports / "metrics.json").read_text()),
        "per_class": json.loads((reports / "per_class.json").read_text()),
        "params": read_yaml(params),
    }


def _ship_network(model: OnnxModel, path: Path) -> None:
    old = model.metadata
    if old.kind == "face":
        metadata = replace(old, input=Metadata.of_faces(old.classes, model.shape[0]).input)
    else:
        metadata = Metadata.of_aus(old.classes, COLUMNS)
    path.write_bytes(model.path.read_bytes())
    write_metadata(path, metadata)
    quantized = model.path.with_name(f"{model.path.stem}_int8.onnx")
    if quantized.is_file():
        shutil.copyfile(quantized, path.with_name(f"{path.stem}_int8.onnx"))
    save_checksums(path.parent, "*.onnx")


if __name__ == "__main__":
    main()
