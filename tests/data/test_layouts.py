"""Data sets that give labels in files beside the images, or in the names of the images."""

import io
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import numbers, picture, png, write_csv, write_files, zipped

from mien._io.errors import InputError
from mien.data.label_notes import seven_notes
from mien.data.labels import LabelNames
from mien.data.readers.opening import holds_images, open_source


def opened(path: Path, labels: LabelNames | None = None) -> tuple[list[tuple[str, str, str | None]], list[str]]:
    """Return file name, class and split of each image of a source, and its notes."""
    with open_source(path, labels) as source:
        entries = [entry for batch in source.batches(48) for entry in batch.entries]
        return [(entry.origin.rpartition("/")[2], entry.emotion, entry.split) for entry in entries], source.notes


def labelled(path: Path, labels: LabelNames | None = None) -> dict[str, str]:
    return {name: emotion for name, emotion, _ in opened(path, labels)[0]}


JAFFE = {
    "KA.AN1.39.tiff": "angry", "KA.DI2.43.tiff": "disgust", "KA.FE3.47.tiff": "fear", "KM.HA1.4.tiff": "happy",
    "KM.NE1.1.tiff": "neutral", "KM.SA2.10.tiff": "sad", "yk-su1-16.jpg": "surprise",
}  # fmt: skip
KDEF = {
    "AF01AFS.JPG": "fear", "AF01ANHL.JPG": "angry", "AF01DIS.JPG": "disgust", "BM35HAFR.JPG": "happy",
    "BM35NES.JPG": "neutral", "am07sahr.jpg": "sad", "AM07SUFL.png": "surprise",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_names_of_jaffe_are_read(tmp_path: Path, kind: str) -> None:
    files = {**{f"jaffe/{name}": png(i) for i, name in enumerate(JAFFE)}, "jaffe/README": b"", "jaffe/odd.tiff": b""}
    path = zipped(tmp_path / "a", files) if kind == "zip" else write_files(tmp_path / "a", files)
    assert labelled(path) == JAFFE
    form, people, odd, files_left_out = opened(path)[1]
    assert form.startswith("labels are read from file names, as of JAFFE: AN angry, DI disgust")
    assert people == "3 people are known from file names, as in JAFFE; nobody is in two splits"
    assert odd.startswith("1 image was left out")
    assert files_left_out == "1 file was left out: no suffix (1)"


def test_names_of_kdef_are_read_and_views_are_counted(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {f"KDEF/{name[:4]}/{name}": png(i) for i, name in enumerate(KDEF)})
    assert labelled(path) == KDEF
    _, views, people = opened(path)[1]
    assert people.startswith("3 people are known from file names, as in KDEF")
    assert views == (
        "all views are read: straight (3), full left profile (1), full right profile (1), half left profile (1), half "
        "right profile (1)"
    )


def test_people_are_told_by_file_names_in_folders_too(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {f"{emotion}/{name}": png(i) for i, (name, emotion) in enumerate(KDEF.items())})
    with open_source(path) as source:
        people = {entry.origin: entry.person for batch in source.batches(48) for entry in batch.entries}
    assert people["angry/AF01ANHL.JPG"] == people["fear/AF01AFS.JPG"] == "F01"
    assert people["sad/am07sahr.jpg"] == "M07"
    one = {name: png(1) for name in JAFFE if name.startswith("KA")}
    (_, few) = opened(write_files(tmp_path / "b", one))[1]
    assert few.startswith("1 person is in it; where the source has no splits, images of one person get into several")


def test_label_names_come_before_those_of_a_data_set(tmp_path: Path) -> None:
    path = write_files(tmp_path / "a", {name: png(i) for i, name in enumerate(KDEF)})
    labels = LabelNames.parse("AF=afraid,NE=skip,SU=amazed", classes=["fear", "amazed", "happiness"])
    expected = {**KDEF, "BM35HAFR.JPG": "happiness", "AM07SUFL.png": "amazed"}
    del expected["BM35NES.JPG"]
    assert labelled(path, labels) == expected


def test_folders_count_more_than_names_of_files(tmp_path: Path) -> None:
    files = {"happy/KA.AN1.39.tiff": png(1), "sad/KA.AN2.40.tiff": png(2), "sad/KA.FE2.40.tiff": png(2)}
    assert set(labelled(write_files(tmp_path / "a", files)).values()) == {"happy", "sad"}


def test_a_few_such_names_are_no_data_set(tmp_path: Path) -> None:
    files = {"KA.AN1.39.png": png(1), "KA.HA2.40.png": png(2), **{f"{i}.png": png(i) for i in range(5)}}
    with pytest.raises(InputError, match="no folder"):
        opened(write_files(tmp_path / "a", files))


VOTES = """\
fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0
fer0000001.png,"(0, 0, 48, 48)",0,9,1,0,0,0,0,0,0,0
fer0000002.png,"(0, 0, 48, 48)",0,0,0,0,0,0,0,6,4,0
fer0000003.png,"(0, 0, 48, 48)",0,0,0,0,0,0,0,0,0,10
"""


def test_votes_in_the_folders_of_ferplus_are_read(tmp_path: Path) -> None:
    images = {f"data/FER2013Train/fer{i:07}.png": png(i) for i in range(4)}
    test = {"data/FER2013Test/fer0000001.png": png(9), "data/FER2013Test/label.csv": VOTES.encode()}
    path = write_files(tmp_path / "a", {**images, "data/FER2013Train/label.csv": VOTES.encode(), **test})
    entries, notes = opened(path)
    assert entries == [
        ("fer0000001.png", "happy", "test"), ("fer0000001.png", "happy", "train"),
        ("fer0000002.png", "contempt", "train"),
    ]  # fmt: skip
    first, agreement = notes
    assert "more than half of FERPlus' taggers agree on, by the votes in data/FER2013Test/label.csv, data" in first
    assert agreement == "taggers of FERPlus agree on no emotion: not_a_face (2), tie (2); left out"
    (path / "data/FER2013Test/fer0000009.png").write_bytes(png(8))
    left_out = opened(path)[1][-1]
    assert left_out == (
        "1 image was left out, as no label was found for it; data/FER2013Test/fer0000009.png is the first"
    )


@pytest.mark.parametrize("line", ["fer1.png,(0 0),1", 'fer1.png,"(0)",1,2,3,4,5,6,7,8,9,x'])
def test_damaged_votes_are_refused(tmp_path: Path, line: str) -> None:
    files = {"FER2013Train/fer0000001.png": png(1), "FER2013Train/label.csv": f"{VOTES}{line}\n".encode()}
    with pytest.raises(InputError, match=r"a: FER2013Train/label.csv: line 5: found 'fer1.png,.*expected the name"):
        opened(write_files(tmp_path / "a", files))


def test_votes_that_are_no_table_are_refused(tmp_path: Path) -> None:
    text = f"{VOTES}fer1.png,{'x' * 200_000}"  # longer than a cell may be
    files = {"FER2013Train/fer0000001.png": png(1), "FER2013Train/label.csv": text.encode()}
    with pytest.raises(InputError, match=r"a: FER2013Train/label.csv: cannot be read \(field larger than field limit"):
        opened(write_files(tmp_path / "a", files))


def test_votes_whose_lines_end_as_on_old_macs_are_read(tmp_path: Path) -> None:
    files = {f"FER2013Train/fer{i:07}.png": png(i) for i in range(4)}
    files["FER2013Train/label.csv"] = VOTES.replace("\n", "\r").encode()
    entries, _ = opened(write_files(tmp_path / "a", files))
    assert [name for name, *_ in entries] == ["fer0000001.png", "fer0000002.png"]


def npy(value: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(value))
    return stream.getvalue()


def test_the_files_of_labels_of_affectnet_are_read(tmp_path: Path) -> None:
    labels = {1: "1", 2: 7, 3: "10", 4: b"x", 5: "6", 6: "6"}
    files = {f"train_set/images/{name}.jpg": png(name) for name in labels}
    files |= {f"train_set/annotations/{name}_exp.npy": npy(code) for name, code in labels.items()}
    files |= {"train_set/annotations/1_val.npy": npy(0.5), "val_set/images/1.jpg": png(9)}
    files |= {"val_set/annotations/1_exp.npy": npy("0"), "train_set/annotations/4_exp.npy": b"damaged"}
    files["train_set/annotations/5_exp.npy"] = npy("6").replace(b"}", b" ")  # of which NumPy raises TokenError
    files["train_set/annotations/6_exp.npy"] = npy("6")[:-1] + b"\xff"  # and of this one SystemError
    entries, notes = opened(write_files(tmp_path / "a", files))
    assert entries == [
        ("1.jpg", "happy", "train"), ("2.jpg", "contempt", "train"), ("1.jpg", "neutral", "validation"),
    ]  # fmt: skip
    assert notes[0].startswith("labels are read from *_exp.npy, as of AffectNet: 0 neutral, 1 happy")
    assert notes[1:] == [
        "labels of AffectNet that are not emotions: unreadable (3), 10 (1); left out",
        "1 file was left out: .npy (1)",
    ]


@pytest.mark.parametrize("form", ["AffectNet/train_class/class{:03}", "{}"])
def test_numbered_folders_below_the_name_of_affectnet_are_its_own(tmp_path: Path, form: str) -> None:
    files = {f"{form.format(i)}/{i}.png": png(i) for i in range(8)}
    entries, (note,) = opened(write_files(tmp_path / "affect-net (1)", files))
    assert dict(entry[:2] for entry in entries)["6.png"] == "angry"
    assert note.startswith("folders 0 to 7 are read as those of AffectNet, as a name says: 0 neutral, 1 happy, 2 sad")
    with pytest.raises(InputError, match="for AffectNet 0=neutral"):
        opened(write_files(tmp_path / "other", {f"{i}/{i}.png": png(i) for i in range(8)}))


def test_labels_of_affectnet_may_lie_beside_the_images(tmp_path: Path) -> None:
    files = {f"images/{name}.jpg": png(name) for name in range(3)}
    files |= {f"images/{name}_exp.npy": npy(name) for name in range(3)}
    assert labelled(write_files(tmp_path / "a", files)) == {"0.jpg": "neutral", "1.jpg": "happy", "2.jpg": "sad"}


def test_one_table_of_votes_labels_the_folders_of_ferplus(tmp_path: Path) -> None:
    header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    rows = ["Training,fer0000000.png,0,9,1,0,0,0,0,0,0,0", "PublicTest,fer0000001.png,0,0,0,0,0,0,0,8,1,1",
            "Training,,0,0,0,0,0,0,0,0,0,10", "", " "]  # fmt: skip
    files = {"FER2013Train/fer0000000.png": png(0), "FER2013Valid/fer0000001.png": png(1)}
    path = write_files(tmp_path / "a", files | {"fer2013new.csv": "\n".join([header, *rows]).encode()})
    entries, notes = opened(path)
    assert entries == [("fer0000000.png", "happy", "train"), ("fer0000001.png", "contempt", "validation")]
    assert notes == [
        "labels are those that more than half of FERPlus' taggers agree on, by the votes in fer2013new.csv"
    ]
    whole = f"{header}\n{rows[0]}\n"
    for text, words in (
        (f"{whole}Training,fer1.png,1,2", "row 2: found"),
        (f"{whole}Training", "row 2: found 'Training', expected"),
        (f"{whole}Training,", "row 2: found 'Training,', expected"),
        (f"{whole}Training,,0,0,0", "row 2: found 'Training,,0,0,0', expected"),
        (f"{whole}Training,,fer1.png,0,9,1,0,0,0,0,0,0,0", "row 2: found"),
        ("a,b\n1,2", "found columns 'a, b'"),
    ):
        (path / "fer2013new.csv").write_text(text)
        with pytest.raises(InputError, match=f"fer2013new.csv: {words}"):
            opened(path)


def test_the_files_of_labels_of_ck_plus_are_read(tmp_path: Path) -> None:
    codes = {"S005_001": "   3.0000000e+00\n", "S010_002": "5", "S011_001": "9.0", "S011_002": "x"}
    files = {f"cohn-kanade-images/{s[:4]}/{s[5:]}/{s}_0000000{i}.png": png(i) for s in codes for i in (1, 2)}
    files |= {f"Emotion/{s[:4]}/{s[5:]}/{s}_00000002_emotion.txt": code.encode() for s, code in codes.items()}
    path = write_files(tmp_path / "a", files)
    entries, notes = opened(path)
    assert entries == [("S005_001_00000002.png", "disgust", None), ("S010_002_00000002.png", "happy", None)]
    assert notes[0].startswith("labels are read from *_emotion.txt, of the last image of each sequence, as of CK+: 0 n")
    assert notes[1:] == [
        "labels of CK+ that are not emotions: 9 (1), unreadable (1); left out",
        "3 people are known from file names, as in CK+; nobody is in two splits",
        "4 images were left out, as no label was found for them; "
        "cohn-kanade-images/S005/001/S005_001_00000001.png is the first",
    ]


def test_the_list_of_faces_of_expw_is_read(tmp_path: Path) -> None:
    lines = ["a b.jpg 0 28 113 226 141 22.9 0", "c.jpg 0 1 2 30 40 99 3", "c.jpg 1 1 2 30 40 99.5 3",
             "d.jpg 0 1 2 30 40 99 3", "d.jpg 1 1 2 30 40 99 6"]  # fmt: skip
    files = {f"image/origin/{name}.jpg": png(1) for name in ("a b", "c", "d")}
    path = write_files(tmp_path / "a", files | {"label/label.lst": "\n".join(lines).encode()})
    entries, notes = opened(path)
    assert entries == [("a b.jpg", "angry", None), ("c.jpg", "happy", None)]
    assert notes[1:] == ["1 image with faces of several labels left out"]
    (path / "label/label.lst").write_text("a.jpg 1")
    with pytest.raises(InputError, match=r"label/label.lst: line 1: found 'a.jpg 1', expected a line of ExpW's list"):
        opened(path)


@pytest.mark.parametrize("name", ["labels.txt", "train.lst"])
def test_lists_of_names_and_labels_are_read(tmp_path: Path, name: str) -> None:
    files = {"images/1.png": png(1), "images/2.png": png(2), "README.txt": b"Faces of 2024\nhappy, sad\n"}
    path = write_files(tmp_path / "a", files | {name: b"1.png happy\n2.png sad\n"})
    assert labelled(path) == {"1.png": "happy", "2.png": "sad"}


def test_boxes_of_yolo_are_labels(tmp_path: Path) -> None:
    boxes = {
        1: "0 0.5 0.5 1 1",
        2: "1 .5 .5 .9 .9\n1 .1 .1 .2 .2\n",
        3: "0 0.5 0.5 1 1\n1 .5 .5 1 1",
        4: "2 .5 .5 1 1",
        5: "",
        6: "0 .5 .5 1 1\nabc",
    }
    files = {f"train/images/{i}.jpg": png(i) for i in (*boxes, 7)}
    files |= {f"train/labels/{i}.txt": text.encode() for i, text in boxes.items()}
    for names in ("names: ['Anger', happy, blob]", "names:\n  0: Anger\n  1: happy\n  2: blob"):
        path = write_files(tmp_path / "a", files | {"data.yaml": f"nc: 3\n{names}\n".encode()})
        entries, notes = opened(path)
        assert entries == [("1.jpg", "angry", "train"), ("2.jpg", "happy", "train"), ("6.jpg", "angry", "train")]
        assert notes[0].startswith("labels are read from labels/*.txt, as of YOLO: 0 angry, 1 happy; boxes are not cut")
        assert notes[1:] == [
            "1 image with boxes of several classes left out; train/images/3.jpg is the first",
            "1 image with no box left out; train/images/5.jpg is the first",
            "1 image was left out, as the class names no emotion: blob (1); --labels blob=EMOTION "
            "(prepare_fer.label_names) names it, prepare_fer.classes: [blob, ..] makes it a class of its own",
            "1 line is no box, CLASS x y width height; the first is 'abc' in train/labels/6.txt",
            "1 image was left out, as no label was found for it; train/images/7.jpg is the first",
        ]
    (path / "data.yaml").write_text("names: [")
    assert labelled(path, LabelNames.parse("0=fear,1=sad")) == {"1.jpg": "fear", "2.jpg": "sad", "6.jpg": "fear"}
    with pytest.raises(InputError, match="found 'images' above it"):
        opened(path)


def test_tables_with_a_column_per_class_are_read(tmp_path: Path) -> None:
    files = {f"train/{i}.jpg": png(i) for i in range(4)}
    rows = ["filename, Anger, happy, sad", "0.jpg,1,0,0", "1.jpg,0,1,0", "2.jpg,0,0,1.0", "3.jpg,1,1,0"]
    path = write_files(tmp_path / "a", files | {"train/_classes.csv": "\n".join(rows).encode()})
    entries, notes = opened(path)
    assert entries == [("0.jpg", "angry", "train"), ("1.jpg", "happy", "train"), ("2.jpg", "sad", "train")]
    assert notes[0] == "labels are read from train/_classes.csv"
    assert notes[1].startswith("1 image was left out, as the label names no emotion: (empty) (1)")
    assert len(notes) == 2
    (path / "train/_classes.csv").write_text("\n".join(rows).replace(",0,", ",0.3,"))
    with pytest.raises(InputError, match="found 'no folder' above it"):
        opened(path)


def test_people_of_ck_plus_are_told_in_folders_of_emotions(tmp_path: Path) -> None:
    files = {f"happy/S{i:03}_004_00000017.png": png(i) for i in range(3)} | {"sad/S001_002_00000017.png": png(9)}
    with open_source(write_files(tmp_path / "a", files)) as source:
        people = {entry.person for batch in source.batches(48) for entry in batch.entries}
        assert source.notes == ["3 people are known from file names, as in CK+; nobody is in two splits"]
    assert people == {"S000", "S001", "S002"}


def test_words_in_the_names_of_files_are_labels_where_no_folder_has_one(tmp_path: Path) -> None:
    names = {
        "happy_01.png": "happy", "Rafd090_01_Caucasian_female_angry_frontal.png": "angry",
        "s1/p2-Bored (3).png": "bored", "sad-not-happy.png": None, "portrait.png": None, "un-happy_3.png": None,
        "angry_2.png": "angry",
    }  # fmt: skip
    path = write_files(tmp_path / "a", {name: png(i) for i, name in enumerate(names)})
    labels = LabelNames.of({}, classes=["angry", "happy", "bored"])
    assert labelled(path, labels) == {name.rpartition("/")[2]: label for name, label in names.items() if label}
    first, left_out = opened(path, labels)[1]
    assert first.startswith("labels are read from words in file names, such as ")
    assert left_out.startswith("3 images were left out")
    with pytest.raises(InputError, match="no folder"):
        opened(write_files(tmp_path / "b", {f"happy_{i}.png": png(i) for i in range(3)}))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive"),
        (b"Rar!\x1a\x07", "is a RAR archive"),
        (b"PAR1", "is a Parquet file"),
    ],
)
def test_other_ways_of_packing_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "faces"
    path.write_bytes(data.ljust(600, b"\0"))
    with pytest.raises(InputError, match=f"faces: {words}, which mien does not read; unpack or convert it"):
        opened(path)
    with pytest.raises(InputError, match=f"faces: {words}, which mien does not read; unpack or convert it"):
        holds_images(path)


def test_numbers_from_1_to_7_in_a_table_are_not_taken_for_those_of_fer2013_without_a_word(tmp_path: Path) -> None:
    rows = [(str(float(code)), numbers(picture(code)), "Training") for code in range(1, 8)]
    with open_source(write_csv(tmp_path / "a.csv", rows)) as source:
        labels = [entry.emotion for batch in source.batches(48) for entry in batch.entries]
    assert (labels[0], labels[-1]) == ("disgust", "contempt")
    assert seven_notes(labels, LabelNames())[1].startswith("no label is 0 and some are 7: numbers of RAF-DB? ")


@pytest.mark.parametrize("source", ["folder", "table"])
def test_columns_of_labels_that_disagree_are_named(tmp_path: Path, source: str) -> None:
    rows = ["path,label,emotion,class", "1.png,happy,Joy,face", "2.png,sad,fear,face", "3.png,,fear,face"]
    rows += ["4.png,fear,happiness,face"]
    table = "\n".join(rows).encode()
    path = write_files(tmp_path / "a", {"labels.csv": table, **{f"{i}.png": png(i) for i in (1, 2, 3, 4)}})
    entries, notes = opened(path / "labels.csv" if source == "table" else path)
    assert [emotion for _, emotion, _ in entries] == ["happy", "sad", "fear"]
    assert notes[2:3] == [
        "labels.csv: the columns label and emotion name different classes in 2 rows: label is read; row 2 has 'sad' "
        "and 'fear'"
    ]
    (path / "labels.csv").write_bytes(table.replace(b"sad,fear", b"sad,Sadness").replace(b"fear,happiness", b"fear,"))
    assert not [note for note in opened(path)[1] if "different classes" in note]


def test_labels_that_say_to_leave_images_out_are_told_from_missing_ones(tmp_path: Path) -> None:
    files = {f"img/{i}.png": png(i) for i in range(4)}
    path = write_files(tmp_path / "a", {**files, "t.csv": b"file,label\n0.png,sad\n1.png,fear\n2.png,odd\n"})
    labels, skipped = LabelNames.parse("odd=skip"), "1 image was left out, as its label says: img (1)"
    assert opened(path, labels)[1][1:] == [
        "1 image was left out, as no label was found for it; img/3.png is the first", skipped,
    ]  # fmt: skip
    assert opened(path / "t.csv", labels)[1][1:] == [skipped]


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("there", ["img/0.PNG", "C:\\x\\0.png", "https://x.y/0.jpg", "img/0.jpg"])
def test_a_table_whose_images_are_not_there_is_named(tmp_path: Path, kind: str, there: str) -> None:
    files = {f"img/{i}.png": png(i) for i in range(3)} | {"labels.csv": f"path,label\n{there},sad\n".encode()}
    path = zipped(tmp_path / "a.zip", files) if kind == "zip" else write_files(tmp_path / "a", files)
    with pytest.raises(InputError, match=r"labels.csv is not read: it names 1 image, such as .*, which is not there"):
        opened(path)
    words = {f"sad_{i}.png": png(i) for i in range(3)} | {f"fear_{i}.png": png(i) for i in range(3)}
    notes = opened(write_files(tmp_path / "b", {**words, "labels.csv": files["labels.csv"]}))[1]
    assert notes[1].startswith("labels.csv is not read: it names 1 image")
    one = {**files, "happy/1.png": png(5)}
    with pytest.raises(InputError, match=r"labels.csv: not read, as the names of folders come before tables"):
        opened(write_files(tmp_path / "c", one))


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_tables_of_file_names_and_labels_are_read(tmp_path: Path, kind: str) -> None:
    files = {f"images/{name}.png": png(i) for i, name in enumerate(("a", "b", "c", "d"))}
    table = "Filename;Emotion;Usage\na.png;Joy;Training\n"
    table += "images/b.png;very_bored;PrivateTest\n./images/c.png;odd;Training\nz.png;sad;Training\n"
    files |= {"labels.csv": table.encode(), "other.csv": b"a,b\n1,2\n"}
    path = zipped(tmp_path / "a", files) if kind == "zip" else write_files(tmp_path / "a", files)
    labels = LabelNames.of({}, classes=["happy", "very bored"])
    entries, notes = opened(path, labels)
    assert entries == [("a.png", "happy", "train"), ("b.png", "very bored", "test")]
    assert notes[0] == "labels are read from labels.csv"
    assert notes[1].startswith("1 image was left out, as the label names no emotion: odd (1)")
    assert notes[2:] == [
        "1 of 4 images that labels.csv names are not there: z.png",
        "1 image was left out, as no label was found for it; images/d.png is the first",
        "1 file was left out: .csv (1)",
    ]


def test_tables_of_splits_and_names_without_suffix_are_read(tmp_path: Path) -> None:
    files = {f"{split}/{i}.png": png(i) for split in ("train", "test") for i in range(2)}
    files |= {"train_labels.csv": b"image,label\ntrain/0,1\ntrain/1,2\n"}
    files |= {"test_labels.csv": b"image,label\ntest/0.png,1\ntest/1.png,2\n"}
    path = write_files(tmp_path / "a", files)
    with pytest.raises(InputError, match=r"found no image with a label: labels are read from test_labels\.csv, train_"):
        opened(path)
    entries, _ = opened(path, LabelNames.parse("1=happy,2=sad"))
    assert [entry[1:] for entry in entries] == [
        ("happy", "test"), ("sad", "test"), ("happy", "train"), ("sad", "train"),
    ]  # fmt: skip


_ENDS_ALIKE = {"s1/001.png": png(1), "s2/001.png": png(2), "s2/002.png": png(3)}


@pytest.mark.parametrize("kind", ["folder", "zip", "table"])
def test_a_row_of_a_table_that_names_several_images_is_refused(tmp_path: Path, kind: str) -> None:
    files = {**_ENDS_ALIKE, "labels.csv": b"file,label\n001.png,happy\n002.png,sad\n"}
    path = zipped(tmp_path / "a", files) if kind == "zip" else write_files(tmp_path / "a", files)
    with pytest.raises(
        InputError,
        match=r"a: labels\.csv: row 1, column file: found '001\.png', which names 2 images: s1/001\.png, s2/001\.png; "
        "expected a longer path, which names one",
    ):
        opened(path / "labels.csv" if kind == "table" else path)


@pytest.mark.parametrize("label", ["angry", "happy"])
def test_a_column_of_splits_tells_images_apart_that_end_alike(tmp_path: Path, label: str) -> None:
    files = {f"images/{split}/{i}.png": png(i + len(split)) for split in ("train", "test") for i in range(2)}
    rows = ["0.png,angry,train", "1.png,sad,train", f"0.png,{label},test", "1.png,sad,test"]
    path = write_files(tmp_path / "a", {**files, "labels.csv": "\n".join(["file,emotion,split", *rows]).encode()})
    expected = {
        ("0.png", "angry", "train"),
        ("1.png", "sad", "train"),
        ("0.png", label, "test"),
        ("1.png", "sad", "test"),
    }
    for source in (path, path / "labels.csv"):
        entries, notes = opened(source)
        assert {(name, emotion, split) for name, emotion, split in entries} == expected
        assert len(entries) == 4
        assert not any("row already" in note or "left out, as" in note for note in notes)


def test_a_table_labels_the_images_in_folders_beside_it_before_others_that_end_alike(tmp_path: Path) -> None:
    files = {f"{session}/frames/0.png": png(i) for i, session in enumerate(("s1", "s2"))}
    tables = {f"{session}/labels.csv": f"image,label\n0.png,{emotion}\n".encode()
              for session, emotion in (("s1", "happy"), ("s2", "sad"))}  # fmt: skip
    with open_source(write_files(tmp_path / "a", files | tables)) as source:
        entries = [entry for batch in source.batches(48) for entry in batch.entries]
    assert {entry.origin.partition("/")[0]: entry.emotion for entry in entries} == {"s1": "happy", "s2": "sad"}


def test_a_row_without_a_label_does_not_contradict_another(tmp_path: Path) -> None:
    files = {"0.png": png(0), "1.png": png(1), "labels.csv": b"image,label\n0.png,\n0.png,angry\n1.png,sad\n1.png,\n"}
    assert labelled(write_files(tmp_path / "a", files)) == {"0.png": "angry", "1.png": "sad"}


def test_a_number_after_no_is_no_negation(tmp_path: Path) -> None:
    names = ("no_0_angry.png", "No.1 happy.png", "no_12_sad.png")
    path = write_files(tmp_path / "a", {name: png(i) for i, name in enumerate(names)})
    assert list(labelled(path).values()) == ["happy", "angry", "sad"]


def test_folders_of_people_are_no_splits(tmp_path: Path) -> None:
    people = ("Val Kilmer", "Anna Dev", "Test Person", "Uma")
    path = write_files(
        tmp_path / "a", {f"{name}/{kind}.png": png(i) for i, name in enumerate(people) for kind in ("happy", "sad")}
    )
    assert {split for _, _, split in opened(path)[0]} == {None}


def test_of_many_images_that_a_row_names_a_few_are_shown(tmp_path: Path) -> None:
    files = {f"{folder}/1.png": png(folder) for folder in range(5)}
    path = write_files(tmp_path / "a", {**files, "labels.txt": b"1 happy\n1.png sad\n"})
    with pytest.raises(InputError, match=r"found '1\.png', which names 5 images: 0/1\.png, .*, 2/1\.png and 2 more;"):
        opened(path)


def test_rows_with_longer_paths_tell_images_apart_that_end_alike(tmp_path: Path) -> None:
    rows = b"file,label\ns1/001,happy\ns2/001.png,sad\n002,fear\n"
    path = write_files(tmp_path / "a", {**_ENDS_ALIKE, "labels.csv": rows})
    assert [entry[1] for entry in opened(path)[0]] == ["happy", "sad", "fear"]


def test_a_row_names_the_image_at_its_path_before_others_that_end_alike(tmp_path: Path) -> None:
    files = {"train/1.png": png(1), "test/1.png": png(2)}
    files |= {
        f"{split}/_classes.csv": f"file,label\n1.png,{label}\n".encode()
        for split, label in (("train", "sad"), ("test", "fear"))
    }
    entries, _ = opened(write_files(tmp_path / "a", files))
    assert entries == [("1.png", "fear", "test"), ("1.png", "sad", "train")]
    top = {"1.png": png(1), "old/1.png": png(2), "2.png": png(3), "labels.csv": b"file,label\n1.png,happy\n2.png,sad\n"}
    entries, notes = opened(write_files(tmp_path / "b", top))
    assert [entry[1] for entry in entries] == ["happy", "sad"]
    assert notes[-1] == "1 image was left out, as no label was found for it; old/1.png is the first"


@pytest.mark.parametrize("table", ["train_labels.csv", ""])
def test_a_row_names_the_image_in_the_folder_of_its_split(tmp_path: Path, table: str) -> None:
    files = {f"{split}/{i}.png": png(i) for split in ("train", "test") for i in range(2)}
    files |= {"train_labels.csv": b"image,label\n0.png,happy\n1.png,sad\n"}
    files |= {"test_labels.csv": b"image,label\n0.png,fear\n1.png,angry\n"}
    entries, _ = opened(write_files(tmp_path / "a", files) / table)
    expected = [("0.png", "happy", "train"), ("1.png", "sad", "train")]
    assert entries == [*([] if table else [("0.png", "fear", "test"), ("1.png", "angry", "test")]), *expected]


@pytest.mark.parametrize("kind", ["folder", "table"])
def test_rows_of_an_image_with_different_labels_are_refused(tmp_path: Path, kind: str) -> None:
    files = {f"c{i}/0.png": png(i) for i in range(3)}
    rows = "".join(f"0.png,{label}\n" for label in ("angry", "Anger", "happy"))
    path = write_files(tmp_path / "a", {**files, "labels.csv": f"file,label\n{rows}".encode()})
    with pytest.raises(
        InputError,
        match=r"a: labels\.csv: row 3, column label: found 'happy' for c0/0\.png, but 'angry' in labels\.csv: row 1, "
        "expected one label per image; longer paths if",
    ):
        opened(path / "labels.csv" if kind == "table" else path)


def test_tables_with_different_labels_for_an_image_are_refused(tmp_path: Path) -> None:
    files = {"1.png": png(1), "2.png": png(2), "b.csv": b"file,label\n1.png,happy\n2.png,sad\n"}
    path = write_files(tmp_path / "a", {**files, "a.csv": b"file,class\n1.png,frontal\n2.png,Sadness\n"})
    assert labelled(path) == {"1.png": "happy", "2.png": "sad"}
    (path / "a.csv").write_text("file,class\n1.png,fear\n2.png,sad\n")
    with pytest.raises(InputError, match=r"b\.csv: row 1, column label: found 'happy' .* but 'fear' in a\.csv: row 1"):
        opened(path)


def test_a_table_that_labels_few_images_may_name_several_in_a_row(tmp_path: Path) -> None:
    files = {f"{name}.png": png(i) for i, name in enumerate(("s1/0", "s2/0", "happy_1", "sad_2", "sad_3"))}
    path = write_files(tmp_path / "a", {**files, "other.csv": b"file,label\n0,happy\n"})
    assert labelled(path) == {"happy_1.png": "happy", "sad_2.png": "sad", "sad_3.png": "sad"}


def test_a_misspelt_label_in_a_table_is_refused(tmp_path: Path) -> None:
    files = {"1.png": png(1), "2.png": png(2), "labels.csv": b"file,label\n1.png,happy\n2.png,suprise\n"}
    with pytest.raises(InputError, match=r"labels.csv: row 2, column label: found 'suprise'.*did you mean surprise"):
        opened(write_files(tmp_path / "a", files))


def test_folders_of_emotions_count_more_than_tables(tmp_path: Path) -> None:
    files = {"happy/1.png": png(1), "sad/2.png": png(2), "labels.csv": b"file,label\n1.png,sad\n2.png,happy\n"}
    assert labelled(write_files(tmp_path / "a", files)) == {"1.png": "happy", "2.png": "sad"}


def test_a_column_of_pixels_may_have_any_name(tmp_path: Path) -> None:
    rows = [(code, numbers(picture(code)), "Training") for code in range(3)]
    entries, notes = opened(write_csv(tmp_path / "a.csv", rows, "emotion,image,Usage"))
    assert [entry[1] for entry in entries] == ["angry", "disgust", "fear"]
    assert notes == ["the column image is read as pixels"]
