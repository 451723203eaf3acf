"""Muon steps orthogonally along the kernels of convolutions and hidden layers, and leaves the rest to Adam."""

import numpy as np
import pytest

from mien.models.keras_backend import keras
from mien.training.muon import Muon

RATE = 0.02


def step(shape: tuple[int, ...], name: str = "kernel", decay: float = 0.0) -> np.ndarray:
    """Return what one step from ones along a random gradient changes."""
    variable = keras.Variable(np.ones(shape, np.float32), name=name)
    gradient = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    Muon(RATE, weight_decay=decay).apply([keras.ops.array(gradient)], [variable])
    return keras.ops.convert_to_numpy(variable.value) - 1


@pytest.mark.parametrize(("shape", "scale"), [((3, 3, 8, 16), (72 / 16) ** 0.5), ((1, 1, 8, 32), 1), ((64, 16), 2)])
def test_all_directions_of_a_kernel_change_alike(shape: tuple[int, ...], scale: float) -> None:
    change = step(shape)
    strengths = np.linalg.svd(change.reshape(-1, shape[-1]), compute_uv=False) / (RATE * scale)
    assert strengths.min() > 0.6
    assert strengths.max() < 1.3


@pytest.mark.parametrize(("shape", "name"), [((16,), "bias"), ((3, 3, 8, 1), "depthwise"), ((16, 7), "emotions")])
def test_what_is_no_matrix_of_features_learns_by_adam(shape: tuple[int, ...], name: str) -> None:
    assert np.abs(step(shape, name)) == pytest.approx(np.full(shape, RATE / 10), rel=1e-3)  # of Adam's first step


@pytest.mark.parametrize(("shape", "name"), [((3, 3, 8, 16), "kernel"), ((16, 7), "emotions")])
def test_all_kernels_decay_alike(shape: tuple[int, ...], name: str) -> None:
    assert step(shape, name, decay=0.5) == pytest.approx(step(shape, name) - RATE * 0.5, abs=1e-6)
