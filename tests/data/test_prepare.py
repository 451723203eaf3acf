"""From decoded images to splits on disk: classes chosen, splits cut, arrays written."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.pictures import EMOTIONS, picture, png, write_files

from mien._io.errors import InputError
from mien.data import fer2013
from mien.data import pixel_file as pixels_module
from mien.data.arrays import Images, open_npy
from mien.data.fer2013 import COUNTS
from mien.data.pixel_file import PixelFile, read_images
from mien.data.prepare import assign_splits, choose_classes, unmeasured_notes, write_index, write_splits
from mien.data.readers.opening import open_source
from mien.splits import stratified_split


def index(rows: Sequence[tuple[str, str | None, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["emotion", "split", "hash"])
    return frame.assign(origin=[f"{i}.png" for i in range(len(rows))], dropped="")


@pytest.fixture
def pixels(tmp_path: Path) -> Iterator[PixelFile]:
    with PixelFile(tmp_path / "pixels", 48) as pixels:
        yield pixels


def test_images_of_a_source_are_kept_until_their_split_is_known(
    tmp_path: Path, pixels: PixelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels_module, "_CHUNK_PIXELS", 3 * 48 * 48)
    with open_source(write_files(tmp_path / "a", {f"happy/{i:02}.png": png(i) for i in range(10)})) as source:
        rows = read_images(source, pixels)
    expected = [picture(i) for i in range(10)]
    chunks = list(pixels.chunks())
    assert [len(part) for part in chunks] == [3, 3, 3, 1]
    assert np.array_equal(np.concatenate(chunks), expected)
    assert np.array_equal(pixels.memmap(), expected)
    assert list(rows["origin"]) == [f"happy/{i:02}.png" for i in range(10)]


def test_copies_of_an_image_stay_in_one_split() -> None:
    rows = index([(emotion, None, f"{emotion}{i // 2}") for emotion in ("happy", "sad") for i in range(200)])
    splits = assign_splits(rows, 0.1, 0.2, seed=5)
    assert splits.groupby(rows["hash"]).nunique().max() == 1
    assert splits.value_counts(normalize=True)["test"] == pytest.approx(0.2)


def test_images_of_a_person_and_their_copies_stay_in_one_split() -> None:
    emotions = ("happy", "sad")
    rows = index([(emotion, None, f"{i}{emotion}") for i in range(40) for emotion in emotions])
    people = pd.Series([f"P{row // 4:02}" for row in rows.index])
    rows["person"] = people.where(people != "P03", "")  # of whom nobody knows who it is
    rows.loc[[0, 79], "hash"] = "copy"  # of the first person and of the last one
    splits = assign_splits(rows, 0.2, 0.2, seed=5)
    assert splits.groupby(people[people != "P03"]).nunique().max() == 1
    assert splits[0] == splits[79]
    assert 0.1 < (splits == "test").mean() < 0.3
    assert (pd.crosstab(splits, rows["emotion"]) > 0).all(axis=None)


def test_splits_of_the_source_are_kept() -> None:
    names = [(split, emotion) for split in ("train", "validation", "test") for emotion in ("happy", "sad")]
    rows = index([(emotion, split, f"{split}{emotion}{i}") for split, emotion in names for i in range(20)])
    assert list(assign_splits(rows, 0.5, 0.5, seed=0)) == list(rows["split"])


def test_only_what_is_missing_is_cut_from_train() -> None:
    names = [(split, emotion) for split in ("train", "test") for emotion in ("happy", "sad")]
    rows = index([(emotion, split, f"{split}{emotion}{i}") for split, emotion in names for i in range(20)])
    splits = assign_splits(rows, 0.25, 0.5, seed=0)
    assert dict(splits.value_counts()) == {"test": 40, "train": 30, "validation": 10}
    assert (splits[rows["split"] == "test"] == "test").all()


def test_cuts_are_stratified_seeded_and_of_images_that_count() -> None:
    rows = index([(emotion, None, f"{emotion}{i}") for emotion, n in (("happy", 300), ("sad", 100)) for i in range(n)])
    rows.loc[::4, "dropped"] = "tie"
    rows.loc[1::4, "hash"] = ""
    splits = assign_splits(rows, 0.2, 0.2, seed=1)
    counts = rows[splits == "test"].groupby("emotion").size()
    assert dict(counts) == {"happy": 30, "sad": 10}
    assert (splits[::4] == "train").all()
    assert (splits[1::4] == "train").all()
    assert splits.equals(assign_splits(rows, 0.2, 0.2, seed=1))
    assert not splits.equals(assign_splits(rows, 0.2, 0.2, seed=2))


def test_a_rare_class_is_in_each_split_that_is_cut() -> None:
    counts = (("happy", 60), ("neutral", 60), ("surprise", 3))
    rows = index([(emotion, None, f"{emotion}{i}") for emotion, count in counts for i in range(count)])
    for seed in range(5):
        splits = assign_splits(rows, 0.2, 0.1, seed=seed)
        assert (pd.crosstab(rows["emotion"], splits) > 0).all(axis=None)
        assert splits.equals(assign_splits(rows, 0.2, 0.1, seed=seed))
        most = stratified_split(rows["emotion"], 0.9, "test", seed)
        assert rows["emotion"].drop(most).nunique() == 3


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((9, 9, 1), "test: a share of 0.2 cannot be cut from 19 distinct cases, of which one is sad: expected two of"),
        ((3, 3, 3), "it is 2 of them, expected at least 3 in both parts, .*by a share of 0.34 .. 0.66, or by 11 dist"),
        ((2, 2, 0), "it is 1 of them, expected at least 2 in both parts, .*by a share of 0.5 .. 0.5, or by 6 distinct"),
        (
            (9, 9, 2),
            "validation: .* of which one is sad: expected two of each class, .*three where test and validation",
        ),
    ],
)
def test_a_split_that_cannot_have_each_class_is_refused_with_what_would_do(
    counts: tuple[int, int, int], words: str
) -> None:
    emotions = zip(("angry", "happy", "sad"), counts, strict=True)
    rows = index([(emotion, None, f"{emotion}{i}") for emotion, count in emotions for i in range(count)])
    with pytest.raises(InputError, match=words):
        assign_splits(rows, 0.2, 0.2, seed=0)


def test_classes_that_a_split_of_the_source_lacks_are_named() -> None:
    rows = index([(emotion, split, "") for split in ("train", "validation", "test") for emotion in ("happy", "sad")])
    assert unmeasured_notes(rows, ["sad", "happy"]) == []
    rows.loc[[2, 3], "dropped"] = "blank"
    assert unmeasured_notes(rows[:-1], ["sad", "happy"]) == [
        "classes without an image are not measured there: sad, happy in validation; sad in test"
    ]


def test_classes_are_all_that_occur_or_those_named() -> None:
    rows = index([(emotion, "train", emotion) for emotion in ("sad", "contempt", "angry", "happy")])
    assert choose_classes(rows, []) == ["angry", "happy", "sad", "contempt"]
    assert choose_classes(rows, ["sad", "angry"]) == ["sad", "angry"]
    assert list(rows["dropped"]) == ["", "other_class", "", "other_class"]


@pytest.mark.parametrize(
    ("classes", "words"),
    [(["sad", "fear"], "no image of 'fear'"), (["sad"], "images of sad only, expected at least two")],
)
def test_classes_that_cannot_be_are_refused(classes: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        choose_classes(index([(emotion, "train", emotion) for emotion in ("sad", "happy")]), classes)


@pytest.mark.parametrize("voted", [False, True])
def test_each_split_is_written_in_the_order_of_its_rows(tmp_path: Path, pixels: PixelFile, voted: bool) -> None:
    emotions, splits = ["sad", "angry", "happy"] * 4, ["train", "validation", "test", "train"] * 3
    rows = index(list(zip(emotions, splits, map(str, range(12)), strict=True)))
    rows.loc[[3, 6], "dropped"] = "blank"
    pixels.write(0, np.stack([picture(i) for i in range(12)]))
    votes = np.random.default_rng(0).dirichlet([1, 1, 1], 12).astype(np.float32)
    classes = ["happy", "sad", "angry"]
    written = write_splits(pixels, rows, classes, tmp_path, votes if voted else None)
    for name, images in written.items():
        members = [i for i in range(12) if splits[i] == name and i not in (3, 6)]
        back = Images.load(tmp_path, name)
        for one in (images, back):
            assert one.classes == classes
            assert np.array_equal(one.pixels, [picture(i) for i in members])
            assert [classes[label] for label in one.labels] == [emotions[i] for i in members]
            assert (one.pixels.dtype, one.labels.dtype) == (np.uint8, np.uint8)
            assert np.array_equal(one.targets(), votes[members] if voted else np.eye(3)[one.labels])
            assert one.targets().dtype == np.float32
        assert (tmp_path / f"{name}_votes.npy").exists() == voted


def test_an_index_comes_back_from_disk(tmp_path: Path) -> None:
    rows = index([("sad", "train", "0a"), ("sad", "train", "")]).assign(width=[48.0, np.nan], height=[50.0, np.nan])
    write_index(rows, tmp_path / "index.csv")
    assert "48,50" in (tmp_path / "index.csv").read_text()
    back = pd.read_csv(tmp_path / "index.csv", keep_default_na=False, na_values={"width": "", "height": ""})
    pd.testing.assert_frame_equal(back, rows, check_dtype=False)


def test_images_come_back_from_disk(tmp_path: Path) -> None:
    images = Images(np.stack([picture(i) for i in range(5)]), np.array([0, 0, 1, 0, 1], np.uint8), ["happy", "sad"])
    images.save(tmp_path, "train")
    back = Images.load(tmp_path, "train")
    assert np.array_equal(back.pixels, images.pixels)
    assert np.array_equal(back.labels, images.labels)
    assert back.counts() == {"happy": 3, "sad": 2}
    assert back.votes is None


def test_an_array_written_in_parts_is_the_same_file(tmp_path: Path) -> None:
    whole = np.stack([picture(i) for i in range(7)])
    np.save(tmp_path / "whole.npy", whole)
    with open_npy(tmp_path / "parts.npy", whole.shape) as file:
        for part in np.array_split(whole, 3):
            file.write(part.data)
    assert (tmp_path / "parts.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_memory_stays_below_the_size_of_what_is_written(tmp_path: Path) -> None:
    """Six thousand images, 14 MB: preparing a hundred first makes all that Python needs anyway."""
    write_files(tmp_path / "small", {f"{name}/{i}.png": png(i) for name in ("sad", "happy") for i in range(50)})
    for name in ("sad", "happy"):
        (tmp_path / "large" / name).mkdir(parents=True)
        for i in range(3000):
            (tmp_path / f"large/{name}/{i}.png").symlink_to(tmp_path / f"small/{name}/{i % 50}.png")
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from mien.data.pixel_file import *; from mien.data.prepare import *\n"
        "from mien.data.readers.opening import open_source\n"
        "for name in ('small', 'large'):\n"
        "    folder = Path(sys.argv[1], name + '-out'); folder.mkdir()\n"
        "    with open_source(Path(sys.argv[1], name)) as source, PixelFile(folder / 'pixels', 48) as pixels:\n"
        "        index = read_images(source, pixels).assign(dropped='')\n"
        "        index['split'] = ['train', 'test'] * (len(index) // 2)\n"
        "        write_splits(pixels, index, choose_classes(index, []), folder)\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)\n"
    )
    printed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    before, after = map(int, printed.stdout.split())
    assert (tmp_path / "large-out/train_images.npy").stat().st_size == 128 + 3000 * 48 * 48
    assert after - before < 2 * 6000 * 48 * 48


# How FER2013 is recognized.


def counted(**splits: tuple[int, ...]) -> pd.DataFrame:
    rows = [
        (emotion, split, "0")
        for split, counts in splits.items()
        for emotion, count in zip(EMOTIONS, counts, strict=True)
        for _ in range(count)
    ]
    return index(rows)


def test_the_official_counts_are_those_of_the_challenge() -> None:
    assert [sum(counts) for counts in COUNTS.values()] == [28_709, 3_589, 3_589, 7_178]
    both = zip(COUNTS["PublicTest"], COUNTS["PrivateTest"], strict=True)
    assert tuple(map(sum, both)) == COUNTS["PublicTest and PrivateTest"]


def test_the_official_split_is_recognised_by_its_counts() -> None:
    rows = counted(train=COUNTS["Training"], validation=COUNTS["PublicTest"], test=COUNTS["PrivateTest"])
    assert fer2013.describe_splits(rows) == [
        "test is FER2013's PrivateTest, 3,589 images",
        "train is FER2013's Training, 28,709 images",
        "validation is FER2013's PublicTest, 3,589 images",
    ]


def test_a_split_that_is_almost_official_is_named() -> None:
    angry, *others = COUNTS["Training"]
    assert fer2013.describe_splits(counted(train=(angry - 1, *others), test=(1, 2, 3, 4, 5, 6, 7))) == [
        "train has the class counts of FER2013's Training but for angry: found 3,994, expected 3,995"
    ]


def test_the_edition_that_was_split_anew_is_named() -> None:
    (note,) = fer2013.describe_splits(counted(train=(28_821, 0, 0, 0, 0, 0, 0), validation=(7_066, 0, 0, 0, 0, 0, 0)))
    assert "not the official split" in note


def test_other_data_are_not_taken_for_fer2013() -> None:
    assert fer2013.describe_splits(counted(train=(4, 4, 4, 4, 4, 4, 4))) == []
    assert fer2013.describe_splits(index([("happy", None, "a")])) == []
