"""Bad input stops a stage with one line, exit code 2 and no outputs."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Repository

PNG = cv2.imencode(".png", np.zeros((48, 48), np.uint8))[1].tobytes()


def refuses(workspace: Repository, stage: str, *words: str) -> None:
    """Assert that a stage stops with one line that says all `words`, and leaves nothing."""
    before = set(workspace.path.iterdir())
    result = workspace.run("python", f"stages/{stage}.py")
    assert result.returncode == 2, result.stderr
    (line,) = result.stderr.splitlines()
    for word in words:
        assert word in line
    assert set(workspace.path.iterdir()) - before <= {workspace.path / "data", workspace.path / "reports"}
    left = [path for name in ("data", "reports") for path in (workspace.path / name).rglob("*")]
    assert left == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seed: 20", "seed: twenty", ["base.seed", "'twenty'"]),
        ("seed: 20", "seed: -1", ["base.seed", "-1"]),
        ("seed: 20", "sed: 20", ["base.seed", "missing"]),
        ("seed: 20", "seed: 20\n  speed: 1", ["base.speed", "unknown"]),
        ("samples: 200", "samples: 200.5", ["generate_aus.samples", "200.5"]),
        ("positive: [95.0, 100.0]", "positive: [100.0, 95.0]", ["generate_aus.intensities.positive", "low <= high"]),
        ("method: augment", "method: smote", ["oversample_augment.method", "smote", "random"]),
        ("seed: 20", "seed: [", ["params.yaml", "not valid YAML"]),
        ("tables/seed.yaml", "tables/sed.yaml", ["sed.yaml", "no such file"]),
    ],
)
def test_params(workspace: Repository, old: str, new: str, words: list[str]) -> None:
    params = workspace.path / "params.yaml"
    text = params.read_text()
    assert old in text
    params.write_text(text.replace(old, new))
    refuses(workspace, "generate_aus", "params.yaml" if "sed.yaml" not in words else "", *words)


def test_an_emotion_that_can_only_be_another_is_refused(workspace: Repository) -> None:
    table = workspace.path / "table.yaml"
    table.write_text(
        "source: test\nemotions:\n"
        "  happy: {positive: [12], negative: [], optional: []}\n"
        "  surprise: {positive: [5, 12], negative: [], optional: []}\n"
    )
    workspace.set_params({"generate_aus": {"table": "table.yaml"}})
    refuses(workspace, "generate_aus", "'surprise'", "'happy'", "cannot be drawn")


def _missing(path: Path) -> None:
    pass


def _empty(path: Path) -> None:
    path.touch()


def _no_zip(path: Path) -> None:
    path.write_text("emotion,pixels\n")


def _truncated(path: Path) -> None:
    _zip(path, {f"train/happy/{i}.png": PNG for i in range(50)})
    path.write_bytes(path.read_bytes()[:-200])


def _no_images(path: Path) -> None:
    _zip(path, {"train/happy/readme.txt": b"nothing"})


def _empty_zip(path: Path) -> None:
    _zip(path, {})


def _unknown_class(path: Path) -> None:
    _zip(path, {"train/bored/1.png": PNG})


def _broken_image(path: Path) -> None:
    _zip(path, {"train/happy/1.png": PNG, "train/happy/2.png": PNG[:40]})


def _split_and_none(path: Path) -> None:
    _zip(path, {"train/happy/1.png": PNG, "sad/2.png": PNG})


def _too_few(path: Path) -> None:
    _zip(path, {"happy/1.png": PNG, "sad/2.png": PNG})


def _damaged(path: Path) -> None:
    _zip(path, {"train/happy/1.png": PNG})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)


def _folder_without_classes(path: Path) -> None:
    path.mkdir()
    (path / "1.png").write_bytes(PNG)


def _zip(path: Path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_missing, ["no such file"]),
        (_empty, ["0 bytes"]),
        (_no_zip, ["not a whole zip"]),
        (_truncated, ["not a whole zip", "truncated"]),
        (_no_images, ["found no image"]),
        (_empty_zip, ["found no image"]),
        (_unknown_class, ["train/bored/1.png", "'bored'", "expected an emotion"]),
        (_broken_image, ["train/happy/2.png", "not a readable image"]),
        (_split_and_none, ["sad/2.png", "no split folder"]),
        (_too_few, ["found 1 distinct", "too few"]),
        (_damaged, ["train/happy/1.png", "cannot be read from the zip"]),
        (_folder_without_classes, ["1.png", "expected an emotion"]),
    ],
)
def test_sources(workspace: Repository, make: Callable[[Path], None], words: list[str]) -> None:
    make(workspace.path / "source")
    workspace.set_params({"prepare_fer": {"source": "source"}})
    refuses(workspace, "prepare_fer", "source", *words)


def test_a_recipe_with_an_unknown_key_is_refused(workspace: Repository) -> None:
    (workspace.path / "recipes").mkdir()
    (workspace.path / "recipes/mine.yaml").write_text("train_cnn: {epoch: 3}\n")
    result = workspace.run("mien", "recipe", "mine")
    assert result.returncode == 2
    assert "recipes/mine.yaml: train_cnn.epoch: unknown key" in result.stderr
