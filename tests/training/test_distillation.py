"""Distillation: the answers of a teacher as targets of a student."""

from pathlib import Path

import numpy as np
import pytest
from helpers.networks import CLASSES, LEVELS, brightness_network

from mien._io.errors import InputError
from mien.aus.facs import AUS
from mien.config import Distillation, Variation
from mien.data.arrays import Images
from mien.inference.face_classifier import FaceClassifier
from mien.rendering import draw_face
from mien.training.distillation import distillation_targets, load_teacher

FACES = np.repeat(np.array(LEVELS, np.uint8), 48 * 48).reshape(3, 48, 48)
IMAGES = Images(FACES, np.full(3, 2, np.uint8), CLASSES)


def test_targets_are_shared_with_the_teachers_answers(tmp_path: Path) -> None:
    teacher = FaceClassifier.from_pretrained(brightness_network(tmp_path, sharpness=1000))
    targets = distillation_targets(IMAGES, teacher, 0.75)
    assert targets == pytest.approx(np.array([[0.75, 0, 0.25], [0, 0.75, 0.25], [0, 0, 1]]), abs=1e-3)
    assert targets.dtype == np.float32


def test_the_teacher_answers_with_test_time_augmentation() -> None:
    variation = Variation(identity=0.5, pose=0.5, scale=0.2, light=0.2, noise=0.2, occlusion=0.0)
    faces = np.stack([draw_face([20.0] * len(AUS), variation, np.random.default_rng(face)) for face in range(3)])
    teacher = FaceClassifier.from_pretrained("mien_small")
    targets = distillation_targets(Images(faces, np.zeros(3, np.uint8), teacher.classes_), teacher, 1.0)
    assert targets == pytest.approx(teacher.predict_proba(faces, tta="ten"), abs=1e-6)
    assert np.abs(targets - teacher.predict_proba(faces)).max() > 0.01


def test_without_a_share_there_is_no_teacher() -> None:
    teacher = load_teacher(Distillation(teacher="nowhere", share=0.0), CLASSES)
    assert teacher is None
    assert np.array_equal(distillation_targets(IMAGES, teacher, 0.0), IMAGES.targets())


def test_a_teacher_of_other_classes_is_refused(tmp_path: Path) -> None:
    folder = str(brightness_network(tmp_path))
    with pytest.raises(InputError, match=r"teacher: found classes \['angry', .* expected \['sad', 'happy', 'angry'\]"):
        load_teacher(Distillation(teacher=folder, share=0.5), CLASSES[::-1])
