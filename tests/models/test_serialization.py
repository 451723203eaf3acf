"""A model on disk that is damaged or holds code is refused."""

from pathlib import Path

import pytest

from mien._io.classes import save_classes
from mien._io.errors import InputError
from mien.models.au_dense import au_dense
from mien.models.keras_backend import keras
from mien.models.serialization import load_best


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model of three classes, which can be loaded."""
    au_dense(4, 3, [16], 0.1).save(tmp_path / "best.keras")
    save_classes(tmp_path, ["happy", "sad", "fear"])
    assert load_best(tmp_path)[1] == ["happy", "sad", "fear"]
    return tmp_path


@pytest.mark.parametrize("damage", ["missing", "truncated", "classes"])
def test_a_damaged_model_is_refused(folder: Path, damage: str) -> None:
    path = folder / "best.keras"
    match damage:
        case "missing":
            path.unlink()
        case "truncated":
            path.write_bytes(path.read_bytes()[:1000])
        case "classes":
            (folder / "classes.json").write_text('["happy", "sad"]')
    with pytest.raises(InputError, match=str(folder)):
        load_best(folder)


def test_a_model_that_holds_code_is_refused(folder: Path) -> None:
    inputs = keras.Input((4,))
    hostile = keras.Model(inputs, keras.layers.Lambda(lambda x: x[:, :3])(inputs))
    hostile.save(folder / "best.keras")
    with pytest.raises(InputError, match=r"best\.keras"):
        load_best(folder)
