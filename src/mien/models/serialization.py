"""A trained Keras model on disk: a folder with `best.keras`, `last.keras` and `classes.json`.

Keras' format cannot store class names, so classes.json has them for further training. `best.onnx` beside them is
self-describing and does not need classes.json.
"""

import json
import zipfile
from pathlib import Path

from mien._io.checksums import checked
from mien._io.classes import read_classes
from mien._io.errors import InputError, first_line
from mien.models.keras_backend import keras


def load_best(folder: Path) -> tuple[keras.Model, list[str]]:
    """Return the best model of a folder and its class names. Raises InputError if either is missing or damaged."""
    path = folder / "best.keras"
    try:
        model = keras.saving.load_model(checked(path), compile=False, safe_mode=True)
        classes = read_classes(folder)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 -- what a damaged or hostile file makes Keras raise is open
        raise InputError(f"{path}: not a readable model ({first_line(error)}), expected one of `dvc repro`") from None
    if model.output_shape[-1] != len(classes):
        raise InputError(f"{folder}/classes.json: found {len(classes)} classes, the model has {model.output_shape[-1]}")
    return model, classes


def make_reproducible(path: Path) -> None:
    """Rewrite a `.keras` file without optimizer state and dates, so that equal weights give equal bytes."""
    keras.saving.load_model(path, compile=False, safe_mode=True).save(path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(entries["metadata.json"])
    del metadata["date_saved"]
    entries["metadata.json"] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data)
