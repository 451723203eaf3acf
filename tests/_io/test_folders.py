"""What is in a folder and its subfolders: links are followed, loops refused."""

import os
from pathlib import Path

import pytest
from helpers.pictures import write_files

from mien._io.errors import InputError
from mien._io.folders import walk


def test_links_are_followed_and_hidden_entries_left_out(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "a", {"1.txt": b"", "b/2.txt": b"", ".c/3.txt": b"", "b/.4.txt": b""})
    (folder / "link").symlink_to(write_files(tmp_path / "d", {"e/5.txt": b""}))
    (folder / "file").symlink_to(folder / "1.txt")
    assert sorted(walk(folder)) == [
        ("1.txt", "file"), ("b", "folder"), ("b/2.txt", "file"), ("file", "file"), ("link", "folder"),
        ("link/e", "folder"), ("link/e/5.txt", "file"),
    ]  # fmt: skip


def test_what_is_no_file_is_told_from_files(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "self").symlink_to("self")
    os.mkfifo(tmp_path / "pipe")
    assert sorted(walk(tmp_path)) == [("gone", "broken link"), ("pipe", "pipe or device"), ("self", "broken link")]


def test_a_loop_of_links_is_refused_and_two_links_to_a_folder_are_none(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/1.txt": b""})
    (tmp_path / "b").symlink_to("a")
    assert sum(kind == "file" for _, kind in walk(tmp_path)) == 2
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"(a|b)/up: is a link to a folder above it, expected no such loop"):
        list(walk(tmp_path))


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone: cannot be listed \(No such file or directory\)"):
        list(walk(tmp_path / "gone"))
