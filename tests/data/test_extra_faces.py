"""Faces of a further source join train, and some of its people are kept apart."""

from contextlib import AbstractContextManager
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mien._io.errors import InputError
from mien._io.parallel import parallel
from mien.config import ExtraFaces
from mien.data.arrays import Images
from mien.data.extra_faces import person_of, with_extra_faces
from mien.data.labels import LabelNames
from mien.data.pixel_file import PixelFile, read_images
from mien.data.readers.folder import FolderSource
from mien.evaluation.network_evaluation import evaluate_extra_faces
from mien.inference.faces.face_crops import FaceSearch
from mien.inference.faces.portraits import portrait_notes
from mien.inference.networks.face_classifier import FaceClassifier

PEOPLE, PER_CLASS = 8, 2
CLASSES = ["happy", "sad", "surprise"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder with two happy and two sad faces of each of eight people."""
    random = np.random.default_rng(0)
    for emotion in ("happy", "sad"):
        folder = tmp_path / "more" / emotion
        folder.mkdir(parents=True)
        for person in range(PEOPLE):
            for number in range(PER_CLASS):
                pixels = random.integers(0, 256, (48, 48), dtype=np.uint8)
                assert cv2.imwrite(str(folder / f"Person_{person}_{number:04}.png"), pixels)
    return tmp_path / "more"


@pytest.fixture
def train() -> Images:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    return Images(pixels, np.arange(3, dtype=np.uint8), CLASSES, np.full((3, 3), 1 / 3, np.float32))


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "index.csv"
    pd.DataFrame({"hash": ["a", "b", "c"]}).to_csv(path, index=False)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def section(source: object, **changes: object) -> ExtraFaces:
    usual = {"detector": "none", "face": "largest", "person": r"(.+)_\d+", "test_share": 0.25, "ratio": 0.0}
    return ExtraFaces.model_validate({"source": str(source), **usual, **changes})


def joined(
    train: Images, section: ExtraFaces, index: Path, data: Path
) -> AbstractContextManager[tuple[Images, list[str]]]:
    decoder = FaceSearch(section.detector, section.face).decoder
    return with_extra_faces(train, section, index, data, "extra_test", 20, parallel, decoder, portrait_notes)


def test_faces_join_behind_train_and_no_person_is_on_both_sides(
    source: Path, train: Images, index: Path, data: Path
) -> None:
    with joined(train, section(source), index, data) as (images, notes):
        assert np.array_equal(images.pixels[:3], train.pixels)
        assert images.counts() == {"happy": 13, "sad": 13, "surprise": 1}  # six of eight people
        assert np.array_equal(images.targets()[3:].argmax(axis=1), images.labels[3:])
        assert images.extra is not None
        assert images.extra.tolist() == [False] * 3 + [True] * 24
        held_out = Images.load(data, "extra_test")
        joined_pixels = {image.tobytes() for image in images.pixels[3:]}
    assert held_out.counts() == {"happy": 4, "sad": 4, "surprise": 0}
    files = {np.array(Image.open(path)).tobytes(): path.stem for path in source.rglob("*.png")}
    people = [
        {files[pixels].rpartition("_")[0] for pixels in faces} for faces in (joined_pixels, map(bytes, held_out.pixels))
    ]
    assert [len(names) for names in people] == [6, 2]
    assert not people[0] & people[1]
    assert notes[-1].endswith("24 faces are added to train, 8 are held out; they are of 6 and 2 people")
    assert sorted(path.name for path in data.iterdir()) == [
        "classes.json",
        "extra_test_images.npy",
        "extra_test_labels.npy",
    ]


def test_copies_raise_rare_classes_of_the_added_faces_alone(
    source: Path, train: Images, index: Path, data: Path
) -> None:
    for number, path in enumerate(sorted((source / "sad").iterdir())):
        if number % PER_CLASS:
            path.unlink()
    with joined(train, section(source, ratio=0.9), index, data) as (images, notes):
        assert images.counts() == {"happy": 1 + 12, "sad": 1 + 11, "surprise": 1}  # 0.9 of 12 is 10.8
        sad = images.pixels[3:][images.labels[3:] == CLASSES.index("sad")]
        assert len({pixels.tobytes() for pixels in sad}) == 6
        assert images.extra is not None
        assert images.extra.sum() == 23
        votes = images.targets()[3:]
        assert (votes.argmax(axis=1) == images.labels[3:]).all()
    assert notes[-1].endswith(": 5 copies raise rare classes of the added faces")
    assert Images.load(data, "extra_test").counts() == {"happy": 4, "sad": 2, "surprise": 0}


def test_what_is_left_out_is_counted(source: Path, train: Images, index: Path, data: Path) -> None:
    (source / "fear").mkdir()
    first = next((source / "happy").iterdir())
    (source / "fear/Person_9_0000.png").write_bytes(b"no picture")
    assert cv2.imwrite(str(source / "fear/Person_9_0001.png"), np.eye(48, dtype=np.uint8) * 255)
    (source / "sad/Person_7_0009.png").write_bytes(first.read_bytes())
    (source / "sad/Person_7_0010.png").write_bytes(b"no picture")
    with joined(train, section(source), index, data) as (images, notes):
        assert len(images.labels) == 3 + 24
    text = "\n".join(notes)
    assert "1 images left out: equal to an earlier image, or to one of data/fer" in text
    assert "1 images left out: of another class than happy, sad, surprise" in text
    assert "2 images left out: unreadable" in text


def test_faces_that_are_known_do_not_join(source: Path, train: Images, index: Path, data: Path) -> None:
    with joined(train, section(source), index, data) as (images, _):
        count = len(images.labels)
    hashes = pd.read_csv(index)
    known = _hash_of(next((source / "happy").glob("Person_0*")), data)
    pd.concat([hashes, pd.DataFrame({"hash": [known]})]).to_csv(index, index=False)
    with joined(train, section(source), index, data) as (images, notes):
        total = len(images.labels) + len(Images.load(data, "extra_test").labels)
    assert total == count + 8 - 1
    assert any("1 images left out: equal" in note for note in notes)


def _hash_of(path: Path, data: Path) -> str:
    with PixelFile(data / ".pixels", 48) as pixels:
        index = read_images(FolderSource(path.parents[1], LabelNames()), pixels)
    return str(index.loc[index["origin"].str.endswith(path.name), "hash"].iloc[0])


def test_splits_that_the_source_names_are_kept(
    source: Path, train: Images, index: Path, data: Path, tmp_path: Path
) -> None:
    for split, emotion in (("train", "happy"), ("test", "sad"), ("train", "surprise")):
        folder = tmp_path / "split" / split / emotion
        folder.mkdir(parents=True)
        name = next((source / "happy").iterdir()) if emotion == "happy" else next((source / "sad").iterdir())
        name.rename(folder / name.name)
    with joined(train, section(tmp_path / "split"), index, data) as (images, notes):
        assert images.counts() == {"happy": 2, "sad": 1, "surprise": 2}
    assert Images.load(data, "extra_test").counts() == {"happy": 0, "sad": 1, "surprise": 0}
    assert notes[-1].endswith("2 faces are added to train, 1 are held out; the source names them")


def test_without_a_source_train_stays_as_it_is(train: Images, index: Path, data: Path) -> None:
    with joined(train, section("data/none/extra_faces"), index, data) as (images, notes):
        assert images is train
    assert notes == []
    assert list(data.iterdir()) == []


def test_a_pattern_tells_the_person() -> None:
    assert person_of("happy/Ann_Lee_0001.jpg", r"(.+)_\d+") == "Ann_Lee"
    assert person_of("s12/happy.jpg", "(.*)") == "happy"


def test_a_name_without_a_person_is_named(source: Path, train: Images, index: Path, data: Path) -> None:
    (source / "sad/nobody.png").write_bytes((source / "sad/Person_0_0000.png").read_bytes()[:-1] + b"0")
    expected = r"oversample_augment.extra: person: found 'Person_\d_000\d', which the pattern '\(Q\)' does not fit"
    with pytest.raises(InputError, match=expected), joined(train, section(source, person="(Q)"), index, data):
        pass


@pytest.mark.parametrize(("pattern", "fault"), [("(", "expected a regular expression"), (".*", "expected a group")])
def test_a_pattern_must_be_one_with_a_group(pattern: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        section("x", person=pattern)


def test_a_network_is_measured_on_them() -> None:
    classifier = FaceClassifier.from_pretrained("mien_small")
    pixels = np.random.default_rng(1).integers(0, 256, (6, 48, 48), dtype=np.uint8)
    labels = classifier.predict_proba(pixels).argmax(axis=1).astype(np.uint8)
    labels[0] = (labels[0] + 1) % len(classifier.classes_)
    figures, per_class = evaluate_extra_faces(classifier, Images(pixels, labels, classifier.classes_))
    assert figures["accuracy"] == round(5 / 6, 4)
    assert sum(row["support"] or 0 for row in per_class.values()) == 6
