"""Keras, loaded in one place and without the lines that TensorFlow's C++ side prints on every start.

Import it as `from mien.engine import keras`, only where a model is built, trained or run: loading takes seconds.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["keras", "use_bfloat16"]


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Silence file descriptor 2; no setting of TensorFlow's reaches what it prints before its logging starts."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # whatever ~/.keras/keras.json of this machine says
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings that come later are shown, notes are not
with _quiet_stderr():
    import keras

    keras.distribution.list_devices()  # starts the device runtime, which complains where there is no GPU


def use_bfloat16() -> None:
    """Let convolutions and matrix products be computed in bfloat16 from now on; weights and results stay float32.

    On TensorFlow, oneDNN's graph pass is faster than Keras' own policy, which also converts what gains nothing.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": True})
    else:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
