"""`tools/ship.py`: a trained network becomes a pretrained one, with its card and its checksum."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.networks import brightness_network, split_metadata

from mien._io.checksums import FILE, checked
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.pretrained import AU_NETWORK, FACE_NETWORKS
from tools import ship

FACES = np.arange(3 * 48 * 48, dtype=np.uint8).reshape(3, 48, 48)


def _ship(monkeypatch: pytest.MonkeyPatch, weights: Path, *words: object) -> None:
    weights.mkdir(exist_ok=True)
    paths = {path.stem: weights / path.name for path in (*FACE_NETWORKS.values(), AU_NETWORK)}
    monkeypatch.setattr(ship, "_PATHS", paths)
    monkeypatch.setattr(ship, "AU_NETWORK", paths[AU_NETWORK.stem])
    monkeypatch.setattr(sys, "argv", ["ship.py", *map(str, words)])
    ship.main()


@pytest.mark.parametrize("is_old", [False, True])
def test_a_network_for_faces_is_shipped_with_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_old: bool
) -> None:
    network = brightness_network(tmp_path / "cnn", temperature=1.5)
    if is_old:
        split_metadata(network)
    (tmp_path / "params.yaml").write_text("train_cnn: {network: mien}\n")
    for name in ("metrics", "per_class"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"cnn": {"kind": name}}))
    weights = tmp_path / "weights"
    _ship(monkeypatch, weights, "mien", network, "--params", tmp_path / "params.yaml", "--reports", tmp_path)
    classifier = FaceClassifier.from_pretrained(checked(weights / "mien.onnx"))
    assert classifier.temperature == 1.5
    expected = FaceClassifier.from_pretrained(network).predict_proba(FACES)
    assert np.array_equal(classifier.predict_proba(FACES), expected)
    assert json.loads((weights / "mien.json").read_text()) == {
        "metrics": {"cnn": {"kind": "metrics"}},
        "per_class": {"cnn": {"kind": "per_class"}},
        "params": {"train_cnn": {"network": "mien"}},
    }


def test_shipping_the_same_network_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(AU_NETWORK.parent, weights)
    before = {path.name: path.read_bytes() for path in weights.iterdir()}
    _ship(monkeypatch, weights, "mien_au", AU_NETWORK)
    assert {path.name: path.read_bytes() for path in weights.iterdir()} == before
    assert OnnxModel.load(weights / AU_NETWORK.name, threads=1).metadata.kind == "aus"
    assert len((weights / FILE).read_text().splitlines()) == len(list(weights.glob("*.onnx")))
