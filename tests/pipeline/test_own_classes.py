"""The whole pipeline on a label set of one's own, without an emotion among its names, and the commands after it."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.pictures import encoded, write_files
from helpers.repository import Repository, clone_with_cache

from mien._io.classes import read_classes
from mien.emotions import FER_PLUS, is_emotion

#: Classes, the names of their folders, and how bright their images are.
CLASSES = {"very bored": ("0_Very_Bored", 60), "engaged": ("Engaged", 130), "asleep": ("asleep", 200)}
PARAMS: dict[str, dict[str, Any]] = {
    "prepare_fer": {"source": "own_faces", "classes": [*CLASSES], "size": 24, "test_share": 0.2},
    "train_cnn": {"network": "small_cnn", "epochs": 5, "patience": 5, "batch_size": 4, "learning_rate": 0.003},
}


def face(level: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(level - 25, level + 25, (24, 24)).astype(np.uint8)


@pytest.fixture(scope="module")
def own(reproduced: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A clone with faces of own classes, after `dvc repro`. The stages before them come from the cache."""
    repository = clone_with_cache(reproduced, tmp_path_factory.mktemp("own") / "clone")
    repository.set_params(PARAMS)
    files = {
        f"{folder}/{i}.png": encoded(face(level, 1000 * level + i))
        for folder, level in CLASSES.values()
        for i in range(40)
    }
    write_files(repository.path / "own_faces", {**files, "resting/1.png": encoded(face(90, 1))})
    repository.ok("dvc", "repro")
    return repository


def read_json(repository: Repository, name: str) -> Any:
    return json.loads((repository.path / name).read_text())


def test_every_stage_works_with_own_classes(own: Repository) -> None:
    assert not any(is_emotion(name) for name in CLASSES)
    assert read_classes(own.path / "data/fer") == [*CLASSES]
    assert read_classes(own.path / "models/cnn") == [*CLASSES]
    audit = read_json(own, "reports/prepare_fer/audit.json")
    assert {name: sum(split[name] for split in audit["counts"].values()) for name in CLASSES} == dict.fromkeys(
        CLASSES, 40
    )
    assert set(read_json(own, "reports/oversample_augment/metrics.json")["after"]["counts"]) == set(CLASSES)
    per_class = read_json(own, "reports/evaluate/per_class.json")
    assert list(per_class["cnn"]) == [*CLASSES]
    assert read_json(own, "reports/evaluate/metrics.json")["cnn"]["accuracy"] > 1 / 3
    with (own.path / "reports/evaluate/cnn_confusion.csv").open() as file:
        assert {row["actual"] for row in csv.DictReader(file)} == set(CLASSES)
    assert json.loads(own.ok("dvc", "status", "--json")) == {}
    assert not set(FER_PLUS) & set(audit["counts"]["train"])


def test_notes_say_what_was_left_out_and_that_actions_know_seven_emotions(own: Repository) -> None:
    environment = {"PYTHONPATH": "src"}
    prepared = own.run("python", "stages/prepare_fer.py", **environment)
    assert "1 image was left out, as the folder names no emotion: resting (1)" in prepared.stderr
    actions = own.run("python", "stages/action_map.py", **environment)
    assert "none is suggested for very bored, engaged, asleep" in actions.stderr
    assert json.loads(own.ok("dvc", "status", "--json")) == {}


def test_commands_read_with_the_trained_network(own: Repository, tmp_path: Path) -> None:
    photo = write_files(tmp_path, {"a.png": encoded(face(200, 7))}) / "a.png"
    command = ("mien", "image", str(photo), "--crop", "--model", "models/cnn", "--json")
    (read,) = json.loads(own.ok(*command))["faces"]
    assert list(read["probabilities"]) == [*CLASSES]
    assert read["emotion"] in CLASSES
    score = ("mien", "score", "own_faces", "--model", "models/cnn", "--json")
    figures = json.loads(own.ok(*score))
    assert (figures["images"], figures["classes"]) == (120, [*CLASSES])
    assert figures["accuracy"] > 1 / 3
    merged = json.loads(own.ok(*score, "--merge", "absent=very bored+asleep"))
    assert (merged["images"], list(merged["per_class"])) == (120, ["absent", "engaged"])
    assert merged["accuracy"] >= figures["accuracy"]


def test_reports_have_the_classes(own: Repository) -> None:
    own.ok("mien", "exp", "report", "out", "--title", "Own classes", "--command", "make repro")
    text = (own.path / "out/README.md").read_text()
    assert all(f"| {name} |" in text for name in CLASSES)
    assert "CNN, faces" in own.ok("mien", "summary")
