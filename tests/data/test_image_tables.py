"""A table of image paths and labels is a source: any usual columns, and what is missing or unknown is counted."""

from pathlib import Path

import pytest
from helpers.networks import brightness_network
from helpers.pictures import encoded, png, read, write_files, zipped

from mien._io.errors import InputError
from mien.data.convert import convert
from mien.data.labels import LabelNames
from mien.data.readers.opening import holds_images, open_source
from mien.data.readers.table import untracked_notes

IMAGES = {"a/one.png": "happy", "a/two 2.png": "sad", "b/drei_ü.png": "happy"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path, {name: png(seed) for seed, name in enumerate(IMAGES)})


def labels_of(path: Path, labels: LabelNames | None = None) -> dict[str, str]:
    with open_source(path, labels) as source:
        return {entry.origin: entry.emotion for batch in source.batches(48) for entry in batch.entries}


def notes_of(path: Path) -> str:
    with open_source(path) as source:
        return "\n".join(source.notes)


@pytest.mark.parametrize(
    ("header", "separator", "end", "encoding"),
    [
        ("path,label", ",", "\n", "utf-8"),
        ("File Name;Emotion", ";", "\r\n", "utf-8-sig"),
        ("image_path\tclass", "\t", "\r", "utf-16"),
        ("img|expression", "|", "\n", "latin-1"),
        ("picture,feeling", ",", "\n", "utf-8"),  # told by the cells
        ("", ",", "\n", "utf-8"),
    ],
)
def test_tables_of_paths_and_labels_are_read(
    folder: Path, header: str, separator: str, end: str, encoding: str
) -> None:
    rows = [f"./{name}{separator}{label.title()}" for name, label in IMAGES.items()]
    table = folder / "labels.csv"
    table.write_bytes(end.join([header, *rows] if header else rows).encode(encoding))
    assert holds_images(table)
    assert labels_of(table) == IMAGES
    pixels, index = read(table)
    assert pixels.any(axis=(1, 2)).all()
    assert list(index["origin"]) == sorted(IMAGES)
    assert notes_of(table) == "labels are read from labels.csv"


def test_paths_may_be_absolute_of_windows_above_or_ends_without_a_suffix(folder: Path) -> None:
    names = list(IMAGES)
    table = write_files(folder, {"c/up.csv": f"path,label\n../{names[0]},happy\n{folder / names[1]},sad\n".encode()})
    assert sorted(labels_of(table / "c/up.csv").values()) == ["happy", "sad"]
    (folder / "w.csv").write_text("path,label\na\\one.png,fear\n")
    assert labels_of(folder / "w.csv") == {"a/one.png": "fear"}
    (folder / "ends.csv").write_text("image_id,label\none,angry\ntwo 2,sad\nthree,sad\n")
    assert labels_of(folder / "ends.csv") == {"a/one.png": "angry", "a/two 2.png": "sad"}
    assert "1 of 3 images that ends.csv names are not there: three" in notes_of(folder / "ends.csv")


def test_rows_that_are_cut_off_are_counted(folder: Path) -> None:
    whole = "".join(f"{name},{label}\n" for name, label in IMAGES.items())
    (folder / "labels.csv").write_text(f"path,label\n{whole}\na/fou\n,happy\n")
    assert labels_of(folder / "labels.csv") == IMAGES
    words = "labels.csv: 2 rows name no image or end before the label: left out, the first is row 5"
    assert words in notes_of(folder / "labels.csv")


def test_missing_images_are_counted_and_named(folder: Path) -> None:
    rows = [f"{name},{label}" for name, label in IMAGES.items()]
    gone = [f"gone/{number}.png,sad" for number in range(5)]
    (folder / "t.csv").write_text("\n".join(["file,label", *gone, *rows, rows[0]]) + "\n\n")
    notes = notes_of(folder / "t.csv")
    assert "5 of 8 images that t.csv names are not there: gone/0.png, gone/1.png, gone/2.png .." in notes
    assert "1 row names an image that has a row already" in notes
    (folder / "none.csv").write_text("\n".join(["file,label", *gone]))
    with pytest.raises(InputError, match=r"none\.csv: 5 of 5 images .* gone/2\.png \.\., expected paths relative to"):
        labels_of(folder / "none.csv")


def test_splits_are_those_of_a_column_or_of_folders(folder: Path) -> None:
    (folder / "t.csv").write_text("path,label,usage\na/one.png,happy,Training\na/two 2.png,sad,PrivateTest\n")
    with open_source(folder / "t.csv") as source:
        assert [entry.split for batch in source.batches(48) for entry in batch.entries] == ["train", "test"]
    write_files(folder, {"val/x.png": png(7)})
    (folder / "v.csv").write_text("path,label\nval/x.png,happy\n")
    with open_source(folder / "v.csv") as source:
        assert [entry.split for batch in source.batches(48) for entry in batch.entries] == ["validation"]
    (folder / "mixed.csv").write_text("path,label,split\na/one.png,happy,train\na/two 2.png,sad,\n")
    with pytest.raises(
        InputError, match=r"two 2\.png: has no split, but other images are of train, validation or test"
    ):
        labels_of(folder / "mixed.csv")


def test_numbers_and_own_classes_need_names(folder: Path) -> None:
    (folder / "t.csv").write_text("path,label\na/one.png,1\na/two 2.png,2\n")
    with pytest.raises(InputError, match=r"found no image with a label: .* 1 \(1\), 2 \(1\); --labels"):
        labels_of(folder / "t.csv")
    assert labels_of(folder / "t.csv", LabelNames.parse("1=happy,2=skip")) == {"a/one.png": "happy"}
    (folder / "own.csv").write_text("a/one.png,engaged\na/two 2.png,bored\n")
    assert labels_of(folder / "own.csv", LabelNames.of({}, classes=["bored", "engaged"]))["a/one.png"] == "engaged"


def test_the_tables_of_affectnet_have_its_numbers(folder: Path) -> None:
    columns = "subDirectory_filePath,face_x,facial_landmarks,expression,valence"
    (folder / "training.csv").write_text(f"{columns}\na/one.png,0,1;2,6,0.1\na/two 2.png,0,1;2,9,0.1\n")
    assert labels_of(folder / "training.csv") == {"a/one.png": "angry"}
    notes = notes_of(folder / "training.csv")
    assert "numbers as those of AffectNet: 0 neutral, 1 happy" in notes
    assert "1 image was left out, as the label names no emotion: 9 (1)" in notes


def test_a_table_of_images_of_rafdb_has_its_numbers(folder: Path) -> None:
    write_files(folder, {"1/train_00001_aligned.jpg": png(8), "5/test_0001_aligned.jpg": png(9)})
    (folder / "train_labels.csv").write_text("image,label\ntrain_00001_aligned.jpg,1\ntest_0001_aligned.jpg,5\n")
    labels = {"1/train_00001_aligned.jpg": "surprise", "5/test_0001_aligned.jpg": "sad"}
    assert labels_of(folder / "train_labels.csv") == labels
    assert "numbers as those of RAF-DB: 1 surprise" in notes_of(folder / "train_labels.csv")


@pytest.mark.parametrize(
    "boxes",
    [
        ["x", "y", "w", "h"],
        ["face_x", "face_y", "face_width", "face_height"],
        ["xmin", "ymin", "xmax", "ymax"],
        ["Left", "Top", "Right", "Bottom"],
        ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"],
        ["X Min", "Y Min", "X Max", "Y Max"],
        ["x_center", "y_center", "width", "height"],
        ["bbox"],
        ["face_box"],
        ["bounding box"],
    ],
)
@pytest.mark.parametrize("kind", ["table", "folder", "zip"])
def test_boxes_in_a_table_are_not_read_and_named(folder: Path, kind: str, boxes: list[str]) -> None:
    rows = [",".join([name, label, *(["1"] * len(boxes))]) for name, label in IMAGES.items()]
    files = {"t.csv": "\n".join([",".join(["path", "label", *boxes]), *rows]).encode()}
    write_files(folder, files)
    images = {name: (folder / name).read_bytes() for name in IMAGES}
    path = {"table": folder / "t.csv", "folder": folder, "zip": folder / "z.zip"}[kind]
    if kind == "zip":
        zipped(path, images | files)
    assert labels_of(path) == IMAGES
    assert f"{', '.join(boxes)} of t.csv look like boxes of faces, which are not read; each picture counts as one" in (
        notes_of(path)
    )


@pytest.mark.parametrize("columns", ["width,height", "x,y", "xmin,xmax", "face,boxer", "x,face_y,w,face_h"])
def test_other_columns_of_a_table_are_no_boxes(folder: Path, columns: str) -> None:
    cells = ",1" * len(columns.split(","))
    (folder / "t.csv").write_text(f"path,label,{columns}\na/one.png,happy{cells}\n")
    assert notes_of(folder / "t.csv") == "labels are read from t.csv"


@pytest.mark.parametrize(
    "text", ["file,label,AU01,AU12\na/one.png,happy,3,4\n", "id,label\n1,happy\n", "x,y\n1,2\n", ""]
)
def test_other_tables_are_not_taken_for_one(folder: Path, text: str) -> None:
    (folder / "t.csv").write_text(text)
    assert not holds_images(folder / "t.csv")


def test_the_pipeline_says_that_images_of_a_table_are_not_watched(folder: Path) -> None:
    (folder / "t.csv").write_text("path,label\na/one.png,happy\n")
    with open_source(folder / "t.csv") as source:
        assert "DVC watches this table, and not the images" in untracked_notes(source)[0]
    with open_source(zipped(folder / "z.zip", {"happy/1.png": png(1)})) as source:
        assert untracked_notes(source) == []


def test_score_and_convert_take_a_table(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np

    from mien.cli import main

    for name, level in (("dark.png", 30), ("bright.png", 225)):
        (folder / name).write_bytes(encoded(np.full((48, 48), level, np.uint8)))
    (folder / "t.csv").write_text("path,label\ndark.png,angry\nbright.png,sad\ngone.png,sad\n")
    network = brightness_network(folder / "network")
    monkeypatch.setattr("sys.argv", ["mien", "score", str(folder / "t.csv"), "--model", str(network), "--json"])
    main()
    out, err = capsys.readouterr()
    assert '"images": 2' in out
    assert '"accuracy": 1.0' in out
    assert "1 of 3 images that t.csv names are not there: gone.png" in err
    convert(folder / "t.csv", folder / "out.npz", 48)
    assert np.load(folder / "out.npz")["images"].shape == (2, 48, 48)
