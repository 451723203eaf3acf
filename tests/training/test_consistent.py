"""Consistent teaching: the teacher answers for the pixels that the student sees, and for each of them once."""

from pathlib import Path

import numpy as np
import pytest
from helpers.networks import CLASSES, brightness_network, linear_network
from helpers.training import contents

from mien.config import Augmentation, Distillation, Mixup, Params, load_params
from mien.data.arrays import Images
from mien.data.mixup import mixup
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.tta import Tta
from mien.training import cnn
from mien.training.consistent import ConsistentBatches, Views, view_answers
from mien.training.distillation import Teacher
from mien.training.inputs import Inputs

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(0)
COUNT, SIZE, VIEWS = 40, 16, 3
EVERYTHING = np.arange(COUNT)
PIXELS = RNG.integers(0, 256, (COUNT, SIZE, SIZE), dtype=np.uint8)
CHANGES = Augmentation(
    flip=True, rotation=20.0, shift=0.1, zoom=0.1, brightness=30.0, contrast=0.2, cutout=0.3, interpolation="cubic"
)


@pytest.fixture
def teacher(tmp_path: Path) -> Teacher:
    """A network whose answers depend on where each bright pixel is."""
    folder = linear_network(tmp_path / "teacher", RNG.normal(0, 0.4, (SIZE**2, 3)), np.zeros(3))
    return Teacher((FaceClassifier.from_pretrained(folder),))


def views(seed: int = 7, mirror: bool = True) -> Views:
    return Views(PIXELS, CHANGES.model_copy(update={"flip": mirror}), VIEWS, seed)


def test_a_view_is_the_same_for_the_same_seed_whichever_images_are_asked_for() -> None:
    first, second = (views().take(view, EVERYTHING) for view in (0, 1))
    rows = np.array([30, 2, 2, 17])
    assert np.array_equal(views().take(0, rows), first[rows])
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, views(seed=8).take(0, EVERYTHING))


@pytest.mark.parametrize("mirror", [False, True])
def test_each_image_of_a_batch_has_the_teachers_answer_for_these_very_pixels(
    tmp_path: Path, teacher: Teacher, mirror: bool
) -> None:
    answers = view_answers(teacher, views(), EVERYTHING, tmp_path / "answers")
    assert answers.shape == (COUNT, VIEWS, 3)
    assert answers.dtype == np.float32
    batches = ConsistentBatches(views(mirror=mirror), answers, 16, 7)
    seen = []
    for epoch in range(1, 2 * VIEWS + 1):
        batches.set_epoch(epoch)
        for number in range(len(batches)):
            images, targets = batches[number]
            assert targets == pytest.approx(teacher.answer(images, tta="mirror"), abs=1e-6)
            assert np.array_equal(batches[number][0], images)
            seen += [image.tobytes() for image in images]
    kinds = len(set(seen))
    assert kinds == VIEWS * COUNT if not mirror else VIEWS * COUNT < kinds < 2 * VIEWS * COUNT
    plain = teacher.answer(PIXELS, tta="mirror")
    assert np.abs(answers - plain[:, None]).max() > 0.1  # so that answers for other pixels would be seen


def test_a_degraded_view_has_the_answer_for_the_view_before(tmp_path: Path, teacher: Teacher) -> None:
    degraded = Views(PIXELS, CHANGES.model_copy(update={"degraded": 0.5}), VIEWS, 7)
    is_equal = (degraded.take(0, EVERYTHING) == views().take(0, EVERYTHING)).all(axis=(1, 2))
    assert 0 < is_equal.sum() < COUNT
    plain, noisy = (
        view_answers(teacher, kind, EVERYTHING, tmp_path / name) for name, kind in (("a", views()), ("b", degraded))
    )
    assert np.array_equal(plain, noisy)


def test_blended_images_have_the_blend_of_the_answers() -> None:
    levels = np.array([0, 200] * 8, np.uint8)
    plain = np.broadcast_to(levels[:, None, None], (16, SIZE, SIZE))
    nothing = CHANGES.model_copy(update=dict.fromkeys(("brightness", "contrast", "cutout"), 0.0))
    targets = np.repeat(np.eye(2, dtype=np.float32)[levels // 200][:, None], VIEWS, axis=1)
    batches = ConsistentBatches(
        Views(plain, nothing, VIEWS, 7),
        targets,
        16,
        7,
        lambda x, y, rng: mixup(x, y, Mixup(share=1.0, alpha=1.0), rng),
    )
    images, blended = batches[0]
    assert blended[:, 1] == pytest.approx(images.mean(axis=(1, 2)) / 200, abs=1 / 200)
    assert ((blended > 0.1) & (blended < 0.9)).any()


def test_a_killed_teacher_goes_on_and_answers_nothing_twice(
    tmp_path: Path, teacher: Teacher, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = view_answers(teacher, views(), EVERYTHING, tmp_path / "whole")
    answer, asked = Teacher.answer, []

    def killed_in_the_third(self: Teacher, images: np.ndarray, tta: Tta) -> np.ndarray:
        asked.append(len(images))
        if len(asked) == VIEWS:
            raise KeyboardInterrupt
        return answer(self, images, tta)

    monkeypatch.setattr(Teacher, "answer", killed_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        view_answers(teacher, views(), EVERYTHING, tmp_path / "killed")
    for _ in range(2):
        assert np.array_equal(view_answers(teacher, views(), EVERYTHING, tmp_path / "killed"), whole)
    assert len(asked) == VIEWS + 1

    stored = max((tmp_path / "killed").glob("*/answers.npy"))
    stored.write_bytes(stored.read_bytes()[:-4] + b"\0\0\0\1")
    assert np.array_equal(view_answers(teacher, views(), EVERYTHING, tmp_path / "killed"), whole)
    assert f"The teacher answers anew: {stored}: found SHA-256" in capsys.readouterr().err
    assert not np.array_equal(view_answers(teacher, views(seed=8), EVERYTHING, tmp_path / "killed"), whole)
    rows = np.array([3, 30])
    assert view_answers(teacher, views(), rows, tmp_path / "killed") == pytest.approx(whole[rows], abs=1e-6)


def distil(folder: Path, *, stop_after: int = 0, views: int = VIEWS) -> None:
    """Train a small network for four epochs into FOLDER/model, by what a brightness network answers."""
    labels = (np.arange(COUNT) % 3).astype(np.uint8)
    images = Images(PIXELS, labels, CLASSES)
    distillation = Distillation(
        teacher=str(brightness_network(folder.parent / "teacher", size=SIZE)),
        ensemble=[],
        precision="fp32",
        share=0.5,
        views=views,
        extra=True,
    )
    base = load_params(ROOT / "params.yaml")
    changes = {"network": "small_cnn", "epochs": 4, "batch_size": 16, "distillation": distillation}
    changes |= {"augmentation": CHANGES, "mixup": Mixup(share=0.5, alpha=0.4)}
    params: Params = base.model_copy(update={"train_cnn": base.train_cnn.model_copy(update=changes)})
    teacher = Teacher.load(distillation, CLASSES, SIZE)
    (folder / "model").mkdir(parents=True, exist_ok=True)

    def stop(row: dict[str, float]) -> None:
        if row["epoch"] == stop_after:
            raise KeyboardInterrupt

    inputs = Inputs((folder, folder), images, images, np.ones(3, np.float32), teacher)
    cnn.train(inputs, params, folder / "model", checkpoints=folder / "checkpoints", on_epoch=stop)


def test_a_taught_network_resumes_without_its_teacher_and_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    distil(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        distil(tmp_path / "stopped", stop_after=2)
    monkeypatch.setattr(Teacher, "answer", lambda *_: pytest.fail("the teacher was asked again"))
    capsys.readouterr()
    distil(tmp_path / "stopped")
    assert "Resuming after epoch 2" in capsys.readouterr().err
    assert contents(tmp_path / "stopped/model") == contents(tmp_path / "whole/model")


def test_more_views_than_epochs_are_not_asked_for(tmp_path: Path) -> None:
    distil(tmp_path / "many", views=100)
    assert len(list((tmp_path / "many/checkpoints/teacher").iterdir())) == 4
