"""From image files to arrays: sources, splits, audit, balance and augmentation."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mien.images.archive import write_zip
from mien.images.arrays import Images
from mien.images.augment import Augmentation, augment
from mien.images.balance import oversample
from mien.images.prepare import assign_splits, audit, decode, read_images, split_images
from mien.images.sources import open_source

STILL = Augmentation(flip=False, rotation=0.0, shift=0.0, zoom=0.0, brightness=0.0, contrast=0.0, cutout=0.0)
RNG = np.random.default_rng(0)


def picture(seed: int, size: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)


def data_set(counts: dict[str, int]) -> Images:
    classes = list(counts)
    labels = np.repeat(np.arange(len(classes)), list(counts.values())).astype(np.uint8)
    return Images(np.stack([picture(i) for i in range(len(labels))]), labels, classes)


def write_folder(root: Path, images: dict[str, np.ndarray]) -> Path:
    for name, image in images.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), image)
    return root


def test_a_zip_and_its_folder_read_alike(tmp_path: Path) -> None:
    images = {
        f"{split}/{emotion}/{i}": picture(i)
        for split in ("train", "test")
        for emotion in ("sad", "happy")
        for i in range(3)
    }
    write_zip(tmp_path / "a.zip", images.items())
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "a")
    with open_source(tmp_path / "a.zip") as source:
        zipped = read_images(source, 48)
    with open_source(tmp_path / "a") as source:
        unzipped = read_images(source, 48)
    assert np.array_equal(zipped[0], unzipped[0])
    assert zipped[1].equals(unzipped[1])


def test_folders_name_emotion_and_split_in_many_ways(tmp_path: Path) -> None:
    names = ["fer/Training/Anger/a.png", "fer/val/happiness/b.jpg", "fer/test/Surprised/c.tiff"]
    write_folder(tmp_path, {name: picture(i) for i, name in enumerate(names)})
    with open_source(tmp_path) as source:
        read = {(entry.split, entry.emotion) for entry in source.entries}
    assert read == {("train", "angry"), ("validation", "happy"), ("test", "surprise")}


def test_what_macos_adds_to_a_zip_is_no_image(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("train/happy/folder.png")
        for name in ("__MACOSX/train/happy/._1.png", "train/happy/._1.png", ".DS_Store.png"):
            archive.writestr(name, b"no image")
        archive.writestr("train/happy/1.PNG", cv2.imencode(".png", picture(1))[1].tobytes())
    with open_source(tmp_path / "a.zip") as source:
        assert [entry.origin for entry in source.entries] == ["train/happy/1.PNG"]


def test_a_zip_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write_zip(tmp_path / name, [("train/happy/1", picture(1))])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_decoding_makes_any_picture_grey_and_square() -> None:
    colour = np.dstack([picture(i, 100) for i in range(3)])
    for suffix in (".png", ".jpg", ".bmp", ".tiff"):
        image = decode(cv2.imencode(suffix, colour)[1].tobytes(), 48)
        assert image is not None
        assert (image.shape, image.dtype) == ((48, 48), np.uint8)


def test_decoding_keeps_the_pixels_of_a_picture_that_fits() -> None:
    image = decode(cv2.imencode(".png", picture(1))[1].tobytes(), 48)
    assert image is not None
    assert np.array_equal(image, picture(1))


@pytest.mark.parametrize("data", [b"", b"text", cv2.imencode(".jpg", picture(1))[1].tobytes()[:500]])
def test_what_is_no_picture_decodes_to_none(data: bytes) -> None:
    assert decode(data, 48) is None


def index(rows: list[tuple[str, str | None, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["emotion", "split", "hash"])
    return frame.assign(origin=[f"{i}.png" for i in range(len(rows))])


def test_copies_of_an_image_stay_in_one_split() -> None:
    rows = index([(emotion, None, f"{emotion}{i // 2}") for emotion in ("happy", "sad") for i in range(200)])
    splits = assign_splits(rows, 0.1, 0.2, seed=5)
    assert splits.groupby(rows["hash"]).nunique().max() == 1
    assert splits.value_counts(normalize=True)["test"] == pytest.approx(0.2)


def test_splits_of_the_source_are_kept() -> None:
    names = [(split, emotion) for split in ("train", "validation", "test") for emotion in ("happy", "sad")]
    rows = index([(emotion, split, f"{split}{emotion}{i}") for split, emotion in names for i in range(20)])
    assert assign_splits(rows, 0.5, 0.5, seed=0).equals(rows["split"])


def test_only_what_is_missing_is_cut_from_train() -> None:
    names = [(split, emotion) for split in ("train", "test") for emotion in ("happy", "sad")]
    rows = index([(emotion, split, f"{split}{emotion}{i}") for split, emotion in names for i in range(20)])
    splits = assign_splits(rows, 0.25, 0.5, seed=0)
    assert dict(splits.value_counts()) == {"test": 40, "train": 30, "validation": 10}
    assert (splits[rows["split"] == "test"] == "test").all()


def test_the_audit_counts_copies_contradictions_and_leaks() -> None:
    rows = index(
        [
            ("happy", "train", "a"),
            ("happy", "train", "a"),
            ("happy", "train", "b"),
            ("sad", "train", "b"),
            ("sad", "validation", "c"),
            ("happy", "test", "a"),
            ("sad", "test", "d"),
        ]
    )
    figures = audit(rows)
    assert (figures["images"], figures["distinct"]) == (7, 4)
    assert (figures["duplicate_groups"], figures["conflicting_label_groups"]) == (2, 1)
    assert figures["leaks"] == {"validation_in_train": 0, "test_in_train_or_validation": 1}
    assert figures["counts"]["train"] == {"happy": 3, "sad": 1}


def test_labels_follow_the_order_of_fer2013() -> None:
    rows = index([("sad", "train", "a"), ("angry", "train", "b"), ("happy", "test", "c")])
    split = split_images(np.stack([picture(i) for i in range(3)]), rows)
    assert split["train"].classes == ["angry", "happy", "sad"]
    assert list(split["train"].labels) == [2, 0]
    assert np.array_equal(split["test"].pixels[0], picture(2))


def test_images_come_back_from_disk(tmp_path: Path) -> None:
    images = data_set({"happy": 3, "sad": 2})
    images.save(tmp_path, "train")
    back = Images.load(tmp_path, "train")
    assert np.array_equal(back.pixels, images.pixels)
    assert np.array_equal(back.labels, images.labels)
    assert back.counts() == {"happy": 3, "sad": 2}


@pytest.mark.parametrize("augmentation", [None, STILL.model_copy(update={"flip": True, "rotation": 10.0})])
def test_oversampling_raises_rare_classes_and_keeps_the_rest(augmentation: Augmentation | None) -> None:
    images = data_set({"happy": 40, "disgust": 3, "sad": 25})
    raised = oversample(images, 0.5, augmentation, np.random.default_rng(1))
    assert raised.counts() == {"happy": 40, "disgust": 20, "sad": 25}
    assert np.array_equal(raised.pixels[:68], images.pixels)
    known = {image.tobytes() for image in images.pixels[images.labels == 1]}
    copies = sum(image.tobytes() in known for image in raised.pixels[68:])
    assert copies == 17 if augmentation is None else copies < 17


def test_no_augmentation_is_no_change() -> None:
    images = data_set({"happy": 5}).pixels
    assert np.array_equal(augment(images, STILL, RNG), images)


def test_a_flip_is_a_mirror_image() -> None:
    images = data_set({"happy": 64}).pixels
    views = augment(images, STILL.model_copy(update={"flip": True}), RNG)
    mirrored = [np.array_equal(view, image[:, ::-1]) for view, image in zip(views, images, strict=True)]
    same = [np.array_equal(view, image) for view, image in zip(views, images, strict=True)]
    assert sum(mirrored) + sum(same) == 64
    assert 16 < sum(mirrored) < 48


def test_a_shift_moves_no_further_than_told() -> None:
    image = np.zeros((1, 48, 48), np.uint8)
    image[0, 24, 24] = 255
    views = augment(np.repeat(image, 200, axis=0), STILL.model_copy(update={"shift": 0.1}), RNG)
    rows, columns = np.unravel_index(views.reshape(200, -1).argmax(axis=1), (48, 48))
    assert max(abs(rows - 24).max(), abs(columns - 24).max()) == 5


def test_light_and_cutout_change_what_they_say() -> None:
    grey = np.full((100, 48, 48), 128, np.uint8)
    lit = augment(grey, STILL.model_copy(update={"brightness": 20.0}), RNG).astype(int)
    assert (lit.min(), lit.max()) == (pytest.approx(108, abs=2), pytest.approx(148, abs=2))
    black = np.zeros((100, 48, 48), np.uint8)
    black[:, ::2] = 200
    cut = augment(black, STILL.model_copy(update={"cutout": 0.25}), RNG)
    changed = (cut != black).sum(axis=(1, 2))
    assert changed.min() >= 12 * 12 / 4
    assert changed.max() == 12 * 12


def test_the_generator_decides_the_views() -> None:
    images = data_set({"happy": 5}).pixels
    strong = Augmentation(flip=True, rotation=20.0, shift=0.1, zoom=0.2, brightness=20.0, contrast=0.2, cutout=0.2)
    first, again, other = (augment(images, strong, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
