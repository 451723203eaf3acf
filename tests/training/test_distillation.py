"""Distillation: the answers of teachers as targets of a student."""

import shutil
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from helpers.networks import CLASSES, LEVELS, brightness_network

from mien._io.errors import InputError
from mien.aus.facs import AUS
from mien.config import Distillation, TeacherName, Variation
from mien.data.arrays import Images
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import FACE_NETWORKS
from mien.rendering import draw_face
from mien.training.distillation import Teacher, distillation_targets, teacher_shares

FACES = np.repeat(np.array(LEVELS, np.uint8), 48 * 48).reshape(3, 48, 48)
IMAGES = Images(FACES, np.full(3, 2, np.uint8), CLASSES)


def distillation(teacher: object, **changes: Any) -> Distillation:
    start = Distillation(teacher=str(teacher), ensemble=[], precision="fp32", share=0.5, views=0, extra=True)
    return start.model_copy(update=changes)


def shares(images: Images, share: float, **changes: Any) -> np.ndarray:
    return teacher_shares(images, distillation("any", share=share, **changes))


def load(teacher: object, classes: list[str] = CLASSES, **changes: Any) -> Teacher:
    loaded = Teacher.load(distillation(teacher, **changes), classes, 48)
    assert loaded
    return loaded


def drawn_faces() -> np.ndarray:
    variation = Variation(identity=0.5, pose=0.5, scale=0.2, light=0.2, noise=0.2, occlusion=0.0)
    return np.stack([draw_face([20.0] * len(AUS), variation, np.random.default_rng(face)) for face in range(3)])


def test_targets_are_shared_with_the_teachers_answers(tmp_path: Path) -> None:
    teacher = load(brightness_network(tmp_path, sharpness=1000))
    targets = distillation_targets(IMAGES, teacher, shares(IMAGES, 0.75))
    assert targets == pytest.approx(np.array([[0.75, 0, 0.25], [0, 0.75, 0.25], [0, 0, 1]]), abs=1e-3)
    assert targets.dtype == np.float32


def test_further_faces_may_keep_their_labels(tmp_path: Path) -> None:
    teacher = load(brightness_network(tmp_path, sharpness=1000))
    images = Images(FACES, IMAGES.labels, CLASSES, extra=np.array([False, True, False]))
    targets = distillation_targets(images, teacher, shares(images, 0.75, extra=False))
    assert targets == pytest.approx(np.array([[0.75, 0, 0.25], [0, 0, 1], [0, 0, 1]]), abs=1e-3)
    assert np.array_equal(shares(images, 0.75, extra=True), np.full((3, 1), 0.75, np.float32))


def test_the_teacher_answers_with_test_time_augmentation() -> None:
    faces, small = drawn_faces(), FaceClassifier.from_pretrained("mien_small")
    teacher = load(FACE_NETWORKS["mien_small"], small.classes_)
    images = Images(faces, np.zeros(3, np.uint8), small.classes_)
    targets = distillation_targets(images, teacher, shares(images, 1.0))
    assert np.array_equal(targets, small.predict_proba(faces, tta="ten"))
    assert np.abs(targets - small.predict_proba(faces)).max() > 0.01


def test_several_teachers_give_the_mean_of_their_answers(tmp_path: Path) -> None:
    faces, classes = drawn_faces(), FaceClassifier.from_pretrained("mien_small").classes_
    paths = [FACE_NETWORKS["mien_small"], FACE_NETWORKS["mien"]]
    answers = np.mean([FaceClassifier.from_pretrained(path).predict_proba(faces) for path in paths], axis=0)
    assert load(paths[0], classes, ensemble=["mien"]).answer(faces, "none") == pytest.approx(answers, abs=1e-6)
    for path in paths:
        shutil.copy(path, tmp_path)
        shutil.copy(path.with_name(f"{path.stem}_int8.onnx"), tmp_path)  # which do not count twice
    assert load(tmp_path, classes).answer(faces, "none") == pytest.approx(answers, abs=1e-6)


def test_teachers_may_answer_in_8_bit_integers(tmp_path: Path) -> None:
    path = FACE_NETWORKS["mien_small"]
    classes = FaceClassifier.from_pretrained(path).classes_
    (network,) = load(path, classes, precision="int8").networks
    assert network.path.name == "mien_small_int8.onnx"
    shutil.copy(path, tmp_path)
    with pytest.raises(InputError, match=r"^train_cnn\.distillation\.teacher: precision: found int8, but there is no"):
        load(tmp_path, classes, precision="int8")


def test_the_digest_of_a_teacher_is_that_of_its_files(tmp_path: Path) -> None:
    one, same, other = (brightness_network(tmp_path / name, sharpness=len(name)) for name in ("one", "two", "three"))
    digests = [load(folder).digest() for folder in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]


def test_without_a_share_there_is_no_teacher() -> None:
    teacher = Teacher.load(distillation("nowhere", share=0.0), CLASSES, 48)
    assert teacher is None
    assert np.array_equal(distillation_targets(IMAGES, teacher, shares(IMAGES, 0.0)), IMAGES.targets())


def test_teachers_of_other_classes_or_sizes_are_refused(tmp_path: Path) -> None:
    folder = brightness_network(tmp_path)
    with pytest.raises(InputError, match=r"teacher: found classes \['angry', .* expected \['sad', 'happy', 'angry'\]"):
        load(folder, CLASSES[::-1])
    with pytest.raises(InputError, match=r"^train_cnn\.distillation\.ensemble: found classes .* in mien, expected \["):
        load(folder, ensemble=["mien"])
    small = brightness_network(tmp_path / "small", size=16)
    with pytest.raises(InputError, match=r"^train_cnn\.distillation\.teacher: found .* size 16 in .*, expected 48"):
        load(small)


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^train_cnn\.distillation\.teacher: found no ONNX file in {tmp_path}"):
        load(tmp_path)


def test_teachers_are_named_as_the_pretrained_networks_are() -> None:
    assert set(get_args(TeacherName)) == set(FACE_NETWORKS)
