"""SHA256SUMS beside files: damage is found before a file is used."""

import subprocess
from pathlib import Path

import pytest

from mien._io.checksums import FILE, checked, save_checksums
from mien._io.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.bin").write_bytes(b"one")
    (tmp_path / "b c.bin").write_bytes(b"two")
    (tmp_path / "sub").mkdir()
    save_checksums(tmp_path)
    return tmp_path


def test_sha256sum_agrees(folder: Path) -> None:
    lines = subprocess.run(
        ["sha256sum", "--check", FILE], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    assert lines.splitlines() == ["a.bin: OK", "b c.bin: OK"]


def test_the_same_files_have_the_same_sums(folder: Path) -> None:
    before = (folder / FILE).read_bytes()
    save_checksums(folder)
    assert (folder / FILE).read_bytes() == before


def test_whole_files_are_returned(folder: Path) -> None:
    for name in ("a.bin", "b c.bin"):
        assert checked(folder / name) == folder / name


def test_a_damaged_file_is_named_with_both_digests(folder: Path) -> None:
    (folder / "a.bin").write_bytes(b"onf")
    with pytest.raises(InputError, match=r"a.bin: found SHA-256 \w{12}, expected \w{12} as in .*SHA256SUMS"):
        checked(folder / "a.bin")
    assert checked(folder / "b c.bin")


def test_a_file_that_is_not_listed_is_refused(folder: Path) -> None:
    (folder / "new.bin").touch()
    with pytest.raises(InputError, match=r"new.bin: is not named in .*SHA256SUMS"):
        checked(folder / "new.bin")


def test_without_sums_any_bytes_will_do(folder: Path) -> None:
    (folder / FILE).unlink()
    assert checked(folder / "a.bin") == folder / "a.bin"


def test_sums_that_are_no_text_are_no_reason_to_crash(folder: Path) -> None:
    (folder / FILE).write_bytes(b"\xff\xfe  a.bin\n")
    with pytest.raises(InputError, match=r"a.bin: found SHA-256"):
        checked(folder / "a.bin")


def test_a_file_that_is_not_there_is_an_error_of_the_system(folder: Path) -> None:
    (folder / "a.bin").unlink()
    with pytest.raises(FileNotFoundError):
        checked(folder / "a.bin")
