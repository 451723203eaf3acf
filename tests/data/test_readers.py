"""Folders and zips of images, in the forms that people have them."""

import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.pictures import SPLIT_FACES, encoded, picture, png, read, saved, write_files, zipped

from mien._io.errors import InputError
from mien._io.parallel import parallel
from mien.data.faces import face_notes
from mien.data.labels import LabelNames
from mien.data.readers import source
from mien.data.readers import zip as zip_reader
from mien.data.readers.opening import open_source
from mien.data.zip_writer import write_zip


def notes(path: Path) -> list[str]:
    with open_source(path) as images:
        return images.notes


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read(path)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def places(path: Path) -> list[tuple[str, str | None]]:
    index = read(path)[1].astype(object)
    return list(zip(index["emotion"], index["split"].where(index["split"].notna(), None), strict=True))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_and_its_folder_read_alike(tmp_path: Path, compression: int) -> None:
    zipped(tmp_path / "a.zip", dict(reversed(SPLIT_FACES.items())), compression)
    pixels, index = read(tmp_path / "a.zip")
    other_pixels, other_index = read(write_files(tmp_path / "a", SPLIT_FACES))
    assert np.array_equal(pixels, other_pixels)
    assert index.equals(other_index)
    assert np.array_equal(pixels, [picture(i) for i in (1, 2) * 4])
    assert list(index["origin"]) == sorted(SPLIT_FACES)
    assert index["hash"].nunique() == 2
    assert index[["width", "height"]].eq(48).all(axis=None)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # FER2013 of Kaggle, the folder edition split anew, a four-class system, one without splits, odd ones
        (["train/angry/Training_1.jpg", "test/angry/PublicTest_2.jpg"], [("angry", "test"), ("angry", "train")]),
        (["images/train/fear/1.jpg", "images/validation/fear/2.jpg"], [("fear", "train"), ("fear", "validation")]),
        (
            ["train/happy/a.jpg", "validation/sad/b.jpg", "test/surprise/c.jpg", "test/neutral/d.jpg"],
            [("neutral", "test"), ("surprise", "test"), ("happy", "train"), ("sad", "validation")],
        ),
        (["happy/1.jpeg", "sad/2.bmp"], [("happy", None), ("sad", None)]),
        (["fer/Training/Anger/a.png", "fer/val/joy/b.jpg"], [("angry", "train"), ("happy", "validation")]),
        (["Test_Set/happy/1.png", "train_class/sad/2.png"], [("happy", "test"), ("sad", "train")]),
        (["PublicTest/Fearful/c.tiff", "PrivateTest/Contempt/d.tif"], [("contempt", "test"), ("fear", "validation")]),
    ],
)  # fmt: skip
def test_folders_name_emotion_and_split_in_many_ways(
    tmp_path: Path, names: list[str], expected: list[tuple[str, str | None]]
) -> None:
    files = {name: encoded(picture(i), Path(name).suffix) for i, name in enumerate(names)}
    assert places(write_files(tmp_path / "a", files)) == expected


def _splits(path: Path) -> tuple[dict[str, str | None], list[str]]:
    with open_source(path) as source:
        entries = [entry for batch in source.batches(48) for entry in batch.entries]
        return {entry.origin.partition("/")[0]: entry.split for entry in entries}, source.notes


@pytest.mark.parametrize(
    "folders",
    [
        {"affect_train": "train", "affect_test": "test"},
        {"my_train": "train", "my_test": "test", "my-val": "validation"},
        {"images_train": "train", "images_test": "test"},
        {"train": "train", "Validation (faces)": "validation", "test_2": "test"},
        {"train2017": "train", "val2017": "validation"},
        {"trainA": "train", "MyTest": "test"},
        {"fer Training": "train", "fer PublicTest": "validation", "fer_private_test": "test"},
    ],
)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_word_of_a_folder_names_a_split_beside_those_of_others(
    tmp_path: Path, kind: str, folders: dict[str, str]
) -> None:
    files = {f"{folder}/{emotion}/{i}.png": png(i) for i, folder in enumerate(folders) for emotion in ("sad", "fear")}
    path = zipped(tmp_path / "a.zip", files) if kind == "zip" else write_files(tmp_path / "a", files)
    splits, (note,) = _splits(path)
    assert splits == folders
    assert note.startswith("folders are read as splits by a word of their names: ")
    guessed = [folder for folder in folders if folder != "train"]
    assert note.partition(": ")[2] == ", ".join(f"{folder} as {folders[folder]}" for folder in sorted(guessed))


@pytest.mark.parametrize(
    ("folders", "doubted"),
    [
        (("affect_train", "affect_more"), "affect_train"),
        (("a_test", "b_test"), "a_test, b_test"),
        (("my_train", "my_test", "old"), "my_test, my_train"),
        (("Trainingsdaten", "Testdaten"), "Testdaten, Trainingsdaten"),
        (("fer_test",), ""),
        (("train_test", "x"), ""),
        (("latest", "trains"), ""),
        (("Val Kilmer", "Anna", "Uma"), ""),
    ],
)
def test_a_word_of_a_folder_is_no_split_where_not_each_folder_names_another(
    tmp_path: Path, folders: tuple[str, ...], doubted: str
) -> None:
    files = {f"{folder}/{emotion}/{i}.png": png(i) for i, folder in enumerate(folders) for emotion in ("sad", "fear")}
    splits, notes = _splits(write_files(tmp_path, files))
    assert splits == dict.fromkeys(folders)
    what = "folders are not read as splits, though a word of their names may mean one"
    assert [note.partition(";")[0] for note in notes] == [f"{what}: {doubted}"] * bool(doubted)
    names = [f"{folder}/{i}.png" for i, folder in enumerate(folders)]
    rows = "".join(f"{name},{'sad' if i else 'fear'},test\n" for i, name in enumerate(names))
    table = write_files(
        tmp_path / "t", {**{name: png(1) for name in names}, "a.csv": f"file,label,split\n{rows}".encode()}
    )
    assert not [note for note in _splits(table)[1] if what in note]


def test_classes_with_the_word_of_a_split_stay_classes(tmp_path: Path) -> None:
    names = ("test anxiety", "train sickness")
    path = write_files(tmp_path / "a", {f"{name}/{i}.png": png(i) for i, name in enumerate(names)})
    with open_source(path, LabelNames.of({}, classes=names)) as source:
        entries = [entry for batch in source.batches(48) for entry in batch.entries]
    assert [(entry.emotion, entry.split) for entry in entries] == [(name, None) for name in names]
    path = write_files(tmp_path / "b", {f"happy_{split}/1.png": png(1) for split in ("train", "test")})
    with pytest.raises(InputError, match="found 'happy_test, happy_train' above it"), open_source(path):
        pass


def test_a_table_s_images_in_such_folders_are_split(tmp_path: Path) -> None:
    files = {f"my_{split}/{i}.png": png(i) for split in ("train", "test") for i in range(2)}
    rows = "".join(f"{name},{label}\n" for name, label in zip(files, ("sad", "fear") * 2, strict=True))
    path = write_files(tmp_path, {**files, "labels.csv": f"file,label\n{rows}".encode()})
    for faces in (path, path / "labels.csv"):
        splits, said = _splits(faces)
        assert splits == {"my_train": "train", "my_test": "test"}
        assert "folders are read as splits by a word of their names: my_test as test, my_train as train" in said


def test_pictures_of_any_size_become_one_size(tmp_path: Path) -> None:
    files = {"happy/1.png": encoded(picture(1, 100, 60)), "happy/2.png": encoded(picture(2, 30)), "sad/3.png": png(3)}
    pixels, index = read(write_files(tmp_path / "a", files), size=64)
    assert pixels.shape == (3, 64, 64)
    assert list(zip(index["width"], index["height"], strict=True)) == [(60, 100), (30, 30), (48, 48)]


def test_many_batches_keep_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_BATCH_PIXELS", 3 * 48 * 48)
    files = {f"happy/{i:02}.png": png(i) for i in range(50)}
    pixels, _ = read(zipped(tmp_path / "a.zip", files))
    assert np.array_equal(pixels, [picture(i) for i in range(50)])


def test_work_on_all_cores_keeps_its_order_and_its_errors() -> None:
    assert list(parallel(lambda i: i * i, range(1000))) == [i * i for i in range(1000)]

    def fails(i: int) -> int:
        if i == 30:
            raise InputError("row 30")
        return i

    with pytest.raises(InputError, match="row 30"):
        list(parallel(fails, range(1000)))


def test_what_macos_adds_to_a_zip_is_no_image(tmp_path: Path) -> None:
    entries = {"__MACOSX/train/happy/._1.png": b"", "train/happy/._1.png": b"", ".DS_Store.png": b"", "a/.b/1.png": b""}
    with zipfile.ZipFile(zipped(tmp_path / "a.zip", entries | {"train/happy/1.PNG": png(1)}), "a") as archive:
        archive.mkdir("train/happy/folder.png")
    assert list(read(tmp_path / "a.zip")[1]["origin"]) == ["train/happy/1.PNG"]


def test_a_zip_made_on_windows_may_have_backslashes(tmp_path: Path) -> None:
    assert places(zipped(tmp_path / "a.zip", {"train\\happy\\1.png": png(1)})) == [("happy", "train")]


def test_a_zip_may_have_long_extra_fields_and_something_before_it(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("happy/1.png")
    info.extra = struct.pack("<HH", 0x9999, 500) + bytes(500)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, png(1))
        archive.writestr("sad/ä.png", png(2))
    path = tmp_path / "b.zip"
    path.write_bytes(b"#!/bin/sh\n" + (tmp_path / "a.zip").read_bytes())
    assert np.array_equal(read(path)[0], [picture(1), picture(2)])


def test_folders_that_are_one_class_are_merged_and_named(tmp_path: Path) -> None:
    path = write_files(
        tmp_path / "a", {"train/Anger/1.png": png(1), "train/angry/2.png": png(2), "test/angry/3.png": png(3)}
    )
    assert {emotion for emotion, _ in places(path)} == {"angry"}
    assert notes(path) == ["the folders Anger, angry are one class, angry"]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_class_without_images_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    if kind == "folder":
        write_files(path, SPLIT_FACES)
        (path / "train/disgusted").mkdir()
    else:
        with zipfile.ZipFile(zipped(path, SPLIT_FACES), "a") as archive:
            archive.mkdir("train/disgusted")
    assert notes(path) == ["disgust is not a class: its folder contains no image"]


def test_a_zip_beside_images_in_a_zip_is_named(tmp_path: Path) -> None:
    inner = {"more.zip": zipped(tmp_path / "inner.zip", SPLIT_FACES).read_bytes()}
    assert notes(zipped(tmp_path / "a.zip", SPLIT_FACES | inner)) == ["more.zip is not read: a zip in the zip"]


def archives(folder: Path) -> dict[str, Path]:
    """Return archives that hold SPLIT_FACES, by kind."""
    whole = zipped(folder / "whole.zip", SPLIT_FACES).read_bytes()
    kinds = {"zip": zipped(folder / "outer.zip", {"archive.zip": whole, "README.txt": b""})}
    halves = {}
    for split in ("train", "test"):
        half = {name.removeprefix(f"{split}/"): data for name, data in SPLIT_FACES.items() if name.startswith(split)}
        halves[f"a/{split}.zip"] = zipped(folder / f"{split}.zip", half).read_bytes()
    kinds["zips"] = zipped(folder / "splits.zip", halves)
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        kinds[mode] = folder / f"faces.tar{mode[2:]}"
        with tarfile.open(kinds[mode], mode) as archive:
            for name, data in SPLIT_FACES.items():
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return kinds


def test_tars_of_images_and_zips_in_a_zip_are_read(tmp_path: Path) -> None:
    expected, _ = read(zipped(tmp_path / "a.zip", SPLIT_FACES))
    for kind, path in archives(tmp_path).items():
        pixels, index = read(path)
        assert np.array_equal(pixels, expected), kind
        assert sorted(index["split"].unique()) == ["test", "train"]
        with open_source(path) as source, pytest.raises(InputError, match="which a cluster cannot read; unpack it"):
            list(source.blocks(48, parallel))
        path.write_bytes(path.read_bytes()[:-300] if kind != "w" else path.read_bytes()[:700])
        assert "cannot be unpacked" in (message := refusal(path)) or "not a whole zip file" in message


def test_an_inner_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    inner = bytearray(zipped(tmp_path / "inner.zip", SPLIT_FACES).read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        inner[inner.index(signature) + flags] |= 1
    message = refusal(zipped(tmp_path / "a.zip", {"inner.zip": bytes(inner)}))
    assert "cannot be unpacked (File" in message
    assert "encrypted" in message


def test_names_in_utf_8_that_no_flag_marks_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"XXrger/1.png": png(1), "fear/2.png": png(2)})
    path.write_bytes(path.read_bytes().replace(b"XXrger", "ärger".encode()))
    assert labelled(path, LabelNames.parse("ärger=angry")) == ["fear", "angry"]


def test_a_large_file_that_is_no_image_does_not_stop_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_reader, "MAX_BYTES", 20_000)
    path = zipped(tmp_path / "a.zip", SPLIT_FACES | {"model.h5": bytes(20_001), "labels.csv": bytes(20_001)})
    assert notes(path) == ["2 files were left out: .csv (1), .h5 (1)"]


# What is left out is counted and named.


def labelled(path: Path, labels: LabelNames) -> list[str]:
    with open_source(path, labels) as images:
        return [entry.emotion for batch in images.batches(48) for entry in batch.entries]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_files_of_other_kinds_are_counted_by_suffix(tmp_path: Path, kind: str) -> None:
    files = {
        **SPLIT_FACES, "train/sad/a.svg": b"", "train/sad/b.SVG": b"", "train/sad/raw": b"", "README.md": b"",
        "train/sad/.hidden.txt": b"", ".git/config": b"",
    }  # fmt: skip
    path = zipped(tmp_path / "a", files) if kind == "zip" else write_files(tmp_path / "a", files)
    assert notes(path) == ["4 files were left out: .svg (2), .md (1), no suffix (1)"]
    only = {name: data for name, data in files.items() if not name.endswith(".png")}
    path = zipped(tmp_path / "b", only) if kind == "zip" else write_files(tmp_path / "b", only)
    assert "found no image in an emotion folder but other files: .svg (2), .md (1), no suffix (1)" in refusal(path)


@pytest.mark.parametrize("suffix", [".webp", ".jfif", ".jpe", ".gif", ".avif", ".heic"])
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_all_formats_of_photos_are_read(tmp_path: Path, suffix: str, kind: str) -> None:
    files = {"happy/1.png": png(1), f"sad/2{suffix}": saved(picture(2), suffix)}
    path = zipped(tmp_path / "a", files) if kind == "zip" else write_files(tmp_path / "a", files)
    pixels, index = read(path)
    assert notes(path) == []
    assert list(zip(index["emotion"], index["width"], strict=True)) == [("happy", 48), ("sad", 48)]
    assert np.abs(pixels[1].astype(int) - picture(2)).mean() < 40  # noise, which codecs keep badly


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_folder_that_names_no_emotion_is_left_out(tmp_path: Path, kind: str) -> None:
    files = {**SPLIT_FACES, "train/unknown/1.png": png(3), "train/unknown/p1/2.png": png(3), "train/3.png": png(3)}
    path = zipped(tmp_path / "a", files) if kind == "zip" else write_files(tmp_path / "a", files)
    assert len(read(path)[1]) == len(SPLIT_FACES)
    (text,) = notes(path)
    assert text.startswith("3 images were left out, as the folder names no emotion: unknown (2), no folder (1)")
    with pytest.raises(InputError, match=r"train/unknown/1.png: found 'unknown', expected an emotion") as refused:
        labelled(path, LabelNames(unknown="fail"))
    assert "--labels unknown=EMOTION" in str(refused.value)
    assert labelled(path, LabelNames.parse("unknown=neutral")).count("neutral") == 2


def test_images_in_folders_of_several_classes_are_counted(tmp_path: Path) -> None:
    names = [
        "sad/Joy/1.png",
        "sad/Joy/2.png",
        "sad/Ben/3.png",
        "happy/joy/4.png",
        "happy/sad faces/5.png",
        "fear/7/6.png",
    ]
    path = write_files(tmp_path / "a", {name: png(i) for i, name in enumerate(names)})
    assert notes(path)[-1] == (
        "3 images are in folders of several classes, of which one was taken: sad/Joy as happy (2), happy/sad faces as "
        "sad (1); rename the folders that are of no class"
    )
    codes = write_files(
        tmp_path / "b", {name: png(i) for i, name in enumerate(["1/2/a.png", "1/9/b.png", "2/1/c.png"])}
    )
    with open_source(codes, LabelNames.parse("1=sad,2=happy")) as source:
        assert source.notes[-1].startswith("2 images are in folders of several classes, of which one was taken: 1/2 as")


def test_folders_that_are_to_be_left_out_are_counted(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {**SPLIT_FACES, "train/unknown/1.png": png(3)})
    with open_source(path, LabelNames.parse("unknown=skip", "fail")) as images:
        assert images.notes == ["1 image was left out, as its label says: train/unknown (1)"]
        assert images.total == len(SPLIT_FACES)
    named = {f"KA.{code}{i}.{i}.png": png(i) for i in (1, 2) for code in ("HA", "NE", "SA")}
    path = write_files(tmp_path / "b", named)
    for label in ("NE", "neutral"):
        with open_source(path, LabelNames.parse(f"{label}=skip")) as images:
            assert "2 images were left out, as their labels say: no folder (2)" in images.notes


def test_a_folder_that_looks_misspelt_is_refused(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {**SPLIT_FACES, "train/suprise/1.png": png(3)})
    assert "train/suprise/1.png: found 'suprise', expected an emotion; did you mean surprise?" in refusal(path)
    assert "surprise" in labelled(path, LabelNames.parse("suprise=surprise"))


def test_a_folder_of_the_opposite_of_an_emotion_is_left_out_and_counted(tmp_path: Path) -> None:
    path = write_files(tmp_path, {f"{name}/{i}.png": png(i) for i, name in enumerate(("happy", "sad", "unhappy"))})
    assert [emotion for emotion, _ in places(path)] == ["happy", "sad"]
    assert notes(path)[0].startswith("1 image was left out, as the folder names no emotion: unhappy (1)")


def test_a_source_with_less_than_two_emotions_is_no_set_of_classes(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {"happy/1.png": png(1), "alice/2.png": png(2)})
    assert "alice/2.png: found 'alice' above it, expected an emotion" in refusal(path)


RAF_DB = "1=surprise,2=fear,3=disgust,4=happy,5=sad,6=angry,7=neutral"
RAF_DB_ORDER = [pair.partition("=")[2] for pair in RAF_DB.split(",")]


@pytest.mark.parametrize("form", ["{}", "class{:03}", "{:02}", "Class {}"])
def test_numbered_folders_are_read_by_their_names(tmp_path: Path, form: str) -> None:
    path = write_files(tmp_path / "a", {f"train/{form.format(code)}/a.png": png(code) for code in range(1, 8)})
    assert "for RAF-DB 1=surprise,2=fear" in refusal(path)
    assert labelled(path, LabelNames.parse(RAF_DB)) == RAF_DB_ORDER


def test_folders_of_raf_db_are_recognised_by_their_file_names(tmp_path: Path) -> None:
    files = {
        f"DATASET/train/{code}/train_0000{code}_aligned.jpg": encoded(picture(code), ".jpg") for code in range(1, 8)
    }
    path = write_files(tmp_path / "a", {**files, "train_labels.csv": b"image,label"})
    assert [emotion for emotion, _ in places(path)] == RAF_DB_ORDER
    first, second = notes(path)
    assert first.startswith("folders 1 to 7 are read as those of RAF-DB: 1 surprise, 2 fear")
    assert second == "1 file was left out: .csv (1)"


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_the_list_of_labels_of_raf_db_is_read(tmp_path: Path, kind: str) -> None:
    images = {
        f"Image/aligned/{name}_aligned.png": png(1) for name in ("train_1", "train_2", "test_1", "test_8", "test_9")
    }
    files = {
        **images,
        "EmoLabel/list_patition_label.txt": b"train_1.jpg 5\ntrain_2.jpg 1\r\ntest_1.jpg 7\ntest_8.jpg 9\n",
    }
    path = zipped(tmp_path / "a", files) if kind == "zip" else write_files(tmp_path / "a", files)
    assert places(path) == [("neutral", "test"), ("sad", "train"), ("surprise", "train")]
    first, unknown, second = notes(path)
    assert unknown.startswith("1 image was left out, as the label names no emotion: 9 (1)")
    assert "list_patition_label.txt, a list as of RAF-DB: 1 surprise" in first
    assert second.startswith("1 image was left out, as no label was found for it; Image/aligned/test_9_aligned.png")
    assert labelled(path, LabelNames.parse("1=happy,5=sad,7=fear")) == ["fear", "sad", "happy"]


@pytest.mark.parametrize(
    ("line", "words"), [("train_1.jpg", "line 2: found 'train_1.jpg'"), ("train_1.jpg suprise", "did you mean")]
)
def test_a_damaged_list_of_labels_is_refused(tmp_path: Path, line: str, words: str) -> None:
    files = {"Image/train_1.png": png(1), "list_patition_label.txt": f"train_1.jpg 5\n{line}\n".encode()}
    assert words in refusal(write_files(tmp_path / "a", files))


def test_ferplus_folders_hold_no_labels(tmp_path: Path) -> None:
    files = {"FER2013Train/fer0000000.png": png(1), "FER2013Train/label.csv": b""}
    assert "FERPlus' folders hold no labels" in refusal(write_files(tmp_path / "a", files))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train/happy/subject1/x.png", ("happy", "train")),
        ("happy/train/x.png", ("happy", "train")),
        ("Private Test/0_Angry/x.png", ("angry", "test")),
        ("public_test/Joy/S01/take 2/x.png", ("happy", "validation")),
        ("test/sad/angry/x.png", ("angry", "test")),
        ("test/happy/7/x.png", ("happy", "test")),
    ],
)
def test_the_nearest_folder_that_names_an_emotion_counts(
    tmp_path: Path, name: str, expected: tuple[str, str | None]
) -> None:
    assert places(write_files(tmp_path / "a", {name: png(1)})) == [expected]
    assert labelled(tmp_path / "a", LabelNames.parse("7=neutral")) == [expected[0]]  # a word, before a number


# What cannot be read is counted: an empty hash, no measures, black pixels.


def unreadable(path: Path) -> list[str]:
    pixels, index = read(path)
    bad = (index["hash"] == "").to_numpy()
    assert (pixels[bad] == 0).all()
    assert index.loc[bad, ["width", "height", "brightness", "contrast"]].isna().all(axis=None)
    assert index.loc[~bad].notna().drop(columns="split").all(axis=None)
    return index.loc[bad, "origin"].to_list()


def test_files_that_cannot_be_read_are_told_from_those_that_can(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {"happy/1.png": png(1), "happy/2.png": b"", "happy/3.jpg": b"text"})
    (path / "happy/4.png").symlink_to("nowhere.png")
    (path / "happy/5.png").write_bytes(png(5)[:-20])
    assert unreadable(path) == ["happy/2.png", "happy/3.jpg", "happy/4.png", "happy/5.png"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_entry_is_told_from_a_whole_one(tmp_path: Path, compression: int) -> None:
    path = zipped(tmp_path / "a.zip", {"happy/1.bmp": encoded(picture(1), ".bmp"), "happy/2.png": png(2)}, compression)
    data = bytearray(path.read_bytes())
    data[1500] ^= 0xFF
    path.write_bytes(data)
    assert unreadable(path) == ["happy/1.bmp"]


def test_an_entry_without_its_local_header_is_unreadable(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"happy/1.png": png(1), "happy/2.png": png(2)})
    path.write_bytes(path.read_bytes().replace(b"PK\3\4", b"PK\3\5", 1))
    assert unreadable(path) == ["happy/1.png"]


def test_an_entry_that_unpacks_to_more_than_it_says_is_unreadable(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"happy/1.bmp": bytes(2**24), "happy/2.png": png(2)}, zipfile.ZIP_DEFLATED)
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 2**24), struct.pack("<I", 1000)))
    assert unreadable(path) == ["happy/1.bmp"]


# What is wrong with the source as a whole stops at once.


def test_a_link_to_a_folder_above_is_refused(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {"train/happy/1.png": png(1)})
    (path / "train/sad").symlink_to(path)
    assert "train/sad: is a link to a folder above it" in refusal(path)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {os.fsdecode(b"happy/\xff.png"): png(1)})
    assert r"happy/\udcff.png" in refusal(path)


def test_a_link_to_another_folder_is_followed(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {"happy/1.png": png(1)})
    (path / "sad").symlink_to(write_files(tmp_path / "b", {"2.png": png(2)}))
    assert places(path) == [("happy", None), ("sad", None)]


@pytest.mark.parametrize(
    "name", ["../happy/1.png", "train/../../happy/1.png", "/happy/1.png", "C:/happy/1.png", "..\\happy\\1.png"]
)
def test_a_path_that_leads_out_of_a_zip_is_refused(tmp_path: Path, name: str) -> None:
    message = refusal(zipped(tmp_path / "a.zip", {"happy/2.png": png(2), name: png(1)}))
    assert name.replace("\\", "/") in message
    assert "leads out of the zip" in message


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"happy/1.png": png(1)})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert "happy/1.png: is encrypted" in refusal(path)


def test_an_unknown_way_of_packing_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"happy/1.png": png(1)})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 10] = 93
    path.write_bytes(data)
    assert "happy/1.png: is compressed by method 93" in refusal(path)


def test_an_entry_far_larger_than_an_image_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"happy/1.png": bytes(1000)})
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 1000), struct.pack("<I", 2**27)))
    assert "happy/1.png: would unpack to 134,217,728 bytes" in refusal(path)


def test_entries_that_unpack_to_far_more_than_the_zip_are_refused(tmp_path: Path) -> None:
    bomb = {f"happy/{i}.bmp": bytes(2**25) for i in range(3)}
    assert "a zip bomb?" in refusal(zipped(tmp_path / "a.zip", bomb, zipfile.ZIP_DEFLATED))


def test_entries_that_overlap_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"happy/{i}.bmp": encoded(picture(i), ".bmp") for i in range(3)})
    with zipfile.ZipFile(path) as archive:
        length, start = archive.infolist()[0].compress_size, archive.start_dir
    data = path.read_bytes()
    overlapping = data[:start] + data[start:].replace(
        struct.pack("<II", length, length), struct.pack("<II", 9000, 9000)
    )
    path.write_bytes(overlapping)
    assert "overlap" in refusal(path)


def test_guesses_about_files_are_noted_without_a_detector_too(tmp_path: Path) -> None:
    dark = encoded((picture(1).astype(np.uint16) * 16), ".png")
    path = write_files(tmp_path / "a", {"happy/1.png": png(1), "happy/2.png": dark, "sad/3.png": png(3)})
    pixels, index = read(path)
    assert np.abs(pixels[1].astype(int) - picture(1)).max() <= 1
    (text,) = face_notes(index, "largest")
    assert text.startswith("happy/2.png: holds values from 0 to 40")


def test_each_kind_of_remark_is_said_and_those_that_differ_in_numbers_are_counted() -> None:
    values = [f"holds values from -0.{i} to 4{i}; 0 was taken for black and 4095 for white" for i in range(9)]
    other = "holds values from 0 to 900; 0 was taken for black and 1023 for white"
    remarks = [*values, "is cut off", "", "is cut off", "holds 3 pictures, of which number 1 was read", other]
    index = pd.DataFrame({"origin": [f"{i}.png" for i in range(len(remarks))], "remark": remarks})
    assert face_notes(index, "largest") == [
        f"0.png and 8 more, with other numbers: {values[0]}",
        "9.png and 1 more, each: is cut off",
        "12.png: holds 3 pictures, of which number 1 was read",
        f"13.png: {other}",
    ]


def test_a_zip_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write_zip(tmp_path / name, [("train/happy/1", picture(1))])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_zip_with_random_damage_is_read_or_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", SPLIT_FACES, zipfile.ZIP_DEFLATED).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "b.zip"
    messages = []
    for _ in range(150):
        data = bytearray(whole)
        for position in rng.integers(len(whole) - 700, len(whole), 3):  # in the directory
            data[position] = rng.integers(256)
        path.write_bytes(data)
        try:
            read(path)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert all(message.startswith(str(path)) for message in messages)
