"""What one has built, another gets: a remote, a clone, a model on its own."""

import hashlib
import json
from pathlib import Path

import pytest
from helpers.repository import Repository, clone_with_cache


@pytest.fixture(scope="module")
def origin(reproduced: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A clone that has pushed what was built to its remote, a folder."""
    folder = tmp_path_factory.mktemp("sharing")
    origin = clone_with_cache(reproduced, folder / "origin")
    origin.ok("dvc", "remote", "add", "--default", "storage", str(folder / "remote"))
    origin.commit("remote")
    origin.ok("dvc", "push")
    return origin


def test_a_clone_pulls_what_was_built_and_runs_nothing(origin: Repository, tmp_path: Path) -> None:
    origin.ok("git", "clone", "--quiet", str(origin.path), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone", origin.environment)
    clone.ok("dvc", "pull")
    built = json.loads(clone.ok("dvc", "ls", ".", "--recursive", "--dvc-only", "--show-hash", "--json"))
    hashes = {entry["path"]: entry["md5"] for entry in built}
    assert {"data/faces/faces.zip", "data/fer/train_images.npy", "models/cnn/best.onnx"} <= set(hashes)
    assert hashes == {path: hashlib.md5((clone.path / path).read_bytes()).hexdigest() for path in hashes}
    assert clone.stages_run_by("dvc", "repro") == []
    assert json.loads(clone.ok("dvc", "status", "--json")) == {}
    assert clone.ok("git", "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "command",
    [
        ("dvc", "get", "{url}", "models/cnn", "--out", "cnn"),
        ("dvc", "artifacts", "get", "{url}", "cnn", "--out", "cnn"),
    ],
)
def test_a_model_is_had_without_a_clone(
    origin: Repository, reproduced: Repository, tmp_path: Path, command: tuple[str, ...]
) -> None:
    origin.ok("git", "tag", "--force", "--annotate", "cnn@v0.1.0", "--message", "first")
    anywhere = Repository(tmp_path, origin.environment)
    anywhere.ok(*(part.format(url=origin.path) for part in command))
    trained = reproduced.path / "models/cnn"
    for path in trained.iterdir():
        assert (tmp_path / "cnn" / path.name).read_bytes() == path.read_bytes()
    face = reproduced.path / "reports/render_faces/samples.png"
    assert "samples.png: " in anywhere.ok("mien", "image", str(face), "--crop", "--model", "cnn")
