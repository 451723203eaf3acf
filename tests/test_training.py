"""Training learns, stops, repeats bit for bit, and says when it diverges."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien.engine import keras
from mien.errors import InputError
from mien.faces import Variation, draw_face
from mien.facs import AUS
from mien.models.au_dense import au_dense
from mien.models.registry import NETWORKS, build
from mien.models.stored import load_best
from mien.training import Batches, fit, focal_loss, seed_everything, smoothed_loss

CLASSES = ["happy", "sad", "fear"]
RNG = np.random.default_rng(0)
LABELS = np.arange(300) % 3
INPUTS = (RNG.normal(20, 10, (300, 4)) + 60 * np.eye(3, 4)[LABELS]).astype(np.float32)


def train(folder: Path, epochs: int = 6, patience: int = 6, learning_rate: float = 0.01) -> pd.DataFrame:
    seed_everything(1)
    return fit(
        au_dense(4, 3, [16], 0.1),
        focal_loss(2.0),
        Batches(INPUTS, LABELS, 3, 32, seed=1),
        (INPUTS, LABELS),
        CLASSES,
        folder,
        epochs=epochs,
        patience=patience,
        learning_rate=learning_rate,
        on_epoch=lambda _: None,
    )


def test_an_epoch_shows_each_case_once_with_its_label_and_the_next_in_another_order() -> None:
    cases = np.arange(100)
    batches = Batches(cases, cases % 3, 3, batch_size=32, seed=7)
    first = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert all((batches[i][1].argmax(axis=1) == batches[i][0] % 3).all() for i in range(len(batches)))
    batches.on_epoch_begin()
    second = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert sorted(first) == sorted(second) == list(cases)
    assert not np.array_equal(first, second)


def test_a_batch_is_augmented_the_same_way_each_time_it_is_asked_for() -> None:
    batches = Batches(
        np.zeros((64, 2)), np.zeros(64, int), 3, 32, seed=7, augment=lambda x, rng: x + rng.random(x.shape)
    )
    assert np.array_equal(batches[1][0], batches[1][0])
    assert not np.array_equal(batches[0][0], batches[1][0])


def test_training_learns_and_keeps_its_best_model(tmp_path: Path) -> None:
    history = train(tmp_path)
    assert list(history["epoch"]) == [1, 2, 3, 4, 5, 6]
    model, classes = load_best(tmp_path)
    assert classes == CLASSES
    accuracy = (model.predict(INPUTS, verbose=0).argmax(axis=1) == LABELS).mean()
    assert accuracy == pytest.approx(history["val_accuracy"].max(), abs=1e-4)
    assert accuracy > 0.9


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        train(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["best.keras", "classes.json", "last.keras"]
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    history = train(tmp_path, epochs=50, patience=2)
    best = history["val_accuracy"].argmax() + 1
    assert len(history) == best + 2


def test_a_diverging_loss_stops_the_training_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower learning_rate"):
        train(tmp_path, learning_rate=1e30)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_learns_faces(network: str, tmp_path: Path) -> None:
    seed_everything(0)
    labels = np.arange(200) % 2
    strong = ((6, 12), (2, 5, 26))  # happy, surprise
    variation = Variation(identity=0.2, pose=0.2, scale=0.2, light=0.2, noise=0.2, occlusion=0.0)
    intensities = [[100.0 * (au in strong[label]) for au in AUS] for label in labels]
    faces = np.stack([draw_face(row, variation, RNG) for row in intensities])
    fit(
        build(network, size=48, classes=2),
        smoothed_loss(0.1),
        Batches(faces[:160], labels[:160], 2, 16, seed=0),
        (faces[160:], labels[160:]),
        ["happy", "surprise"],
        tmp_path,
        epochs=6,
        patience=6,
        learning_rate=0.001,
        on_epoch=lambda _: None,
    )
    model, _ = load_best(tmp_path)
    assert (model.predict(faces[160:], verbose=0).argmax(axis=1) == labels[160:]).mean() > 0.9


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_takes_raw_pixels_and_gives_probabilities(network: str) -> None:
    seed_everything(0)
    model = build(network, size=48, classes=7)
    images = RNG.integers(0, 256, (2, 48, 48), dtype=np.uint8)
    probabilities = model(images).numpy()
    assert probabilities.shape == (2, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(probabilities[0], probabilities[1])


@pytest.mark.parametrize("damage", ["missing", "truncated", "classes"])
def test_a_damaged_model_is_refused(tmp_path: Path, damage: str) -> None:
    train(tmp_path, epochs=1)
    path = tmp_path / "best.keras"
    match damage:
        case "missing":
            path.unlink()
        case "truncated":
            path.write_bytes(path.read_bytes()[:1000])
        case "classes":
            (tmp_path / "classes.json").write_text('["happy", "sad"]')
    with pytest.raises(InputError, match=str(tmp_path)):
        load_best(tmp_path)


def test_a_model_that_holds_code_is_refused(tmp_path: Path) -> None:
    train(tmp_path, epochs=1)
    inputs = keras.Input((4,))
    hostile = keras.Model(inputs, keras.layers.Lambda(lambda x: x[:, :3])(inputs))
    hostile.save(tmp_path / "best.keras")
    with pytest.raises(InputError, match=r"best\.keras"):
        load_best(tmp_path)
