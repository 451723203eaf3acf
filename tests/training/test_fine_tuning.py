"""Fine-tuning leaves a pretrained backbone alone at first, and then trains all of the network."""

from pathlib import Path

import numpy as np
from helpers.faces import happy_and_surprised_faces
from helpers.training import CONFIG

from mien.config import Transfer
from mien.models.keras_backend import keras
from mien.models.registry import build
from mien.training.batches import Batches
from mien.training.fine_tuning import fit_in_phases
from mien.training.trainer import TrainingJob, seed_everything, smoothed_loss


def test_a_frozen_backbone_learns_nothing_until_it_is_tuned(tmp_path: Path) -> None:
    images, targets = happy_and_surprised_faces(32)
    seed_everything(0)
    model = build("efficientnet_b0", 48, 2, Transfer(weights="none", input_size=32, frozen_epochs=0))
    kernels = [weight for weight in model.get_layer("backbone").trainable_weights if weight.name == "kernel"]
    moved = []
    before = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]

    def compare(_: dict[str, float]) -> None:
        now = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]
        moved.append(not all(np.array_equal(a, b) for a, b in zip(before, now, strict=True)))

    job = TrainingJob(
        model=model,
        loss=smoothed_loss(0.1),
        train=Batches(images, targets, 16, seed=0),
        validation=(images, targets),
        classes=["happy", "surprise"],
        config=CONFIG.model_copy(update={"epochs": 3, "batch_size": 16, "learning_rate": 0.001}),
        folder=tmp_path,
        checkpoints=tmp_path / "checkpoints",
        on_epoch=compare,
    )
    history = fit_in_phases(job, frozen_epochs=2)
    assert moved == [False, False, True]
    assert list(history["epoch"]) == [1, 2, 3]
