"""Inputs of a training are opened once, mapped from disk, and checked against each other."""

from pathlib import Path

import numpy as np
import pytest
from helpers.networks import CLASSES, brightness_network

from mien._io.errors import InputError
from mien.config import TrainCnn, load_params
from mien.data.arrays import Images
from mien.training.inputs import Inputs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of training and of validation images, as the pipeline writes them."""
    train, validation = tmp_path / "train", tmp_path / "validation"
    for folder in (train, validation):
        folder.mkdir()
        Images(np.zeros((6, 48, 48), np.uint8), np.arange(6, dtype=np.uint8) % 3, CLASSES).save(folder, folder.name)
    (train / "class_weights.json").write_text('{"sad": 3.0, "angry": 1.0, "happy": 2.0}')
    return train, validation


def config(**distillation: object) -> TrainCnn:
    section = load_params(ROOT / "params.yaml").train_cnn
    return section.model_copy(update={"distillation": section.distillation.model_copy(update=distillation)})


def test_images_are_mapped_and_weights_in_the_order_of_the_classes(folders: tuple[Path, Path]) -> None:
    inputs = Inputs.load(*folders, config())
    assert inputs.folders == folders
    assert isinstance(inputs.train.pixels, np.memmap)
    assert isinstance(inputs.validation.pixels, np.memmap)
    assert list(inputs.class_weights) == [1, 2, 3]
    assert inputs.teacher is None


def test_the_teacher_is_loaded_with_the_inputs(folders: tuple[Path, Path], tmp_path: Path) -> None:
    teacher = brightness_network(tmp_path / "teacher")
    loaded = Inputs.load(*folders, config(teacher=str(teacher), share=0.5)).teacher
    assert loaded is not None
    assert [network.classes_ for network in loaded.networks] == [CLASSES]
    with pytest.raises(InputError, match=r"^train_cnn\.distillation\.teacher: .*nowhere"):
        Inputs.load(*folders, config(teacher="nowhere", share=0.5))
