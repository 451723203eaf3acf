"""`mien doctor`."""

import re
import shutil
from hashlib import md5
from importlib.metadata import version
from pathlib import Path

import pytest
from helpers.commands import Run

import mien as package
from mien._io import checksums
from mien.cli import checks


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a repository of DVC, to work in."""
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    return tmp_path


def subjects(out: str) -> dict[str, str]:
    return {line[:20].rstrip(): line[20:] for line in out.splitlines()}


def test_all_is_well(mien: Run, repository: Path) -> None:
    (repository / "dvc.lock").write_text("schema: '2.0'\n")
    (repository / "below").mkdir()
    out, err = mien("doctor", "--cache")
    results = subjects(out)
    assert err == ""
    assert results["mien"] == version("mien")
    assert version("opencv-python").startswith(results["OpenCV"])
    assert results["ONNX Runtime"] == version("onnxruntime")
    assert results["base install"] == "complete"
    assert results["pretrained networks"].startswith("undamaged")
    assert results["DVC's files"] == results["DVC's cache"] == "undamaged"


@pytest.mark.parametrize("folder", [".", "below"])
def test_damage_to_files_of_dvc_is_found(
    mien: Run, repository: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    (repository / "dvc.lock").write_text("stages:\n")
    (repository / "below").mkdir()
    monkeypatch.chdir(folder)
    out, err = mien("doctor", code=2)
    assert subjects(out)["DVC's files"] == "damaged: dvc.lock; run: python tools/repair_dvc.py"
    assert err == "error: broken: DVC's files\n"


@pytest.mark.parametrize(
    "text", ["\x00\x01\n", "garbage\n", "- a\n", "schema: [\n", "<<<<<<< HEAD\nschema: '2.0'\n=======\n"]
)
def test_a_lock_of_other_content_is_found(mien: Run, repository: Path, text: str) -> None:
    (repository / "dvc.lock").write_text(text)
    out, _ = mien("doctor", code=2)
    assert re.fullmatch(r"dvc.lock: .*; restore it: git checkout dvc.lock", subjects(out)["DVC's files"])


def test_damage_to_the_cache_is_found_on_demand(mien: Run, repository: Path) -> None:
    digest = md5(b"good").hexdigest()
    path = repository / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"good")
    mien("doctor", "--cache")
    path.write_bytes(b"bad")
    mien("doctor")
    out, err = mien("doctor", "--cache", code=2)
    assert subjects(out)["DVC's cache"].startswith(f"damaged: {path.relative_to(repository)}; ")
    assert err == "error: broken: DVC's cache\n"
    assert path.exists()


def test_a_path_in_which_dvc_runs_no_queue_is_named(
    mien: Run, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "Gesichter ä/.dvc").mkdir(parents=True)
    monkeypatch.chdir(repository / "Gesichter ä")
    out, _ = mien("doctor")
    assert subjects(out)["repository"].endswith(
        "Gesichter ä: DVC runs nothing with --temp or --queue here, expected a path in ASCII"
    )


def test_outside_a_repository_dvc_is_no_subject(mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert subjects(mien("doctor")[0])["DVC"] == "no repository here"


@pytest.mark.parametrize("damage", ["a flipped byte", "no network", "no manifest"])
def test_a_damaged_network_is_found(mien: Run, repository: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    weights = repository / "mien/inference/weights"
    shutil.copytree(Path(package.__file__).parent / "inference/weights", weights)
    monkeypatch.setattr(package, "__file__", str(repository / "mien/__init__.py"))
    assert subjects(mien("doctor")[0])["pretrained networks"].startswith("undamaged")
    network = next(weights.rglob("*.onnx"))
    if damage == "a flipped byte":
        data = bytearray(network.read_bytes())
        data[len(data) // 2] ^= 1
        network.write_bytes(data)
    elif damage == "no network":
        network.unlink()
    else:
        for manifest in weights.rglob(checksums.FILE):
            manifest.unlink()
    out, err = mien("doctor", code=2)
    assert subjects(out)["pretrained networks"].startswith("damaged: ")
    assert err == "error: broken: pretrained networks\n"


def test_a_missing_extra_is_no_fault_but_a_missing_base_is(mien: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    is_installed = checks._is_installed
    monkeypatch.setattr(checks, "_is_installed", lambda package: package != "gradio" and is_installed(package))
    assert subjects(mien("doctor")[0])["extra app"] == "lacks gradio: pip install '.[app]' in a clone of mien"
    monkeypatch.setattr(checks, "_is_installed", lambda package: package != "numpy" and is_installed(package))
    out, err = mien("doctor", code=2)
    assert subjects(out)["base install"] == "lacks numpy"
    assert err == "error: broken: base install\n"
