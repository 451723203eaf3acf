"""The statistics of batch normalization, measured anew."""

from typing import Any

import numpy as np
import pytest

from mien.config import Transfer
from mien.models.batch_norm import update_batch_norm
from mien.models.keras_backend import keras
from mien.models.registry import build

FACES = np.random.default_rng(0).integers(0, 256, (520, 48, 48), dtype=np.uint8)


def layers(model: keras.Model, kind: type) -> list[Any]:
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize("network", ["mien_small", "three_block"])
def test_moving_statistics_become_those_of_the_images(network: str) -> None:
    model = build(network, 48, 3, Transfer.from_weights())
    first = layers(model, keras.layers.BatchNormalization)[0]
    others = [weight.numpy() for weight in model.trainable_variables]
    update_batch_norm(model, FACES)
    values = keras.Model(model.input, first.input).predict(FACES, verbose=0)
    np.testing.assert_allclose(first.moving_mean.numpy(), values.mean(axis=(0, 1, 2)), rtol=0.01, atol=2e-3)
    np.testing.assert_allclose(first.moving_variance.numpy(), values.var(axis=(0, 1, 2)), rtol=0.02)
    for before, after in zip(others, model.trainable_variables, strict=True):
        assert np.array_equal(before, after.numpy())


def test_later_layers_see_no_dropout_and_nothing_else_changes() -> None:
    model = build("three_block", 48, 3, Transfer.from_weights())
    settings = [(layer.name, layer.get_config()) for layer in model.layers]
    last = layers(model, keras.layers.BatchNormalization)[-1]
    update_batch_norm(model, FACES)
    once = [weight.numpy() for weight in model.non_trainable_variables]
    update_batch_norm(model, FACES)
    assert [(layer.name, layer.get_config()) for layer in model.layers] == settings
    moving = last.moving_variance.numpy()
    assert any(np.array_equal(moving, value) for value in once)  # dropout would draw anew
    values = keras.Model(model.input, last.input).predict(FACES, verbose=0)  # normalized by the measured statistics
    np.testing.assert_allclose(moving, values.reshape(-1, values.shape[-1]).var(axis=0), rtol=0.1)
