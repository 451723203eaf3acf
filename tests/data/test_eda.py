"""Exploration: what the tables and pictures of a data set say."""

from pathlib import Path

import numpy as np
import pandas as pd

from mien.data import eda
from mien.data.arrays import Images

CLASSES = ["happy", "sad"]


def splits() -> dict[str, Images]:
    rng = np.random.default_rng(0)
    sizes = {"train": 60, "validation": 7, "test": 9}
    return {
        name: Images(
            rng.integers(0, 256, (size, 48, 48), dtype=np.uint8), (np.arange(size) % 3 == 0).astype(np.uint8), CLASSES
        )
        for name, size in sizes.items()
    }


def index(train: Images) -> pd.DataFrame:
    """Return an index of the training images, and of two that none should count: one dropped, one of the test split."""
    rows = pd.DataFrame(
        {
            "emotion": [CLASSES[label] for label in train.labels],
            "split": "train",
            "brightness": train.pixels.mean(axis=(1, 2)),
            "contrast": train.pixels.std(axis=(1, 2)),
            "dropped": "",
        }
    )
    far = {"emotion": "happy", "brightness": 1e6, "contrast": 1e6}
    others = [far | {"split": "train", "dropped": "blank"}, far | {"split": "test", "dropped": ""}]
    return pd.concat([rows, pd.DataFrame(others)], ignore_index=True)


def test_what_is_written_says_what_the_images_are(tmp_path: Path) -> None:
    images = splits()
    eda.write_eda(tmp_path, index(images["train"]), images, seed=1)
    classes = pd.read_csv(tmp_path / "classes.csv", index_col="emotion")
    assert classes.to_dict() == {name: of_split.counts() for name, of_split in images.items()}
    for name, measure in (("brightness", np.mean), ("contrast", np.std)):
        table = pd.read_csv(tmp_path / f"{name}.csv", index_col="emotion")
        assert list(table.index) == CLASSES
        for label, emotion in enumerate(CLASSES):
            of_class = images["train"].pixels[images["train"].labels == label]
            expected = np.percentile(measure(of_class, axis=(1, 2)), [5, 25, 50, 75, 95]).round(1)
            assert list(table.loc[emotion]) == list(expected)
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {"classes.png", "light.png", "mean_faces.png", "samples.png"}


def test_the_same_images_and_seed_write_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        eda.write_eda(tmp_path / folder, index(splits()["train"]), splits(), seed=1)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_mean_face_is_that_of_its_class() -> None:
    train = splits()["train"]
    faces = eda.mean_faces(train)
    for label in range(2):
        assert np.allclose(faces[label], train.pixels[train.labels == label].mean(axis=0))
