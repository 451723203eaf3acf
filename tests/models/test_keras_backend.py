"""What Keras leaves to each backend: batches drawn ahead, batch normalization as one operation, replicas."""

import ctypes
import platform
import resource
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytest
import tensorflow as tf

from mien._io.errors import InputError
from mien.models.keras_backend import data_parallel, fused_batch_norm, keep_freed_memory, keras, prefetch
from mien.models.mien_small import mien_small
from mien.training.batches import Batches
from mien.training.trainer import seed_everything

BatchNormalization = keras.layers.BatchNormalization


def test_keras_draws_the_batches_of_the_epoch_in_their_order_and_tunes_nothing_meanwhile() -> None:
    inputs = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    batches = Batches(inputs, np.eye(3, dtype=np.float32)[np.arange(300) % 3], 32, seed=7)
    dataset = prefetch(batches)
    for epoch in range(2):
        batches.set_epoch(epoch)
        for number, (inputs, targets) in enumerate(dataset):
            assert np.array_equal(inputs, batches[number][0])
            assert np.array_equal(targets, batches[number][1])
    assert len(dataset) == len(batches) == number + 1
    assert not dataset.options().autotune.enabled


def test_keras_starts_without_what_is_not_used_which_can_be_imported_later() -> None:
    code = (
        "import sys; from mien.models.keras_backend import keras\n"
        "assert not {'jax', 'sklearn'} & set(sys.modules)\n"
        "import jax, sklearn"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_freed_memory_is_used_again_without_the_system() -> None:
    keep_freed_memory()
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    faults = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        block = libc.malloc(2**26)
        ctypes.memset(block, 1, 2**26)
        libc.free(block)
        faults.append(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)
    assert min(faults[1:]) < 100  # of 16,384 pages


@pytest.mark.parametrize("frozen", [False, True])
def test_fused_batch_norm_learns_the_same(frozen: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (24, 16, 16), dtype=np.uint8)
    targets = np.eye(3, dtype=np.float32)[np.arange(24) % 3]

    def trained_weights(context: AbstractContextManager[None]) -> list[np.ndarray]:
        seed_everything(3)
        model = mien_small(16, 3)
        next(layer for layer in model.layers if isinstance(layer, BatchNormalization)).trainable = not frozen
        model.compile(keras.optimizers.SGD(0.01), "categorical_crossentropy")
        with context:
            model.fit(images, targets, batch_size=9, epochs=2, shuffle=False, verbose=0)
        return [weights.copy() for weights in model.get_weights()]

    for fused, unfused in zip(trained_weights(fused_batch_norm()), trained_weights(nullcontext()), strict=True):
        np.testing.assert_allclose(fused, unfused, rtol=2e-3, atol=2e-5)


def test_batch_norm_is_fused_in_training_alone() -> None:
    layer = BatchNormalization()
    layer.build((None, 4, 4, 2))

    def operations(training: bool) -> set[str]:
        graph = tf.function(lambda images: layer(images, training=training)).get_concrete_function(
            tf.zeros((3, 4, 4, 2))
        )
        return {operation.type for operation in graph.graph.get_operations()}

    with fused_batch_norm():
        assert "FusedBatchNormV3" in operations(training=True)
        assert "FusedBatchNormV3" not in operations(training=False)
    assert "FusedBatchNormV3" not in operations(training=True)


def test_more_replicas_than_devices_are_refused() -> None:
    with pytest.raises(InputError, match=r"replicas: found 99, expected at most \d+, the devices of this host"):
        data_parallel(99).__enter__()
