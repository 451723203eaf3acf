"""The building blocks of the networks bring grey levels to one scale and halve the size of what they see."""

import numpy as np

from mien.models.blocks import conv_block, image_input, rescaled, standardized
from mien.models.keras_backend import keras

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 16, 16), dtype=np.uint8)
IMAGES[4] //= 2  # as in less light


def test_rescaled_images_are_shares_of_white() -> None:
    images = image_input(16)
    pixels = keras.Model(images, rescaled(images)).predict(IMAGES, verbose=0)
    np.testing.assert_allclose(pixels[..., 0], IMAGES / 255, atol=1e-6)


def test_each_standardized_image_has_mean_0_and_variance_1() -> None:
    images = image_input(16)
    pixels = keras.Model(images, standardized(images)).predict(IMAGES, verbose=0)
    assert pixels.shape == (5, 16, 16, 1)
    np.testing.assert_allclose(pixels.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(pixels.var(axis=(1, 2, 3)), 1, atol=0.06)  # less Keras' epsilon


def test_a_block_halves_the_size() -> None:
    images = image_input(16)
    assert conv_block(rescaled(images), (4, 8), dropout=0.1).shape == (None, 8, 8, 8)
