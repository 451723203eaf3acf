"""The user's own data in data/raw, versioned by DVC: a clone gets them, or an error if no remote has them."""

import sys
from pathlib import Path

import pytest
from helpers.pictures import png, zipped
from helpers.repository import Repository, new_repository

TOOLS = str(Path(sys.executable).parent)
DATA = ("make", "--no-print-directory", f"--old-file={TOOLS}/.installed", f"BIN={TOOLS}", "data")
RAW = "data/raw/faces.zip"


@pytest.fixture(params=["add", "import-url"])
def own(tmp_path: Path, request: pytest.FixtureRequest) -> Repository:
    """A repository whose params name faces in data/raw, which DVC tracks; its remote has nothing yet."""
    for name in ("home", "own"):
        (tmp_path / name).mkdir()
    repository = new_repository(tmp_path / "own", tmp_path / "home", {"prepare_fer": {"source": RAW}})
    assert repository.ok(*DATA) == ""  # of which there is none yet
    (repository.path / "data/raw").mkdir()
    faces = {f"{('happy', 'sad')[number % 2]}/{number}.png": png(number) for number in range(4)}
    if request.param == "add":
        zipped(repository.path / RAW, faces)
        repository.ok("dvc", "add", "--quiet", RAW)
    else:
        elsewhere = zipped(tmp_path / "elsewhere.zip", faces)
        repository.ok("dvc", "import-url", "--quiet", str(elsewhere), RAW)
        elsewhere.unlink()  # or a clone would get them from there
    repository.ok("dvc", "remote", "add", "--default", "storage", str(tmp_path / "remote"))
    repository.commit("own data")
    return repository


def test_a_clone_pulls_own_data_or_says_what_to_do(own: Repository, tmp_path: Path) -> None:
    own.ok("git", "clone", "--quiet", str(own.path), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone", own.environment)
    refused = clone.run(*DATA)
    assert refused.returncode == 2
    assert f"error: {RAW}.dvc: its data are not here, expected a DVC remote that has them" in refused.stderr
    own.ok("dvc", "push", "--quiet")
    clone.ok(*DATA)
    assert (clone.path / RAW).read_bytes() == (own.path / RAW).read_bytes()
    assert clone.ok("git", "status", "--porcelain") == ""
