"""What `prepare_fer` wrote can be read like any source: with its splits, and without what was left out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.commands import Run
from helpers.networks import CLASSES, LEVELS, brightness_network
from helpers.pictures import read

from mien._io.checksums import save_checksums
from mien._io.errors import InputError
from mien.data.pixel_file import PixelFile
from mien.data.prepare import write_index, write_splits
from mien.data.readers import prepared

ROWS = [
    ("a.png", "sad", "test", ""),
    ("b.png", "angry", "train", ""),
    ("c.png", "happy", "test", "leak"),
    ("d.png", "happy", "test", ""),
    ("e.png", "angry", "test", ""),
    ("f.png", "sad", "validation", ""),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The outputs of the stage for six images; one of them was left out."""
    levels = dict(zip(CLASSES, LEVELS, strict=True))
    index = pd.DataFrame(ROWS, columns=["origin", "emotion", "split", "dropped"])
    index = index.assign(hash="0" * 16, width=100, height=80, brightness=1.0, contrast=1.0)
    data = tmp_path / "fer"
    data.mkdir()
    with PixelFile(tmp_path / "pixels", 48) as pixels:
        pixels.write(0, np.stack([np.full((48, 48), levels[row[1]], np.uint8) for row in ROWS]))
        write_splits(pixels, index, CLASSES, data)
    write_index(index, data / "index.csv")
    save_checksums(data)
    return data


def test_arrays_are_a_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (2_048, 1):
        monkeypatch.setattr(prepared, "_BATCH_IMAGES", size)
        pixels, index = read(folder)
        assert index["origin"].tolist() == ["b.png", "f.png", "a.png", "d.png", "e.png"]
        assert index["split"].tolist() == ["train", "validation", "test", "test", "test"]
        assert index["emotion"].tolist() == ["angry", "sad", "sad", "happy", "angry"]
        assert pixels[:, 0, 0].tolist() == [30, 225, 225, 128, 30]
        assert index[["width", "height"]].drop_duplicates().to_numpy().tolist() == [[100, 80]]
    assert read(folder, size=20)[0].shape == (5, 20, 20)


def test_a_network_is_measured_on_the_very_test_split(mien: Run, folder: Path, tmp_path: Path) -> None:
    network = brightness_network(tmp_path / "network")
    figures = json.loads(mien("score", folder, "--model", network, "--json")[0])
    assert (figures["split"], figures["images"], figures["accuracy"]) == ("test", 3, 1.0)
    refused = mien("score", folder, "--model", network, "--detector", "yunet", code=2)[1]
    assert "is arrays of faces, expected a folder or zip of pictures to find faces in" in refused


def test_names_that_pandas_would_change_stay_text(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    names = {"angry": "0", "sad": "None", "happy": "NA"}
    index = pd.read_csv(folder / "index.csv")
    index.replace({"emotion": names}).to_csv(folder / "index.csv", index=False)
    (folder / "classes.json").write_text(json.dumps([names[name] for name in CLASSES]))
    assert read(folder)[1]["emotion"].tolist() == ["0", "None", "None", "NA", "0"]


def test_files_that_do_not_fit_are_refused(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    index = pd.read_csv(folder / "index.csv")
    index.assign(emotion="happy").to_csv(folder / "index.csv", index=False)
    with pytest.raises(InputError, match=r"index.csv: found 1 train images, expected the 1 of train_labels.npy"):
        read(folder)
    index.drop(columns="origin").to_csv(folder / "index.csv", index=False)
    with pytest.raises(InputError, match=r"index.csv: found no column origin, expected the index of prepare_fer"):
        read(folder)
