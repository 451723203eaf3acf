"""Bad input stops a stage with one line, exit code 2 and no outputs."""

import runpy
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Repository

PNG = cv2.imencode(".png", np.zeros((48, 48), np.uint8))[1].tobytes()
RNG = np.random.default_rng(0)


def noise() -> bytes:
    """Return a PNG file that equals no other."""
    return cv2.imencode(".png", RNG.integers(0, 256, (48, 48), dtype=np.uint8))[1].tobytes()


@pytest.fixture
def refuses(
    workspace: Repository, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., None]:
    """A check that a stage stops with exit code 2 and one line that says all of some words, and leaves nothing."""

    def check(stage: str, *words: str) -> None:
        monkeypatch.chdir(workspace.path)
        monkeypatch.setattr(sys, "argv", [stage])
        with pytest.raises(SystemExit) as left:
            runpy.run_path(f"stages/{stage}.py", run_name="__main__")
        assert left.value.code == 2
        (line,) = capfd.readouterr().err.splitlines()
        assert line.startswith("error: ")
        for word in words:
            assert word in line
        assert [path for name in ("data", "models", "reports") for path in (workspace.path / name).rglob("*")] == []

    return check


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
        ("samples: 200", "samples: 3", ["test", "a share of 0.15 cannot be cut"]),
        ("skew: 4.0", "skew: .inf", ["generate_aus.intensities.skew", "finite"]),
        ("learning_rate: 0.001", "learning_rate: .nan", ["train_cnn.learning_rate", "finite"]),
        ("seed: 20", "seed: 2024-13-45", ["params.yaml", "not valid YAML"]),
        ("seed: 20", "seed: 20\n  seed: 21", ["params.yaml", "not valid YAML"]),
        ("tables/seed.yaml", "tables/sed.yaml", ["tables/sed.yaml", "no such file"]),
        ("labels: fer2013", "labels: ferplus_votes", ["prepare_fer: ferplus.votes", "fer2013new.csv", "ferplus_votes"]),
        ("labels: fer2013", "labels: fer", ["prepare_fer.labels", "'fer'", "ferplus_majority"]),
        ("classes: []", "classes: [happy, bored]", ["prepare_fer.classes.1", "'bored'", "contempt"]),
        ("classes: []", "classes: [sad, happy, sad]", ["prepare_fer.classes", "each name once"]),
    ],
)
def test_params(workspace: Repository, refuses: Callable[..., None], old: str, new: str, words: list[str]) -> None:
    params = workspace.path / "params.yaml"
    text = params.read_text()
    assert old in text
    params.write_text(text.replace(old, new))
    refuses("generate_aus", *words)


@pytest.mark.parametrize("text", ["", "- 1\n- 2\n", "text"])
def test_a_params_file_of_another_kind(workspace: Repository, refuses: Callable[..., None], text: str) -> None:
    (workspace.path / "params.yaml").write_text(text)
    refuses("generate_aus", "params.yaml", "the whole file", "expected a mapping")


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("render_faces", ["data/aus/exact.csv"]),
        ("oversample_augment", ["data/fer"]),
        ("train_au", ["data/aus/realistic.csv"]),
        ("train_cnn", ["data/balanced"]),
        ("evaluate", ["models/au"]),
    ],
)
def test_a_stage_without_the_outputs_before_it(refuses: Callable[..., None], stage: str, words: list[str]) -> None:
    refuses(stage, *words, "dvc repro")


def test_proportions_of_an_emotion_that_is_not_generated(workspace: Repository, refuses: Callable[..., None]) -> None:
    workspace.set_params({"generate_aus": {"neutral": False}})
    refuses("render_faces", "params.yaml: render_faces.proportions: found neutral")


def test_an_emotion_that_can_only_be_another_is_refused(workspace: Repository, refuses: Callable[..., None]) -> None:
    table = workspace.path / "table.yaml"
    table.write_text(
        "source: test\nemotions:\n"
        "  happy: {positive: [12], negative: [], optional: {}}\n"
        "  surprise: {positive: [5, 12], negative: [], optional: {}}\n"
    )
    workspace.set_params({"generate_aus": {"table": "table.yaml"}})
    refuses("generate_aus", "'surprise'", "'happy'", "cannot be drawn")


_FACES = {f"{split}/{emotion}/1.png": noise() for split in ("train", "val", "test") for emotion in ("happy", "sad")}


def _missing(path: Path) -> None:
    pass


def _empty(path: Path) -> None:
    path.touch()


def _no_zip(path: Path) -> None:
    path.write_text("faces\n")


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
    _zip(path, {"train/happy/2.png": PNG[:40]} | _FACES)


def _split_and_none(path: Path) -> None:
    _zip(path, {"train/happy/1.png": PNG, "sad/2.png": PNG})


def _too_few(path: Path) -> None:
    _zip(path, {"happy/1.png": PNG, "sad/2.png": noise()})


def _damaged(path: Path) -> None:
    _zip(path, {"train/happy/2.png": PNG} | _FACES)
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)


def _broken_link(path: Path) -> None:
    for name, data in _FACES.items():
        (path / name).parent.mkdir(parents=True)
        (path / name).write_bytes(data)
    (path / "train/happy/2.png").symlink_to("nowhere.png")


def _loop(path: Path) -> None:
    _broken_link(path)
    (path / "train/fear").symlink_to(path.resolve())


def _encrypted(path: Path) -> None:
    _zip(path, {"train/happy/1.png": PNG})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)


def _leads_out(path: Path) -> None:
    _zip(path, {"../train/happy/1.png": PNG})


def _zip_in_zip(path: Path) -> None:
    _zip(path, {"train/happy/1.png": PNG})
    _zip(path, {"faces.zip": path.read_bytes()})


def _bomb(path: Path) -> None:
    _zip(path, {f"train/happy/{i}.bmp": bytes(2**25) for i in range(3)}, zipfile.ZIP_DEFLATED)


def _csv(row: str, header: str = "emotion,pixels,Usage") -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(f"{header}\n{row}\n")

    return write


def _class_in_test_only(path: Path) -> None:
    images = {f"train/{emotion}/{i}.png": noise() for emotion in ("happy", "angry") for i in range(9)}
    _zip(path, images | {f"test/sad/{i}.png": noise() for i in range(9)})


def _no_train(path: Path) -> None:
    _zip(path, {"test/happy/1.png": noise(), "val/sad/2.png": noise()})


def _one_class(path: Path) -> None:
    _zip(path, {f"{split}/happy/{i}.png": noise() for split in ("train", "val", "test") for i in range(9)})


def _folder_without_classes(path: Path) -> None:
    path.mkdir()
    (path / "1.png").write_bytes(PNG)


def _zip(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_missing, ["no such file"]),
        (_empty, ["0 bytes"]),
        (_no_zip, ["not a whole zip", "fer2013.csv"]),
        (_truncated, ["not a whole zip", "truncated"]),
        (_no_images, ["found no image"]),
        (_empty_zip, ["found no image"]),
        (_unknown_class, ["train/bored/1.png", "'bored'", "expected an emotion"]),
        (_broken_image, ["train/happy/2.png", "not a readable image"]),
        (_split_and_none, ["sad/2.png", "no split folder"]),
        (_too_few, ["cannot be cut from 2 distinct cases"]),
        (_damaged, ["train/happy/2.png", "not a readable image"]),
        (_broken_link, ["train/happy/2.png", "not a readable image"]),
        (_loop, ["train/fear", "link to a folder above it"]),
        (_encrypted, ["train/happy/1.png", "is encrypted"]),
        (_leads_out, ["../train/happy/1.png", "leads out of the zip"]),
        (_zip_in_zip, ["faces.zip", "a zip in the zip"]),
        (_bomb, ["zip bomb"]),
        (_csv(f"0,{'7 ' * 2303},Training"), ["row 1", "2,303 numbers", "2,304"]),
        (_csv(f"0,{'7 ' * 2303}256,Training"), ["row 1, pixel 2304", "'256'", "0..255"]),
        (_csv(f"9,{'7 ' * 2304},Training"), ["row 1, column emotion", "'9'"]),
        (_csv(f"0,{'7 ' * 2304},Train1"), ["row 1, column Usage", "'Train1'"]),
        (_csv("0,Training", "emotion,pixel"), ["not a whole zip", "fer2013.csv"]),
        (_csv("7 7,Training", "pixels,Usage"), ["no column emotion"]),
        (_class_in_test_only, ["'sad'", "no training image"]),
        (_no_train, ["'happy'", "no training image"]),
        (_one_class, ["happy only", "at least two classes"]),
        (_folder_without_classes, ["1.png", "expected an emotion"]),
    ],
)
def test_sources(
    workspace: Repository, refuses: Callable[..., None], make: Callable[[Path], None], words: list[str]
) -> None:
    make(workspace.path / "source")
    workspace.set_params({"prepare_fer": {"source": "source"}})
    refuses("prepare_fer", "source", *words)


def test_dvc_says_what_the_stage_said(repository: Repository) -> None:
    repository.set_params({"generate_aus": {"samples": 3}})
    result = repository.run("dvc", "repro", "generate_aus")
    repository.ok("git", "checkout", "--quiet", ".")
    assert result.returncode != 0
    assert "error: params.yaml: generate_aus: test: a share of 0.15 cannot be cut" in result.stderr
    assert "exited with 2" in result.stderr
    assert not (repository.path / "data/aus/exact.csv").exists()


def test_a_recipe_with_an_unknown_key_is_refused(workspace: Repository) -> None:
    (workspace.path / "recipes").mkdir()
    (workspace.path / "recipes/mine.yaml").write_text("train_cnn: {epoch: 3}\n")
    result = workspace.run("mien", "recipe", "mine")
    assert result.returncode == 2
    assert "recipes/mine.yaml: train_cnn.epoch: unknown key" in result.stderr


def test_a_recipe_that_the_shell_would_split_is_refused(workspace: Repository) -> None:
    (workspace.path / "recipes").mkdir()
    (workspace.path / "recipes/mine.yaml").write_text("prepare_fer: {source: my faces.zip}\n")
    result = workspace.run("mien", "recipe", "mine")
    assert result.returncode == 2
    assert "without blanks" in result.stderr


def test_a_summary_of_nothing_is_refused(workspace: Repository) -> None:
    result = workspace.run("mien", "summary")
    assert result.returncode == 2
    assert "dvc repro" in result.stderr


def test_a_report_of_nothing_is_refused(workspace: Repository) -> None:
    result = workspace.run("mien", "report", "out", "--title", "t", "--command", "c")
    assert result.returncode == 2
    assert "dvc repro" in result.stderr
    assert not (workspace.path / "out").exists()
