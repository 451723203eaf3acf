"""`make train SOURCE=..`: own faces in, own network out; and back to the embedded pipeline by `make embedded`."""

import json
import re
import sys
from pathlib import Path

import cv2
import pandas as pd
from helpers.faces import happy_and_surprised_faces
from helpers.repository import Repository
from hydra.core.override_parser.overrides_parser import OverridesParser

from mien.emotions import FER2013
from mien.inference.networks.face_classifier import FaceClassifier

TOOLS = str(Path(sys.executable).parent)
FOLDER = "my faces (2), été"
MAKE = ("make", f"--old-file={TOOLS}/.installed", f"BIN={TOOLS}")


def test_a_folder_of_faces_becomes_a_network_of_its_classes_and_make_embedded_returns(
    reproduced: Repository, tmp_path: Path
) -> None:
    faces, targets = happy_and_surprised_faces(60)
    for number, (face, label) in enumerate(zip(faces, targets.argmax(axis=1), strict=True)):
        path = tmp_path / FOLDER / ("happy", "surprise")[label] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), face)
    source = tmp_path / FOLDER
    try:
        output = reproduced.ok(*MAKE, "train", f"SOURCE={source}", "DETECTOR=none")
        assert "mien image --model models/cnn photo.jpg" in output
        history = pd.read_csv(reproduced.path / "reports/train_cnn/history.csv")
        assert history["learning_rate"][5:].max() < history["learning_rate"][:5].max()  # all layers learn more slowly
        network = FaceClassifier.from_pretrained(reproduced.path / "models/cnn")
        assert network.classes_ == ["happy", "surprise"]
        assert (network.predict_proba(faces).argmax(axis=1) == targets.argmax(axis=1)).mean() > 0.9
        picture = str(source / "happy/0.png")
        assert "happy" in reproduced.ok("mien", "image", picture, "--crop", "--model", "models/cnn")
    finally:
        reproduced.ok(*MAKE, "embedded")
    assert reproduced.ok("git", "status", "--porcelain") == ""
    assert json.loads(reproduced.ok("dvc", "status", "--json")) == {}
    assert FaceClassifier.from_pretrained(reproduced.path / "models/cnn").classes_ == list(FER2013)


def test_names_of_classes_reach_dvc_as_they_are(repository: Repository) -> None:
    shown = repository.ok(*MAKE, "--dry-run", "train", "SOURCE=a b/", "CLASSES=快乐, very sad,naïve")
    (classes,) = re.findall(r'"(prepare_fer.classes=.*?)"', shown)
    (override,) = OverridesParser.create().parse_overrides([classes])
    value = override.value()
    assert isinstance(value, list)
    assert [str(getattr(name, "text", name)) for name in value] == ["快乐", "very sad", "naïve"]


def test_without_a_source_it_says_what_to_name(repository: Repository) -> None:
    refused = repository.run(*MAKE, "train")
    assert refused.returncode == 2
    assert "error: SOURCE: found nothing, expected a folder or zip with a folder of images per class" in refused.stderr
