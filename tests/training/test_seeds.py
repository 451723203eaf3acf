"""Trainings of one data set with several seeds."""

from pathlib import Path

import numpy as np
from helpers.networks import CLASSES
from helpers.training import contents

from mien.config import load_params
from mien.data.arrays import Images
from mien.training import cnn
from mien.training.inputs import Inputs

ROOT = Path(__file__).parents[2]
PIXELS = np.random.default_rng(3).integers(0, 256, (48, 16, 16), np.uint8)
IMAGES = Images(PIXELS, (np.arange(len(PIXELS)) % 3).astype(np.uint8), CLASSES)


def trained(folder: Path, seed: int, offset: int) -> dict[str, bytes]:
    """Train a small network for one epoch, and return the bytes of its files. offset: train_cnn.seed_offset."""
    params = load_params(ROOT / "params.yaml")
    changes = {"network": "small_cnn", "epochs": 1, "batch_size": 16, "seed_offset": offset}
    sections = {
        "base": params.base.model_copy(update={"seed": seed}),
        "train_cnn": params.train_cnn.model_copy(update=changes),
    }
    folder.mkdir()
    cnn.train(
        Inputs((folder, folder), IMAGES, IMAGES, np.ones(3, np.float32), None),
        params.model_copy(update=sections),
        folder,
        checkpoints=folder.with_suffix(".checkpoints"),
        on_epoch=lambda _: None,
    )
    return contents(folder)


def test_a_seed_offset_trains_another_network_and_counts_as_a_seed(tmp_path: Path) -> None:
    usual = trained(tmp_path / "usual", seed=20, offset=0)
    other = trained(tmp_path / "other", seed=20, offset=1)
    assert other == trained(tmp_path / "same", seed=21, offset=0)
    assert other != usual


def test_the_largest_seeds_add_up_to_a_seed(tmp_path: Path) -> None:
    last = 2**32 - 1
    assert trained(tmp_path / "largest", seed=last, offset=21) == trained(tmp_path / "same", seed=20, offset=0)
