"""Kills, full disks, two runs at once and flipped bytes. benchmarks/faults does the same at length."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import md5, sha256
from pathlib import Path

import numpy as np
import pytest
from helpers.repository import Repository

from mien._io.checksums import FILE, checked, save_checksums
from mien._io.errors import InputError
from mien._io.tables import read_csv
from mien.actions import ActionMap
from mien.data.arrays import Images
from mien.data.balance import read_class_weights
from mien.experiments import dvc_damage
from mien.inference.networks.au_classifier import AUClassifier
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import AU_NETWORK, FACE_NETWORKS
from mien.models.serialization import load_best
from tools import repair_dvc

FORCED = ("dvc", "repro", "--force", "--single-item", "generate_aus")


def start(repository: Repository, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, cwd=repository.path, env=repository.environment, text=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def test_a_killed_repro_ends_with_the_lock_of_an_untouched_one(reproduced: Repository) -> None:
    killed = start(reproduced, *FORCED)
    while killed.poll() is None and not list(reproduced.path.glob("data/.aus.*.partial/*.csv")):
        time.sleep(0.005)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert not (reproduced.path / "data/aus/realistic.csv").exists()
    assert reproduced.stages_run_by(*FORCED) == ["generate_aus"]
    assert reproduced.stages_run_by("dvc", "repro") == []
    assert reproduced.ok("git", "status", "--porcelain") == ""


def test_of_two_repros_at_once_one_stops_cleanly_or_waits(reproduced: Repository) -> None:
    runs = [start(reproduced, *FORCED) for _ in range(2)]
    for run in runs:
        _, errors = run.communicate()
        assert "Traceback" not in errors
        assert run.returncode == 0 or "Unable to acquire lock" in errors or "is busy" in errors
    assert {run.returncode for run in runs} >= {0}
    assert reproduced.stages_run_by("dvc", "repro") == []
    assert reproduced.ok("git", "status", "--porcelain") == ""


def test_a_full_disk_is_said_in_a_line_and_leaves_nothing(workspace: Repository) -> None:
    kilobytes = 16  # of any file; the stage would write more than twice as much
    full = workspace.run("sh", "-c", f"ulimit -f {2 * kilobytes}; exec python stages/generate_aus.py")
    assert full.returncode == 2
    assert full.stderr.startswith("error: data/aus/exact.csv: cannot be written: File too large; make room")
    assert len(full.stderr.splitlines()) == 1
    assert not [path for path in workspace.path.glob("data/**/*") if path.is_file() or path.suffix == ".partial"]


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _weights(folder: Path) -> None:
    read_class_weights(folder, Images.load(folder, "train").classes)


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("data/aus/exact.csv", lambda folder: read_csv(str(folder / "exact.csv"))),
        ("data/fer/index.csv", lambda folder: read_csv(str(folder / "index.csv"))),
        ("data/fer/test_images.npy", lambda folder: Images.load(folder, "test")),
        ("data/fer/test_labels.npy", lambda folder: Images.load(folder, "test")),
        ("data/fer/classes.json", lambda folder: Images.load(folder, "test")),
        ("data/balanced/class_weights.json", _weights),
        ("models/au/best.onnx", AUClassifier.from_pretrained),
        ("models/cnn/best.onnx", FaceClassifier.from_pretrained),
        ("models/cnn/classes.json", load_best),
        ("models/cnn/best.keras", load_best),
        ("models/action_map/map.npz", ActionMap.load),
    ],
)
def test_a_flipped_bit_is_found_and_named(
    reproduced: Repository, tmp_path: Path, path: str, read: Callable[[Path], object]
) -> None:
    folder = tmp_path / Path(path).parent
    shutil.copytree(reproduced.path / Path(path).parent, folder)
    read(folder)
    flip(tmp_path / path)
    with pytest.raises(InputError, match=rf"^{tmp_path / path}: found SHA-256 \w+, expected \w+ as in {folder}/{FILE}"):
        read(folder)


@pytest.mark.parametrize("network", [AU_NETWORK, *FACE_NETWORKS.values()], ids=lambda path: path.stem)
def test_a_flipped_bit_in_a_pretrained_network_is_found(tmp_path: Path, network: Path) -> None:
    for name in (network.name, FILE):
        shutil.copy(network.with_name(name), tmp_path)
    classifier = AUClassifier if network == AU_NETWORK else FaceClassifier
    classifier.from_pretrained(tmp_path / network.name)
    flip(tmp_path / network.name)
    with pytest.raises(InputError, match=rf"{network.name}: found SHA-256"):
        classifier.from_pretrained(tmp_path / network.name)


def test_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).write_text(name)
    save_checksums(tmp_path)
    save_checksums(tmp_path)
    assert (tmp_path / FILE).read_text() == "".join(f"{sha256(n.encode()).hexdigest()}  {n}\n" for n in ("a", "b"))
    assert checked(tmp_path / "a") == tmp_path / "a"


def test_a_file_that_checksums_do_not_name_is_refused(tmp_path: Path) -> None:
    save_checksums(tmp_path)
    (tmp_path / "new").touch()
    with pytest.raises(InputError, match=f"new: is not named in {tmp_path}/{FILE}"):
        checked(tmp_path / "new")
    (tmp_path / FILE).unlink()
    checked(tmp_path / "new")


def test_a_damaged_list_of_checksums_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.arange(3))
    save_checksums(tmp_path)
    (tmp_path / FILE).write_bytes(b"\xff\xfe" + (tmp_path / FILE).read_bytes()[2:])
    with pytest.raises(InputError, match=r"array\.npy: found SHA-256"):
        checked(tmp_path / "array.npy")


LOCK = "schema: '2.0'\nstages:\n  prepare:\n    cmd: python prepare.py\n    outs:\n    - path: data\n      size: 12\n"


@pytest.mark.parametrize("cut", [0, 5, 22, 40, len(LOCK) - 1])
def test_a_lock_cut_short_is_removed_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cut: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["repair_dvc"])
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    (tmp_path / ".dvc/tmp/rwlock").write_text('{"write": {}')
    (tmp_path / "dvc.lock").write_text(LOCK[:cut])
    repair_dvc.main()
    assert capsys.readouterr().out == "dvc.lock: damaged, removed\n.dvc/tmp/rwlock: damaged, removed\n"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("text", [LOCK, f"<<<<<<< HEAD\n{LOCK}=======\n>>>>>>> branch\n"])
def test_a_whole_lock_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.lock").write_text(text)
    assert list(dvc_damage.truncated()) == []


@pytest.mark.parametrize("line", ["hash: ld5", "md5: 0123456789abcdefg123456789abcdef", "md5: 0123456789abcdef"])
def test_a_lock_with_a_damaged_checksum_is_found(tmp_path: Path, line: str) -> None:
    good = f"      hash: md5\n      md5: {32 * 'a'}.dir\n"
    (tmp_path / "dvc.lock").write_text(f"{LOCK}{good}")
    assert list(dvc_damage.truncated(tmp_path)) == []
    (tmp_path / "dvc.lock").write_text(f"{LOCK}{good}      {line}\n")
    assert list(dvc_damage.truncated(tmp_path)) == [tmp_path / "dvc.lock"]


def test_a_damaged_file_of_the_cache_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text, suffix in (("good", ""), ("folder", ".dir"), ("bad", "")):
        digest = md5(text.encode()).hexdigest()
        path = tmp_path / ".dvc/cache/files/md5" / digest[:2] / f"{digest[2:]}{suffix}"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    flip(path)
    assert [tmp_path / damaged for damaged in dvc_damage.damaged_in_cache()] == [path]
