"""Keras, loaded in one place and without the lines that TensorFlow's C++ side prints on every start.

Import it as `from mien.engine import keras`, only where a model is built, trained or run: loading takes seconds.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["keras"]


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
