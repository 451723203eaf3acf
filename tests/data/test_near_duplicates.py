"""Near-duplicates: re-encoded, resized, darkened and mirrored pictures are found, and no others."""

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers.pictures import encoded, picture, write_files
from helpers.repository import Repository
from helpers.stages import run_stage

from mien.config import Audit, Variation
from mien.data import audit, pixel_file
from mien.data import near_duplicates as near
from mien.data.image_stats import pixel_hashes
from mien.data.near_duplicates import near_groups, near_pairs
from mien.data.pixel_file import PixelFile
from mien.data.prepare import assign_splits
from mien.rendering import draw_face


def drawn(seed: int) -> np.ndarray:
    """Return the drawn face of a person of its own, uint8 (48, 48)."""
    rng = np.random.default_rng(seed)
    variation = Variation(identity=1.0, pose=0.6, scale=0.5, light=0.6, noise=0.6, occlusion=0.3)
    return draw_face(list(rng.uniform(0, 100, 17)), variation, rng)


def compressed(image: np.ndarray) -> np.ndarray:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def resized(image: np.ndarray) -> np.ndarray:
    small = cv2.resize(image, (30, 30), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_CUBIC)


def mirrored(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[:, ::-1])


def darker(image: np.ndarray) -> np.ndarray:
    return (image * 0.6 + 10).astype(np.uint8)


CHANGES = (compressed, resized, mirrored, darker, lambda image: mirrored(compressed(resized(image))))


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.stack([drawn(seed) for seed in range(200)])


@pytest.fixture
def pixels(tmp_path: Path) -> Iterator[PixelFile]:
    with PixelFile(tmp_path / "pixels", 48) as pixels:
        yield pixels


def groups(pixels: PixelFile, images: np.ndarray) -> np.ndarray:
    pixels.write(0, np.ascontiguousarray(images))
    return near_groups(pixels, np.array(pixel_hashes(images)), np.ones(len(images), bool))


@pytest.mark.parametrize("size", [32, 48, 100])
def test_changed_pictures_are_in_the_group_of_their_original(tmp_path: Path, faces: np.ndarray, size: int) -> None:
    originals = np.stack([cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA) for face in faces])
    changed = [change(face) for face in originals[:40] for change in CHANGES]
    with PixelFile(tmp_path / "pixels", size) as pixels:
        numbers = groups(pixels, np.concatenate([originals, changed]))
    assert len(set(numbers[:200])) == 200
    expected = np.repeat(numbers[:40], len(CHANGES))
    assert np.array_equal(numbers[200:], expected)


def test_pairs_are_those_that_a_plain_comparison_finds(pixels: PixelFile, faces: np.ndarray) -> None:
    images = np.concatenate([faces, [change(face) for face in faces[::4] for change in CHANGES[:3]]])
    pixels.write(0, images)
    rows = np.arange(0, len(images), 2)
    basis, is_odd = near._frequencies(48, 16)
    units = near._unit(images[rows], basis)
    turned = np.where(is_odd, -1, 1) * units
    expected = {
        (one, other)
        for one, other in combinations(range(len(rows)), 2)
        if max(units[one] @ units[other], units[one] @ turned[other]) >= near.MIN_CORRELATION
    }
    assert len(expected) > 30
    assert {(int(one), int(other)) for one, other in near_pairs(pixels, rows)} == expected


def test_the_frequencies_are_those_of_a_cosine_transform() -> None:
    image = picture(3)
    basis, is_odd = near._frequencies(48, 4)
    expected = cv2.dct(image.astype(np.float32))[:4, :4].ravel()[1:]
    assert image.ravel().astype(np.float32) @ basis == pytest.approx(expected, abs=0.05)
    assert mirrored(image).ravel().astype(np.float32) @ basis == pytest.approx(
        np.where(is_odd, -expected, expected), abs=0.05
    )


def test_many_copies_make_one_group_and_what_is_left_out_none(pixels: PixelFile, faces: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    noisy = np.clip(faces[0] + rng.normal(0, 3, (50, 48, 48)), 0, 255).astype(np.uint8)
    images = np.concatenate([noisy, faces[:10], faces[:2], np.full((3, 48, 48), 7, np.uint8)])
    pixels.write(0, images)
    hashes = np.array(pixel_hashes(images))
    hashes[-1] = ""
    numbers = near_groups(pixels, hashes, np.arange(len(images)) < 62)
    assert len(set(numbers[:51])) == 1
    assert len(set(numbers[50:60])) == 10
    assert list(numbers[60:62]) == list(numbers[50:52])
    assert numbers[62] == numbers[63] not in numbers[:62]
    assert numbers[64] == -1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_images_have_groups_as_well(pixels: PixelFile, faces: np.ndarray, count: int) -> None:
    assert len(set(groups(pixels, faces[:count]))) == count


def test_more_images_than_one_chunk(pixels: PixelFile, faces: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.concatenate([faces, [mirrored(face) for face in faces]])
    expected = groups(pixels, images)
    monkeypatch.setattr("mien.data.pixel_file._CHUNK_PIXELS", 7 * 48 * 48)
    monkeypatch.setattr(near, "_PAIRS", 50)
    assert np.array_equal(groups(pixels, images), expected)
    assert len(set(expected)) == 200


def index(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """Return an index of images with hash, split and near."""
    frame = pd.DataFrame(rows, columns=["hash", "split", "near"])
    usual: dict[str, Any] = {"emotion": "happy", "width": 48, "height": 48, "contrast": 50.0, "dropped": ""}
    return frame.assign(origin=[f"{i}.png" for i in range(len(rows))], **usual)


ROWS = index(
    ("a", "train", 0),
    ("b", "train", 0),  # nearly 0
    ("b", "train", 0),  # equals 1, and is nearly 0
    ("a", "train", 0),  # equals 0
    ("c", "train", 1),
    ("d", "test", 1),  # nearly 4
    ("e", "validation", 2),
    ("e", "train", 2),  # equals 6
    ("f", "train", 2),  # nearly 6
    ("g", "validation", 3),
    ("h", "test", 3),  # nearly 9
    ("", "test", -1),
    ("i", "train", 4),
    ("i", "test", 4),  # equals 12
)


def found(problem: str) -> dict[str, str]:
    listed = audit.offenders(audit.apply(ROWS, policy(), "faces.zip"))
    rows = listed[listed["problem"] == problem]
    return dict(zip(rows["origin"], rows["equals"], strict=True))


def policy(**actions: str) -> Audit:
    usual = {**dict.fromkeys(Audit.model_fields, "report"), "unreadable": "drop", "no_face": "drop"}
    return Audit.model_validate({**usual, **actions})


@pytest.mark.parametrize("size", [48, 96])
@pytest.mark.parametrize("usable", [slice(0, 2), slice(3, 5), slice(6, 8)])
def test_a_chunk_without_a_usable_image_is_passed(
    tmp_path: Path, size: int, usable: slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixel_file, "_CHUNK_PIXELS", 2 * size**2)
    images = np.stack([cv2.resize(drawn(i), (size, size)) for i in range(8)])
    images[usable] = images[usable][:1]
    images[usable.stop - 1, 0, 0] ^= 1
    with PixelFile(tmp_path / "pixels", size) as pixels:
        pixels.write(0, images)
        comparable = np.zeros(8, bool)
        comparable[usable] = True
        found = near_groups(pixels, np.where(comparable, pixel_hashes(images), ""), comparable)
    assert np.array_equal(found == 0, comparable)  # the two are near-duplicates


def test_the_audit_tells_near_duplicates_from_equal_images() -> None:
    assert found("near_duplicates") == {"1.png": "0.png", "2.png": "0.png", "8.png": "7.png"}
    assert found("duplicates") == {"2.png": "1.png", "3.png": "0.png"}
    assert found("near_leaks") == {"4.png": "5.png", "8.png": "6.png", "9.png": "10.png"}
    assert found("leaks") == {"7.png": "6.png", "12.png": "13.png"}
    figures = audit.summarize(audit.apply(ROWS, policy(), "faces.zip"))
    assert figures["near_duplicate_groups"] == 4
    assert figures["near_copies"] == {"train": 3, "validation": 0, "test": 0}
    assert figures["near_leaks"] == {"validation_in_train": 0, "test_in_train": 1, "test_in_validation": 1}
    assert json.dumps(figures)


def test_near_duplicates_are_dropped_where_the_params_say_so() -> None:
    def dropped(**actions: str) -> dict[int, str]:
        reasons = audit.apply(ROWS, policy(**actions), "faces.zip")["dropped"]
        return {int(str(row)): reason for row, reason in reasons.items() if reason}

    assert dropped(near_leaks="drop") == {4: "near_leaks", 8: "near_leaks", 9: "near_leaks", 11: "unreadable"}
    assert dropped(near_duplicates="drop").items() >= {1: "near_duplicates", 2: "near_duplicates"}.items()


def test_near_duplicates_stay_together_where_splits_are_cut() -> None:
    rows = index(*((str(number), "train", number // 3) for number in range(300)))
    rows = rows.assign(split=None, emotion=["happy", "sad"] * 150)
    splits = assign_splits(rows, 0.2, 0.2, seed=1, together="near")
    assert len({*zip(rows["near"], splits, strict=True)}) == rows["near"].nunique()
    assert {"train", "validation", "test"} == set(splits)


def test_prepare_fer_reports_near_duplicates(stages: Repository, faces: np.ndarray) -> None:
    files = {
        f"{split}/{emotion}/{row:03}.png": encoded(faces[row])
        for row in range(60)
        for split, emotion in [(("train", "validation", "test")[row % 3], ("happy", "sad")[row % 2])]
    }
    leak = {
        "train/happy/leak.jpg": encoded(mirrored(faces[2]), ".jpg"),
        "train/sad/copy.png": encoded(darker(faces[3])),
    }
    write_files(stages.path / "faces", files | leak)
    stages.set_params({"prepare_fer": {"source": "faces"}})
    run_stage("prepare_fer")
    listed = pd.read_csv(stages.path / "reports/prepare_fer/offenders.csv", keep_default_na=False)
    assert set(listed[["origin", "problem", "equals", "dropped"]].itertuples(index=False, name=None)) == {
        ("train/happy/leak.jpg", "near_leaks", "test/happy/002.png", ""),
        ("train/sad/copy.png", "near_duplicates", "train/sad/003.png", ""),
    }
    assert "near" not in pd.read_csv(stages.path / "data/fer/index.csv")
