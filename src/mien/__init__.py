"""mien reads emotion from faces and from facial Action Units.

The public names below are loaded when they are first used, so that `import mien` is cheap.
"""

import os as _os
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien._io.errors import InputError
    from mien.inference.face import Face
    from mien.inference.networks.au_classifier import AUClassifier
    from mien.inference.networks.face_classifier import FaceClassifier
    from mien.inference.recognizer import EmotionRecognizer

    __version__: str

__all__ = ["AUClassifier", "EmotionRecognizer", "Face", "FaceClassifier", "InputError", "__version__"]

_MODULES = {
    "AUClassifier": "mien.inference.networks.au_classifier",
    "EmotionRecognizer": "mien.inference.recognizer",
    "Face": "mien.inference.face",
    "FaceClassifier": "mien.inference.networks.face_classifier",
    "InputError": "mien._io.errors",
}

_os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime, when it is imported, reports to its makers


def __getattr__(name: str) -> object:
    """Load a public name (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("mien")
    elif name in _MODULES:
        value = getattr(_import_module(_MODULES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
