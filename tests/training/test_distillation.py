"""Distillation: the answers of a trained network as targets."""

from pathlib import Path

import numpy as np
import pytest
from helpers.networks import CLASSES, LEVELS, brightness_network

from mien._io.errors import InputError
from mien.aus.facs import AUS
from mien.config import Distillation, Variation
from mien.data.arrays import Images
from mien.emotions import FER2013
from mien.inference.face_classifier import FaceClassifier
from mien.inference.pretrained import FACE_NETWORKS
from mien.rendering import draw_face
from mien.training.distillation import taught

FACES = np.repeat(np.array(LEVELS, np.uint8), 48 * 48).reshape(3, 48, 48)
IMAGES = Images(FACES, np.full(3, 2, np.uint8), CLASSES)


def test_targets_are_shared_with_the_teachers_answers(tmp_path: Path) -> None:
    folder = str(brightness_network(tmp_path, sharpness=1000))
    targets = taught(IMAGES, Distillation(teacher=folder, share=0.75))
    assert targets == pytest.approx(np.array([[0.75, 0, 0.25], [0, 0.75, 0.25], [0, 0, 1]]), abs=1e-3)
    assert targets.dtype == np.float32


def test_the_teacher_answers_for_views_of_each_image() -> None:
    variation = Variation(identity=0.5, pose=0.5, scale=0.2, light=0.2, noise=0.2, occlusion=0.0)
    faces = np.stack([draw_face([20.0] * len(AUS), variation, np.random.default_rng(face)) for face in range(3)])
    teacher = FACE_NETWORKS["mien_small"]
    images = Images(faces, np.zeros(3, np.uint8), list(FER2013))
    targets = taught(images, Distillation(teacher=str(teacher), share=1.0))
    predictor = FaceClassifier.from_pretrained(teacher)
    assert targets == pytest.approx(predictor.predict_proba(faces, tta=True), abs=1e-6)
    assert np.abs(targets - predictor.predict_proba(faces)).max() > 0.01


def test_without_a_share_nobody_teaches() -> None:
    targets = taught(IMAGES, Distillation(teacher="nowhere", share=0.0))
    assert np.array_equal(targets, IMAGES.targets())


def test_a_teacher_of_other_classes_is_refused(tmp_path: Path) -> None:
    folder = str(brightness_network(tmp_path))
    other = Images(FACES, IMAGES.labels, CLASSES[::-1])
    with pytest.raises(InputError, match=r"teacher: found classes \['angry', .* expected \['sad', 'happy', 'angry'\]"):
        taught(other, Distillation(teacher=folder, share=0.5))
