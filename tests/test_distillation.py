"""Distillation: the answers of a trained network as targets."""

from pathlib import Path

import numpy as np
import pytest
from networks import CLASSES, LEVELS, brightness_network

from mien.distillation import Distillation, taught_by
from mien.errors import InputError

FACES = np.repeat(np.uint8(LEVELS), 48 * 48).reshape(3, 48, 48)
TARGETS = np.tile(np.float32([0, 0, 1]), (3, 1))


def test_targets_are_shared_with_the_teachers_answers(tmp_path: Path) -> None:
    folder = str(brightness_network(tmp_path, sharpness=1000))
    taught = taught_by(Distillation(teacher=folder, share=0.75), CLASSES, 48)(FACES, TARGETS)
    assert taught == pytest.approx(0.25 * TARGETS + 0.75 * np.eye(3), abs=1e-3)
    assert taught.dtype == np.float32


def test_without_a_share_nobody_teaches() -> None:
    taught = taught_by(Distillation(teacher="nowhere", share=0.0), CLASSES, 48)
    assert taught(FACES, TARGETS) is TARGETS


@pytest.mark.parametrize(("classes", "size"), [(CLASSES[::-1], 48), (CLASSES, 64)])
def test_a_teacher_of_something_else_is_refused(tmp_path: Path, classes: list[str], size: int) -> None:
    folder = str(brightness_network(tmp_path))
    with pytest.raises(InputError, match=rf"teacher: .*\(48, 48\).*angry, happy, sad; expected .*\({size}, {size}\)"):
        taught_by(Distillation(teacher=folder, share=0.5), classes, size)
