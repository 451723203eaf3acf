"""Files and folders are written whole, or not at all."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mien._io.atomic import atomic_file, atomic_folder, output_file, output_folders
from mien._io.errors import InputError


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with atomic_file(path) as scratch:
        assert (scratch.parent, scratch.suffix) == (tmp_path, ".csv")
        scratch.write_text("new")
        assert path.read_text() == "old"
    assert (path.read_text(), names(tmp_path)) == ("new", ["table.csv"])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_what_fails_leaves_the_file_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "table.csv").write_text("old")

    def write() -> None:
        with atomic_file(tmp_path / "table.csv") as scratch:
            scratch.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert ((tmp_path / "table.csv").read_text(), names(tmp_path)) == ("old", ["table.csv"])


def test_a_folder_appears_when_all_of_it_is_written(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "models/cnn") as scratch:
        (scratch / "a").write_text("1")
        (scratch / "sub").mkdir()
        assert not (tmp_path / "models/cnn").exists()
    assert names(tmp_path) == ["models", "models/cnn", "models/cnn/a", "models/cnn/sub"]


def test_files_of_a_folder_that_is_there_are_replaced_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    for name in ("a", "b"):
        (tmp_path / "report" / name).write_text("old")
    with atomic_folder(tmp_path / "report") as scratch:
        (scratch / "a").write_text("new")
    assert {path.name: path.read_text() for path in (tmp_path / "report").iterdir()} == {"a": "new", "b": "old"}
    assert names(tmp_path) == ["report", "report/a", "report/b"]


def test_what_a_killed_process_left_is_not_taken_for_output(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from mien._io.atomic import atomic_file, atomic_folder\n"
        "with atomic_file(Path('a.txt')) as file, atomic_folder(Path('folder')) as folder:\n"
        "    file.write_text('half'); (folder / 'old').touch(); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path)
    assert killed.returncode == -signal.SIGKILL
    left, kept, old = names(tmp_path)
    assert re.fullmatch(r"\.a\.\d+\.partial\.txt", left)
    assert re.fullmatch(r"\.folder\.\d+\.partial", kept)
    assert old == f"{kept}/old"
    with atomic_file(tmp_path / "a.txt") as file, atomic_folder(tmp_path / "folder") as folder:
        assert not file.exists()
        file.write_text("whole")
        (folder / "new").touch()
    assert names(tmp_path) == ["a.txt", "folder", "folder/new"]


def _writing(code: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start a process in a folder. Returns when it has printed a line; it ends when its stdin does."""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


def test_two_processes_may_write_one_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mien._io.atomic import atomic_file\n"
        "with atomic_file(Path('a.txt')) as file:\n"
        "    file.write_text('second'); print(); sys.stdin.read()"
    )
    with atomic_file(tmp_path / "a.txt") as first:
        first.write_text("first")
        other = _writing(code, tmp_path)
    assert (tmp_path / "a.txt").read_text() == "first"
    other.communicate()
    assert other.returncode == 0
    assert (names(tmp_path), (tmp_path / "a.txt").read_text()) == (["a.txt"], "second")


@pytest.mark.parametrize("is_there", [False, True])
def test_two_processes_may_write_one_folder(tmp_path: Path, is_there: bool) -> None:
    code = (
        "import sys; from pathlib import Path; from mien._io.atomic import output_folders\n"
        "with output_folders('folder') as (folder,):\n"
        "    (folder / 'a').write_text('second'); print(); sys.stdin.read()"
    )
    if is_there:
        (tmp_path / "folder").mkdir()
    with atomic_folder(tmp_path / "folder") as first:
        (first / "a").write_text("first")
        other = _writing(code, tmp_path)
    assert (tmp_path / "folder/a").read_text() == "first"
    other.communicate()
    assert other.returncode == 0
    assert (names(tmp_path), (tmp_path / "folder/a").read_text()) == (["folder", "folder/a"], "second")


@pytest.mark.parametrize("name", [".", "sub/..", "../here"])
def test_the_current_folder_may_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    here = tmp_path / "here"
    (here / "sub").mkdir(parents=True)
    monkeypatch.chdir(here)
    with output_folders(name) as (folder,):
        (folder / "a").write_text("new")
    assert names(tmp_path) == ["here", "here/a", "here/sub"]
    assert Path("a").read_text() == "new"


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    device = tmp_path / "null"
    device.symlink_to("/dev/null")
    with output_file(device) as path:
        path.write_text("gone")
    assert device.is_char_device()
    assert names(tmp_path) == ["null"]


def test_an_output_that_cannot_be_written_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.csv: cannot be written \(no folder .*nowhere; create it first\)"):
        output_file(tmp_path / "nowhere/a.csv").__enter__()
    with pytest.raises(InputError, match="is a folder, expected the name of a file to write"):
        output_file(tmp_path).__enter__()


def test_an_output_never_replaces_an_input(tmp_path: Path) -> None:
    (tmp_path / "photo.png").touch()
    (tmp_path / "link.png").symlink_to("photo.png")
    with pytest.raises(InputError, match=r"link.png: is both read and written"):
        output_file(tmp_path / "link.png", [tmp_path / "other.png", tmp_path / "photo.png"]).__enter__()


def test_a_closed_pipe_is_not_taken_for_the_file(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), output_file(tmp_path / "a.csv"):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    assert names(tmp_path) == []


def test_no_folder_of_a_stage_changes_before_all_are_written(tmp_path: Path) -> None:
    models, report = tmp_path / "models/cnn", tmp_path / "reports/train_cnn"

    def write(error: Exception | None) -> None:
        with output_folders(models, report) as (first, second):
            (first / "best.onnx").touch()
            (second / "history.csv").touch()
            if error:
                raise error

    with pytest.raises(ZeroDivisionError):
        write(ZeroDivisionError())
    assert names(tmp_path) == ["models", "reports"]
    write(None)
    assert names(tmp_path) == [
        "models", "models/cnn", "models/cnn/best.onnx", "reports", "reports/train_cnn", "reports/train_cnn/history.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("Can't decrement id ref count (unable to extend file, errno = 28, 'No space left on device')"),
    ],
)
def test_libraries_say_that_a_disk_is_full_in_many_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.chdir(tmp_path)

    def write() -> None:
        with output_folders("data/fer") as (folder,):
            (folder / "images.npy").touch()
            raise error

    with pytest.raises(InputError, match=r"^data/fer/images\.npy: cannot be written: No space left"):
        write()
    assert not list(tmp_path.glob("data/*"))


def test_any_error_on_a_disk_with_nothing_free_is_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(InputError, match="No space left on device"), output_folders("data/fer"):
        raise OSError("2304 requested and 0 written")  # as NumPy says it


def test_other_errors_are_no_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZeroDivisionError), output_folders("data/fer"):
        raise ZeroDivisionError
