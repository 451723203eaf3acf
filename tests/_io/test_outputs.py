"""Outputs by name: none twice, none that is read, none of another format."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mien._io.errors import InputError
from mien._io.outputs import Output, check_folder, check_outputs, check_suffix, check_text

#: Other names of a file.
SPELLINGS = pytest.mark.parametrize(
    "spelled",
    [
        lambda path: path,
        lambda path: Path(os.path.relpath(path)),
        lambda path: path.parent / ".." / path.parent.name / path.name,
        lambda path: path.with_name("link.csv"),
    ],
    ids=["same", "relative", "dots", "link"],
)


@SPELLINGS
@pytest.mark.parametrize("exists", [False, True])
def test_two_outputs_are_never_one_file(tmp_path: Path, spelled: Callable[[Path], Path], exists: bool) -> None:
    path = tmp_path / "a.csv"
    (tmp_path / "link.csv").symlink_to(path)
    if exists:
        path.touch()
    with pytest.raises(InputError, match=r"^a.csv: is named as 2 outputs, expected one name for each$"):
        check_outputs([path, None, spelled(path), tmp_path / "b.csv"])
    check_outputs([path, None, tmp_path / "b.csv"], [tmp_path / "c.csv", "http://host/a.csv"])


@SPELLINGS
def test_no_output_is_an_input(tmp_path: Path, spelled: Callable[[Path], Path]) -> None:
    path = tmp_path / "a.csv"
    (tmp_path / "link.csv").symlink_to(path)
    path.touch()
    with pytest.raises(InputError, match=r"csv: is both read and written, expected another name to write to$"):
        check_outputs([spelled(path)], ["http://host/b.csv", path])


@pytest.mark.parametrize("name", ["new.PNG", "sub/old.jpg", "../photos/new.png", "link/new.png"])
def test_no_picture_is_written_into_a_folder_that_is_read(tmp_path: Path, name: str) -> None:
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    (photos / "link").symlink_to("sub")
    (photos / "sub" / "old.jpg").touch()
    with pytest.raises(InputError, match=r"would be one of the pictures of .*photos, which is read, expected a name"):
        check_outputs([photos / name], [photos])
    check_outputs([tmp_path / "new.png", tmp_path / "photos.png", photos / ".hidden" / "new.png"], [photos])


def test_new_pictures_of_photos_may_be_added_with_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old.png").touch()
    check_outputs([tmp_path / "new" / f"{name}.png" for name in "ab"], [tmp_path], may_add=True)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"a.png: is below {tmp_path}, which is read; a later run would read such pictures, too" in err
    with pytest.raises(InputError, match="would be one of the pictures"):
        check_outputs([tmp_path / "old.png"], [tmp_path], may_add=True)


def test_a_table_in_a_folder_that_is_read_replaces_only_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "faces.csv"
    check_outputs([path], [tmp_path], ["file,face,left"])
    path.write_text("file,face,left,top\n")
    check_outputs([path], [tmp_path], ["measure,", "file,face,left"])
    path.write_text("")
    check_outputs([path], [tmp_path], ["file,face,left"])
    path.write_text("file,label\na.png,happy\n")
    with pytest.raises(InputError, match=r"faces.csv: is a file of .*, which is read, expected another name to write"):
        check_outputs([path], [tmp_path], ["file,face,left"])


def test_text_has_no_name_of_a_picture() -> None:
    for name in ("faces.csv", "faces.txt", "faces", "/dev/stdout"):
        check_text("--output", Path(name))
    with pytest.raises(InputError, match=r"^--output: found 'a.JPG', expected the name of a file of text, such as OUT"):
        check_text("--output", Path("a.JPG"))


def test_a_device_is_no_file_that_is_replaced() -> None:
    check_outputs([Path(os.devnull)], [Path(os.devnull)])


def test_the_suffix_tells_the_format() -> None:
    check_suffix("--plot", Path("A.PNG"), [".png"])
    with pytest.raises(InputError, match=r"^--plot: found 'p.jpg', expected a name that ends in .png, .pdf$"):
        check_suffix("--plot", Path("p.jpg"), [".png", ".pdf"])


def test_a_folder_is_new_empty_or_of_an_earlier_run(tmp_path: Path) -> None:
    kinds = (["a", "b"], ["c"])
    for folder, *names in (("empty",), ("hidden", ".gitkeep"), ("first", "a", "b", "mine"), ("second", "c")):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).touch()
    for folder in ("new", "empty", "hidden", "first", "second"):
        check_folder(tmp_path / folder, "report", *kinds)
    (tmp_path / "first/b").unlink()
    with pytest.raises(InputError, match=r"first: has other files, expected a new or empty folder, or one with an ear"):
        check_folder(tmp_path / "first", "report", *kinds)


def test_a_folder_is_one_by_its_name_or_because_it_is_there(tmp_path: Path) -> None:
    assert Output(tmp_path).names_folder()
    assert Output(tmp_path / "new", is_folder=True).names_folder()
    assert Output(tmp_path / "new").as_file("--faces-csv") == tmp_path / "new"
    with pytest.raises(InputError, match=r"^--faces-csv: '.*new' is a folder, expected the name of a file to write$"):
        Output(tmp_path / "new", is_folder=True).as_file("--faces-csv")
