"""Loads Keras, without the lines that TensorFlow's C++ code prints at every start.

Loading takes seconds, so import it (`from mien.models.keras_backend import keras`) only to build, train or run a model.
"""

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mien._io.errors import InputError
from mien._io.quiet import quiet_native_stderr

__all__ = [
    "data_parallel",
    "fused_batch_norm",
    "keep_freed_memory",
    "keras",
    "prefetch",
    "use_bfloat16",
    "without_distribution",
]


os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # overrides ~/.keras/keras.json of this machine
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # leaves room for processes on JAX


@contextmanager
def _hidden(*modules: str) -> Iterator[None]:
    """Within the block, let modules that are not loaded yet look as if they were not installed."""
    hidden = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is what makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


# Where they are installed, Keras loads scikit-learn and TensorFlow loads JAX, a quarter of the time, for nothing here.
_UNUSED = ("sklearn", "jax") if os.environ["KERAS_BACKEND"] == "tensorflow" else ("sklearn",)
gc.disable()  # garbage collection would take a fifth of the time and find nothing
with _hidden(*_UNUSED), quiet_native_stderr():  # no setting silences what TensorFlow prints before its logging starts
    import keras

    if keras.backend.backend() == "tensorflow":
        keras.distribution.list_devices()  # starts the device runtime, which complains without a GPU
gc.enable()


def keep_freed_memory() -> None:
    """Let glibc keep memory that is freed from now on, up to 2 GB, for the next allocation; elsewhere, do nothing.

    By default, it returns each large block to Linux. A training frees and allocates the same tensors in every step, so
    Linux would map and clear half a gigabyte per step (`benchmarks/train.py` measures what this saves).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for option, value in _KEEP_FREED.items():
            mallopt(option, value)


#: Options of glibc's mallopt, by their numbers in malloc.h.
_KEEP_FREED = {
    -4: 0,  # M_MMAP_MAX: large blocks come from the heap, too
    -1: 2**31 - 1,  # M_TRIM_THRESHOLD: bytes free at the heap's end before it shrinks
    -2: 2**26,  # M_TOP_PAD: heaps of threads, of 64 MB each, are kept when empty
}


def use_bfloat16() -> None:
    """Compute convolutions and matrix products in bfloat16 from now on. Weights and results stay float32.

    On TensorFlow, oneDNN's graph pass is faster than Keras' own policy, which also converts operations that gain
    nothing.
    """
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": True})
        case "jax":
            import jax

            jax.config.update("jax_default_matmul_precision", "bfloat16")
        case _:
            keras.mixed_precision.set_global_policy("mixed_bfloat16")


def prefetch(batches: keras.utils.PyDataset) -> Any:
    """Return the same batches in the same order, with a few of them prefetched for Keras' `fit`.

    On TensorFlow this is a dataset without autotuning. With autotuning, Keras' default, the end of an epoch often waits
    for the tuning thread. That thread wakes up after 10, 20, 40 ms and so on, so the wait can be as long as the epoch.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    dataset = tf.data.Dataset.from_generator(
        lambda: map(batches.__getitem__, range(len(batches))),
        output_signature=tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0]),
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2).with_options(options)


@contextmanager
def fused_batch_norm() -> Iterator[None]:
    """Within the block, train batch normalization as one operation, forward and backward, instead of a dozen.

    TensorFlow has the operation (oneDNN and cuDNN), but Keras' layer does not call it. On two cores this saves a
    quarter of a training step of the network `mien`. Training, files and predictions stay the same. On JAX, XLA fuses
    by itself.
    """
    layer = keras.layers.BatchNormalization
    unfused = layer.call
    if keras.backend.backend() == "tensorflow":
        layer.call = _fused(unfused)
    try:
        yield
    finally:
        layer.call = unfused


def _fused(unfused: Callable[..., Any]) -> Callable[..., Any]:
    import tensorflow as tf

    def call(layer: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        by_channel = len(inputs.shape) == 4 and layer.axis in (-1, 3) and layer.scale and layer.center
        if not (training and layer.trainable and by_channel) or layer.renorm or layer.synchronized or mask is not None:
            return unfused(layer, inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, layer.gamma, layer.beta, epsilon=layer.epsilon, is_training=True
        )
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
        variance *= (count - 1) / count  # the operation returns the unbiased estimate; Keras averages the biased one
        for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + value * (1 - layer.momentum))
        return outputs

    return call


@contextmanager
def data_parallel(replicas: int) -> Iterator[None]:
    """Within the block, build and train networks as `replicas` copies, one per device, which share each batch.

    On TensorFlow, the devices are the GPUs of this host, or its CPU devices if there is no GPU; on JAX, those of all
    processes. Batch norm sees the whole batch on JAX, and the replica's shard on TensorFlow.

    Raises:
        InputError: there are fewer devices than replicas; on JAX, also if there are more.
    """
    if replicas == 1:
        yield
    elif keras.backend.backend() == "jax":
        import jax

        if (available := jax.device_count()) != replicas:
            raise InputError(
                f"train_cnn.replicas: found {replicas}, expected {available}, the devices of all processes"
            )
        with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
            yield
    else:
        import tensorflow as tf

        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(devices) < replicas:
            raise InputError(
                f"train_cnn.replicas: found {replicas}, expected at most {len(devices)}, the devices of this host"
            )
        with tf.distribute.MirroredStrategy([device.name for device in devices[:replicas]]).scope():
            yield


@contextmanager
def without_distribution() -> Iterator[None]:
    """Within the block, switch Keras' distribution off, so that one process alone can save and load networks.

    In Keras 3.15, saving creates variables, for which all processes would otherwise have to synchronize.
    """
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)
