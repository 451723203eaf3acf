"""Class balance: goals, copies and augmented images on disk, class weights, and the stage that makes them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers.repository import Repository
from helpers.stages import run_stage

from mien._io.errors import InputError
from mien.config import Augmentation
from mien.data import balance
from mien.data.arrays import Images
from mien.data.balance import class_targets, class_weights, oversample, training_priors

TURN = Augmentation(
    flip=True, rotation=10.0, shift=0.0, zoom=0.0, brightness=0.0, contrast=0.0, cutout=0.0, interpolation="cubic"
)
COUNTS = {"happy": 40, "disgust": 3, "sad": 25}


def data_set(counts: dict[str, int]) -> Images:
    classes = list(counts)
    labels = np.repeat(np.arange(len(classes)), list(counts.values())).astype(np.uint8)
    np.random.default_rng(1).shuffle(labels)
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), 48, 48), dtype=np.uint8)
    return Images(pixels, labels, classes)


def test_goals_follow_the_largest_class_or_a_target_and_never_take_images_away() -> None:
    assert class_targets(COUNTS, 0.5, {}) == {"happy": 40, "disgust": 20, "sad": 25}
    assert class_targets(COUNTS, 1.0, {"disgust": 7, "happy": 50}) == {"happy": 50, "disgust": 7, "sad": 40}
    assert class_targets(COUNTS, 0.0, {"sad": 2}) == COUNTS
    assert class_targets({"happy": 100, "sad": 1}, 0.07, {})["sad"] == 7
    with pytest.raises(InputError, match="target: found 'fear', expected one of happy, disgust, sad"):
        class_targets(COUNTS, 0.5, {"fear": 10})


@pytest.mark.parametrize("augmentation", [None, TURN])
def test_oversampling_raises_rare_classes_and_keeps_the_rest(
    augmentation: Augmentation | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balance, "_CHUNK", 16)
    images = data_set(COUNTS)
    raised = oversample(
        images, class_targets(COUNTS, 0.5, {}), augmentation, np.random.default_rng(1), tmp_path, "train"
    )
    assert raised.counts() == {"happy": 40, "disgust": 20, "sad": 25}
    assert np.array_equal(raised.pixels[:68], images.pixels)
    assert np.array_equal(raised.labels[:68], images.labels)
    known = {image.tobytes() for image in images.pixels[images.labels == 1]}
    copies = sum(image.tobytes() in known for image in raised.pixels[68:])
    assert copies == 17 if augmentation is None else copies < 17


def test_additions_repeat_an_image_as_rarely_as_can_be_and_keep_what_it_has(tmp_path: Path) -> None:
    images = data_set({"happy": 10, "sad": 4})
    votes = np.random.default_rng(2).dirichlet([1, 1], 14).astype(np.float32)
    voted = Images(images.pixels, images.labels, images.classes, votes, extra=np.arange(14) % 2 == 1)
    raised = oversample(voted, {"happy": 10, "sad": 10}, None, np.random.default_rng(1), tmp_path, "train")
    made_of = [[np.array_equal(image, other) for other in images.pixels].index(True) for image in raised.pixels]
    times = np.bincount(made_of)[images.labels == 1]
    assert sorted(times) == [2, 2, 3, 3]
    assert raised.votes is not None
    assert raised.extra is not None
    assert np.array_equal(raised.votes, votes[made_of])
    assert np.array_equal(raised.extra, np.array(made_of) % 2 == 1)


def test_what_is_written_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / folder).mkdir()
        every = dict.fromkeys(COUNTS, 40)
        oversample(data_set(COUNTS), every, TURN, np.random.default_rng(seed), tmp_path / folder, "train")
    pixels = [(tmp_path / folder / "train_images.npy").read_bytes() for folder in "abc"]
    assert pixels[0] == pixels[1] != pixels[2]


def test_weights_make_all_classes_count_alike() -> None:
    images = data_set(COUNTS)
    weights = class_weights(images.labels, images.classes)
    totals = [weights[name] * count for name, count in COUNTS.items()]
    assert totals == pytest.approx([68 / 3] * 3, abs=1e-3)


@pytest.fixture
def prepared(stages: Repository) -> Repository:
    """A workspace with training images as prepare_fer leaves them."""
    folder = stages.path / "data/fer"
    folder.mkdir(parents=True)
    data_set(COUNTS).save(folder, "train")
    return stages


def test_the_stage_weighs_classes_in_place_of_new_images(prepared: Repository) -> None:
    prepared.set_params({"oversample_augment": {"method": "weights"}})
    run_stage("oversample_augment")
    balanced = Images.load(prepared.path / "data/balanced", "train")
    assert np.array_equal(balanced.pixels, data_set(COUNTS).pixels)
    weights = json.loads((prepared.path / "data/balanced/class_weights.json").read_text())
    assert weights == class_weights(balanced.labels, balanced.classes)


def test_the_stage_raises_classes_and_shows_it(prepared: Repository) -> None:
    prepared.set_params({"oversample_augment": {"method": "augment", "ratio": 0.5, "target": {"disgust": 30}}})
    run_stage("oversample_augment")
    report = prepared.path / "reports/oversample_augment"
    table = pd.read_csv(report / "balance.csv", index_col="emotion")
    assert table.to_dict() == {"before": COUNTS, "after": COUNTS | {"disgust": 30}}
    assert {path.name for path in report.iterdir()} == {"balance.csv", "balance.png", "metrics.json", "views.png"}
    weights = json.loads((prepared.path / "data/balanced/class_weights.json").read_text())
    assert weights == dict.fromkeys(COUNTS, 1.0)


def test_the_stage_names_a_target_that_is_no_class(prepared: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    prepared.set_params({"oversample_augment": {"target": {"fear": 30}}})
    with pytest.raises(SystemExit, match="2"):
        run_stage("oversample_augment")
    assert "oversample_augment: target: found 'fear'" in capfd.readouterr().err
    assert not (prepared.path / "data/balanced").exists()


def test_the_stage_takes_in_further_faces_and_says_how_many(
    prepared: Repository, capfd: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"hash": ["a"]}).to_csv(prepared.path / "data/fer/index.csv", index=False)
    (prepared.path / "more").mkdir()
    for number, face in enumerate(data_set({"happy": 10, "sad": 10}).pixels):
        folder = prepared.path / "more" / ("happy" if number % 2 else "sad")
        folder.mkdir(exist_ok=True)
        assert cv2.imwrite(str(folder / f"{number}.png"), face)
    extra = {"source": "more", "detector": "none", "face": "largest", "person": "(.*)", "test_share": 0.2, "ratio": 0.0}
    prepared.set_params({"oversample_augment": {"method": "none", "extra": extra}})
    run_stage("oversample_augment")
    note = "note: more: 16 faces are added to train, 4 are held out; they are of 16 and 4 people"
    assert note in capfd.readouterr().err
    assert len(Images.load(prepared.path / "data/balanced", "train").labels) == 68 + 16
    assert len(Images.load(prepared.path / "data/balanced", "extra_test").labels) == 4


def test_training_priors_count_targets_by_their_weight() -> None:
    targets = np.array([[1, 0], [1, 0], [0.5, 0.5], [0, 1]], np.float32)
    assert training_priors(targets, np.ones(2, np.float32)) == (0.625, 0.375)
    # the weight of the third row is the mean of both, 2: rows weigh 1, 1, 2, 3
    assert training_priors(targets, np.array([1, 3], np.float32)) == pytest.approx((3 / 7, 4 / 7), abs=1e-6)
