"""`tools/train_aus.py`: a table of AUs, and a network that reads them, made of files that the test makes."""

import json
import shutil
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from mien._io.checksums import FILE, checked
from mien.emotions import FER2013
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import Precision, find_face_network
from mien.models.onnx_aus import NAMES, without_aus
from tools import train_aus


def face(level: int) -> np.ndarray:
    """Return a grey face whose mouth is open by a share of 255."""
    image = np.random.default_rng(level).integers(140, 160, (48, 48), dtype=np.uint8)
    image[28 : 30 + level // 16, 14:34] = 20
    return image


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a zip of faces of all emotions, and write the table of their AUs."""
    rows = ["image,AU12,AU25"]
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for split, count in (("train", 42), ("test", 14)):
            for number in range(count):
                name = f"{split}/{FER2013[number % 7]}/{number}.png"
                level = 5 * number + (split == "test")
                archive.writestr(name, cv2.imencode(".png", face(level))[1].tobytes())
                rows.append(f"{name},{number % 7 * 10},{level / 3:.1f}")
    (tmp_path / "aus.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "faces.zip"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that the tool writes to, with a `mien_wild` that reads no AUs."""
    folder = tmp_path / "weights"
    shutil.copytree(find_face_network("mien").parent, folder, ignore=shutil.ignore_patterns(FILE))
    for path in folder.glob("mien_wild*.onnx"):
        onnx.save(without_aus(onnx.load(path)), path)

    def find(name: str, precision: Precision = "fp32") -> Path:
        return folder / f"{name}{'_int8' if precision == 'int8' else ''}.onnx"

    monkeypatch.setattr(train_aus, "find_face_network", find)
    monkeypatch.setattr(train_aus, "_REPORT", tmp_path / "reports" / "metrics.json")
    return folder


def train(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["train_aus.py", *map(str, words)])
    train_aus.main()


def test_a_network_that_reads_aus_is_made(
    monkeypatch: pytest.MonkeyPatch, source: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(monkeypatch, source, source.parent / "aus.csv")
    faces = np.stack([face(30), face(190)])
    for name in ("mien_wild", "mien_wild_int8"):
        classifier = FaceClassifier.from_pretrained(checked(weights / f"{name}.onnx"))
        assert classifier.aus_ == NAMES
        closed, open_ = classifier.read(faces).aus[:, NAMES.index("AU25")]
        assert closed < open_
    emotions = FaceClassifier.from_pretrained("mien_wild").predict_proba(faces)
    assert np.array_equal(FaceClassifier.from_pretrained(weights / "mien_wild.onnx").predict_proba(faces), emotions)
    report = json.loads((source.parent / "reports" / "metrics.json").read_text())
    assert report["faces"] == {"train": 42, "test": 14}
    assert report["fp32"]["agreement"]["AU25"] > 0.5
    assert report["emotion_weights"]["AU25"] < 0.5
    assert report["emotion_weights"]["AU01"] == 1  # has no column
    assert set(report["int8"]["emotions"]) == {"cnn", "mien_au", "du_martinez", "emfacs", "prototypes"}
    assert "has no column AU01, AU02" in capsys.readouterr().err


def test_a_table_of_other_images_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, source: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source.parent / "aus.csv").write_text("image,AU12\nother.png,3\n")
    with pytest.raises(SystemExit, match="2"):
        train(monkeypatch, source, source.parent / "aus.csv")
    assert "found names such as 'other.png', none of 1 is one of the 56 images" in capsys.readouterr().err
    assert FaceClassifier.from_pretrained(weights / "mien_wild.onnx").aus_ == []


@pytest.mark.usefixtures("weights")
def test_both_splits_are_needed(
    monkeypatch: pytest.MonkeyPatch, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source.parent / "aus.csv").write_text("image,AU12\ntrain/angry/0.png,3\n")
    with pytest.raises(SystemExit, match="2"):
        train(monkeypatch, source, source.parent / "aus.csv")
    assert "found no image of the split test whose AUs" in capsys.readouterr().err
