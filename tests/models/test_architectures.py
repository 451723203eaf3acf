"""Every architecture takes raw pixels and gives probabilities; those of one's own learn faces; two stay small."""

from pathlib import Path

import numpy as np
import pytest
from helpers.faces import happy_and_surprised_faces
from helpers.training import CONFIG

from mien.config import Transfer
from mien.emotions import FER2013
from mien.models.complexity import layer_complexity
from mien.models.export import export_onnx
from mien.models.keras_backend import keras
from mien.models.metadata import Metadata
from mien.models.registry import NETWORKS, build
from mien.models.serialization import load_best
from mien.training.batches import Batches
from mien.training.trainer import TrainingJob, fit, seed_everything, smoothed_loss

NO_WEIGHTS = Transfer.from_weights(input_size=32)
#: Multiply-adds of the architectures whose networks come with mien, in millions, at most.
MAX_MEGA_MACS = {"mien": 150, "mien_small": 30}


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, np.ndarray]:
    return happy_and_surprised_faces(200)


@pytest.mark.parametrize("network", ["mien", "mien_small", "three_block", "four_conv", "small_cnn"])
def test_a_network_learns_faces(network: str, faces: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    images, targets = faces
    seed_everything(0)
    job = TrainingJob(
        model=build(network, 48, 2, NO_WEIGHTS),
        loss=smoothed_loss(0.1),
        train=Batches(images[:160], targets[:160], 16, seed=0),
        validation=(images[160:], targets[160:]),
        classes=["happy", "surprise"],
        config=CONFIG.model_copy(update={"batch_size": 16, "learning_rate": 0.001}),
        folder=tmp_path,
        checkpoints=tmp_path / "checkpoints",
    )
    fit(job)
    model, _ = load_best(tmp_path)
    right = model.predict(images[160:], verbose=0).argmax(axis=1) == targets[160:].argmax(axis=1)
    assert right.mean() > 0.9


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_takes_raw_pixels_and_gives_probabilities(network: str, tmp_path: Path) -> None:
    seed_everything(0)
    model = build(network, 48, 7, NO_WEIGHTS)
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48), dtype=np.uint8)
    probabilities = keras.ops.convert_to_numpy(model(images))
    assert probabilities.shape == (2, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    tolerance = 0 if network == "efficientnet_b0" else 1e-5  # before training, its batch norm lets little through
    assert not np.allclose(probabilities[0], probabilities[1], rtol=tolerance)
    export_onnx(model, tmp_path / "best.onnx", Metadata.of_faces(FER2013, 48))  # which compares it with Keras
    if network in MAX_MEGA_MACS:
        assert layer_complexity(model)["macs"].sum() <= MAX_MEGA_MACS[network] * 1e6
        assert (tmp_path / "best.onnx").stat().st_size <= 10e6
