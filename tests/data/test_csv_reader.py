"""The challenge's fer2013.csv, in all its editions and with all that can be wrong with it."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import numbers, picture, png, read, write_csv, write_files

from mien._io.errors import InputError
from mien._io.parallel import parallel
from mien.data import fer2013
from mien.data.label_notes import label_notes
from mien.data.labels import LabelNames
from mien.data.readers import csv
from mien.data.readers.opening import open_source

ROWS: list[tuple[object, str, str]] = [
    (0, numbers(picture(0)), "Training"),
    (6, numbers(picture(1)), "PublicTest"),
    (3, numbers(picture(2) // 100), "PrivateTest"),  # numbers of one digit
]


def test_rows_become_images_with_their_split(tmp_path: Path) -> None:
    pixels, index = read(write_csv(tmp_path / "fer.csv", ROWS))
    assert np.array_equal(pixels, [picture(0), picture(1), picture(2) // 100])
    assert list(index["origin"]) == ["fer0000000", "fer0000001", "fer0000002"]
    assert list(index["emotion"]) == ["angry", "neutral", "happy"]
    assert list(index["split"]) == ["train", "validation", "test"]
    assert set(index["width"]) == set(index["height"]) == {48}


def test_a_row_is_the_same_image_as_its_file(tmp_path: Path) -> None:
    _, index = read(write_csv(tmp_path / "fer.csv", ROWS[:1]))
    _, of_file = read(write_files(tmp_path / "a", {"train/angry/fer0000000.png": png(0)}))
    columns = ["emotion", "split", "hash", "width", "height", "brightness", "contrast"]
    assert index[columns].equals(of_file[columns])


def test_every_number_is_read_wherever_it_stands(tmp_path: Path) -> None:
    images = [np.roll(np.arange(48 * 48) * step % 256, step).astype(np.uint8).reshape(48, 48) for step in range(1, 40)]
    pixels, _ = read(write_csv(tmp_path / "fer.csv", [(0, numbers(image), "Training") for image in images]))
    assert np.array_equal(pixels, images)


def test_long_tables_are_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "fer.csv", [(i % 7, numbers(picture(i)), "Training") for i in range(30)])
    for block in (1, 7, 30, 64):
        monkeypatch.setattr(csv, "_PARSED_ROWS", block)
        pixels, index = read(path)
        assert np.array_equal(pixels, [picture(i) for i in range(30)])
        assert list(index["origin"]) == [f"fer{i:07}" for i in range(30)]


@pytest.mark.parametrize(
    ("change", "header"),
    [
        (lambda text: text, "emotion,pixels,Usage"),
        (lambda text: text.replace("\n", "\r\n"), "emotion,pixels,Usage"),
        (lambda text: text.rstrip("\n"), "emotion,pixels,Usage"),
        (lambda text: text + "\n\r\n", "emotion,pixels,Usage"),
        (lambda text: "\ufeff" + text, "emotion,pixels,Usage"),
        (lambda text: text.replace(",", ", "), "emotion, pixels, Usage"),
        (lambda text: text.replace(",Training", '",Training').replace("0,", '0,"', 1), '"emotion","pixels","Usage"'),
        (lambda text: text.replace(" ", "  "), "emotion,pixels,Usage"),
        (lambda text: text.replace("0,", "anger,", 1), "Emotion,Pixels,usage"),
    ],
)  # fmt: skip
def test_editions_of_the_file_read_alike(tmp_path: Path, change: object, header: str) -> None:
    path = write_csv(tmp_path / "fer.csv", ROWS[:1], header)
    assert callable(change)
    path.write_bytes(change(path.read_text()).encode())
    pixels, index = read(path)
    assert np.array_equal(pixels, [picture(0)])
    assert index.loc[0, "emotion"] == "angry"
    assert index.loc[0, "split"] == "train"


def test_columns_may_stand_in_another_order_or_without_splits(tmp_path: Path) -> None:
    rows = [("Training", emotion, pixels) for emotion, pixels, _ in ROWS]
    pixels, _ = read(write_csv(tmp_path / "icml.csv", rows, "Usage,emotion,pixels"))
    assert np.array_equal(pixels[:2], [picture(0), picture(1)])
    (tmp_path / "train.csv").write_text(f"pixels,emotion\n{ROWS[0][1]},0\n")
    assert read(tmp_path / "train.csv")[1]["split"].isna().all()


def test_numbers_of_four_digits_may_lead_with_zeros(tmp_path: Path) -> None:
    pixels, _ = read(write_csv(tmp_path / "fer.csv", [(0, numbers(picture(0)).replace(" ", " 0"), "Training")]))
    assert np.array_equal(pixels, [picture(0)])


def test_an_empty_row_between_rows_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "fer.csv", ROWS)
    path.write_text(path.read_text().replace("\n3,", "\n\n3,"))
    for block in (1, 2, 64):
        monkeypatch.setattr(csv, "_PARSED_ROWS", block)
        with pytest.raises(InputError, match="row 3: found 1 cells, expected 3"):
            read(path)


def test_another_size_is_made_of_48(tmp_path: Path) -> None:
    pixels, index = read(write_csv(tmp_path / "fer.csv", ROWS), size=24)
    assert pixels.shape == (3, 24, 24)
    assert set(index["width"]) == {48}


GOOD = numbers(picture(0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"0,{GOOD.rsplit(' ', 1)[0]},Training", ["row 2, column pixels", "2,303", "2,304"]),
        (f"0,{GOOD} 7,Training", ["row 2, column pixels", "2,305", "2,304"]),
        ("0,,Training", ["row 2, column pixels", "found 0 numbers"]),
        (f"0,256 {GOOD.split(' ', 1)[1]},Training", ["row 2, pixel 1", "'256'", "0..255"]),
        (f"0,299 {GOOD.split(' ', 1)[1]},Training", ["row 2, pixel 1", "'299'"]),
        (f"0,300 {GOOD.split(' ', 1)[1]},Training", ["row 2, pixel 1", "'300'"]),
        (f"0,1000 {GOOD.split(' ', 1)[1]},Training", ["row 2, pixel 1", "'1000'"]),
        (f"0,{GOOD.rsplit(' ', 1)[0]} 1x,Training", ["row 2, pixel 2304", "'1x'"]),
        (f"0,{GOOD.rsplit(' ', 1)[0]} x1,Training", ["row 2, pixel 2304", "'x1'"]),
        (f"0,{GOOD.rsplit(' ', 2)[0]}  7,Training", ["row 2, column pixels", "2,303"]),
        (f"0,{GOOD.rsplit(' ', 1)[0]} -1,Training", ["row 2, pixel 2304", "'-1'"]),
        (f"0,{GOOD.rsplit(' ', 1)[0]} 1.5,Training", ["row 2, pixel 2304", "'1.5'"]),
        (f"0,{GOOD.rsplit(' ', 1)[0]} x,Training", ["row 2, pixel 2304", "'x'"]),
        (f"suprise,{GOOD},Training", ["row 2, column emotion", "'suprise'", "did you mean surprise?", "--labels"]),
        (f"0,{GOOD},Public", ["row 2, column Usage", "'Public'", "PrivateTest"]),
        (f"0,{GOOD}", ["row 2", "found 2 cells", "expected 3"]),
        (f"0,{GOOD},Training,", ["row 2", "found 4 cells"]),
        ("", ["row 2", "found 1 cells"]),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "fer.csv"
    path.write_text(f"emotion,pixels,Usage\n1,{GOOD},Training\n{text}\n1,{GOOD},Training\n")
    with pytest.raises(InputError) as refused:
        read(path)
    for word in [str(path), *words]:
        assert word in str(refused.value)


def test_labels_that_name_no_emotion_are_kept_as_they_are(tmp_path: Path) -> None:
    cells = ["8", "bored", "", "-1", "0"]
    path = write_csv(tmp_path / "fer.csv", [(cell, GOOD, "Training") for cell in cells])
    index = read(path)[1]
    assert list(index["emotion"]) == ["8", "bored", "(empty)", "-1", "angry"]
    (text,) = label_notes(index["emotion"])
    assert text.startswith("4 images were left out, as the label names no emotion: (empty) (1), -1 (1), 8 (1), bored")
    assert "--labels -1=EMOTION" in text


def test_labels_that_name_no_emotion_are_refused_on_request(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "fer.csv", [*ROWS, (8, GOOD, "Training")])
    with (
        pytest.raises(InputError, match=r"row 4, column emotion: found '8'.*--labels 8=EMOTION"),
        open_source(path, LabelNames(unknown="fail")) as source,
    ):
        list(source.batches(48))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("", ["angry", "disgust", "contempt"]),
        ("7=contempt", ["angry", "disgust", "contempt"]),
        ("7=skip", ["angry", "disgust", "skip"]),
        ("0=neutral,1=joy", ["neutral", "happy", "7"]),
        ("1=surprise,7=neutral", ["0", "surprise", "neutral"]),  # another data set's numbers: 0 is not FER2013's
    ],
)
def test_numbers_mean_what_they_are_said_to_mean(tmp_path: Path, names: str, expected: list[str]) -> None:
    path = write_csv(tmp_path / "fer.csv", [(label, GOOD, "Training") for label in (0, 1, 7)])
    labels = LabelNames.parse(names)
    with open_source(path, labels) as source:
        (batch,) = source.batches(48)
        assert [entry.emotion for entry in batch.entries] == expected
        blocks = [pickle.loads(pickle.dumps(block)) for block in source.blocks(48, parallel)]
    assert [entry.emotion for block in blocks for batch in block.batches(48) for entry in batch.entries] == expected


def test_seven_is_contempt_as_in_ck_plus_and_a_note_says_so(tmp_path: Path) -> None:
    index = read(write_csv(tmp_path / "ckextended.csv", [(label, GOOD, "Training") for label in (0, 7, 7)]))[1]
    assert list(index["emotion"]) == ["angry", "contempt", "contempt"]
    (text,) = fer2013.describe(index, LabelNames())
    assert text.startswith("2 rows are of contempt, which the number 7 means as in CK+; --labels 7=skip")
    assert fer2013.describe(index, LabelNames.parse("7=contempt")) == []
    assert fer2013.describe(index.assign(origin="contempt/1.png"), LabelNames()) == []


def test_usage_may_have_blanks_and_underscores(tmp_path: Path) -> None:
    usages = ["Private Test", "public_test", "training"]
    index = read(write_csv(tmp_path / "fer.csv", [(0, GOOD, usage) for usage in usages]))[1]
    assert list(index["split"]) == ["test", "validation", "train"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("emotion,pixels,Usage\n", ["header without rows"]),
        ("emotion,pixels,Usage\n\n\n", ["header without rows"]),
        ("emotion,Usage\n", ["no column pixels in emotion, usage"]),
        ("pixels,Usage\n", ["no column emotion"]),
        ("emotion,pixels,pixels\n", ["2 column pixels"]),
        ("\n", ["no column emotion in the first line"]),
        ("emotion,pixels\n0," + "1" * 300_000, ["row of over"]),
        ("pixels\0\udcff", ["no line of text"]),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "fer.csv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError) as refused:
        read(path)
    for word in [str(path), *words]:
        assert word in str(refused.value)


def test_a_table_needs_no_suffix(tmp_path: Path) -> None:
    assert len(read(write_csv(tmp_path / "fer2013", ROWS))[0]) == 3
