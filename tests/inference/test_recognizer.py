"""`EmotionRecognizer`: pictures of all kinds in, faces with emotions out."""

import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.networks import CLASSES, LEVELS, brightness_network
from helpers.photos import FACE, PORTRAIT, overlap
from helpers.pictures import picture
from PIL import Image

from mien import EmotionRecognizer, Face, FaceClassifier, InputError
from mien.inference.faces.detectors import Box, Detection, NoDetector


@pytest.fixture(scope="module")
def recognizer() -> EmotionRecognizer:
    return EmotionRecognizer("mien_small")


@pytest.fixture(scope="module")
def one_face(tmp_path_factory: pytest.TempPathFactory) -> EmotionRecognizer:
    """Takes each picture for a face, whose emotion is its brightness."""
    return EmotionRecognizer(brightness_network(tmp_path_factory.mktemp("network")), "none")


@pytest.mark.parametrize(
    ("image", "found"),
    [("", "an empty path"), ("https://me:secret@host.org/a.jpg?key=1", r"the URL https://host\.org/a\.jpg\?\.\.\.")],
)
def test_what_is_text_and_no_path_is_refused(recognizer: EmotionRecognizer, image: str, found: str) -> None:
    with pytest.raises(InputError, match=f"^image: found {found}, expected the path of a picture, a PIL image or an"):
        recognizer.predict(image)


def test_the_default_finds_the_face_of_a_photo() -> None:
    recognizer = EmotionRecognizer()
    (face,) = recognizer.predict(PORTRAIT)
    assert overlap(face.box, FACE) > 0.6
    assert list(face.probabilities) == recognizer.classes_ == FaceClassifier.from_pretrained("mien").classes_
    assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert face.confidence == face.probabilities[face.emotion] == max(face.probabilities.values())
    assert face.label == f"{face.emotion} {face.confidence:.0%}"
    assert face.action is None


@pytest.mark.parametrize("detector", ["yunet", "haar", "none"])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda recognizer: pickle.loads(pickle.dumps(recognizer))])
def test_a_copy_answers_as_the_original(
    copied: Callable[[EmotionRecognizer], EmotionRecognizer], detector: str
) -> None:
    original = EmotionRecognizer(
        "mien_small", detector, actions=True, tta="none", min_confidence=0.3, min_face=40, search_size=400
    )
    assert copied(original).predict(PORTRAIT) == original.predict(PORTRAIT) != []


def test_a_recognizer_serves_other_processes(recognizer: EmotionRecognizer) -> None:
    code = (
        "import pickle, sys; predict, path = pickle.load(sys.stdin.buffer)\n"
        "print(*(face.emotion for face in predict(path)))"
    )
    task = pickle.dumps((recognizer.predict, PORTRAIT))
    done = subprocess.run([sys.executable, "-c", code], input=task, capture_output=True, check=True, timeout=120)
    assert done.stdout.decode().split() == [face.emotion for face in recognizer.predict(PORTRAIT)]


@pytest.mark.parametrize(
    "convert",
    [
        str,
        Path,
        Image.open,
        lambda path: np.asarray(Image.open(path)),
        lambda path: np.asarray(Image.open(path))[:, :, ::-1][:, :, ::-1],  # not contiguous
    ],
    ids=["str", "Path", "PIL", "array", "view"],
)
def test_paths_images_and_rgb_arrays_are_the_same_picture(
    recognizer: EmotionRecognizer, convert: Callable[[Path], Any]
) -> None:
    (expected,) = recognizer.predict(PORTRAIT)
    assert recognizer.predict(convert(PORTRAIT)) == [expected]


def test_arrays_are_rgb(one_face: EmotionRecognizer) -> None:
    colours = np.zeros((48, 48, 3), np.uint8)
    colours[:, :, 0] = 255  # red is darker than blue, in the grey picture
    (red,), (blue,) = one_face.predict(colours), one_face.predict(colours[:, :, ::-1])
    grey = np.full((48, 48), round(0.299 * 255), np.uint8)
    assert red.probabilities == pytest.approx(one_face.predict(grey)[0].probabilities, abs=1e-6)
    assert red.probabilities != pytest.approx(blue.probabilities, abs=0.01)


def test_grey_arrays_are_pictures(one_face: EmotionRecognizer) -> None:
    faces = [one_face.predict(np.full((48, 60), level, np.uint8)) for level in LEVELS]
    assert [face.emotion for (face,) in faces] == CLASSES
    assert [face.box for (face,) in faces] == [Box(0, 0, 60, 48)] * 3


def test_pil_images_are_turned_and_transparency_is_white(one_face: EmotionRecognizer, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(1, 40, 60)).save(tmp_path / "turned.jpg", exif=exif)
    with Image.open(tmp_path / "turned.jpg") as image:
        (face,) = one_face.predict(image)
    assert face.box == Box(0, 0, 40, 60)
    (clear,), (white,) = (
        one_face.predict(Image.new("RGBA", (48, 48), colour)) for colour in ((0, 0, 0, 0), (255, 255, 255, 255))
    )
    assert clear == white


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (
            np.zeros((48, 48, 3), np.float32),
            r"found float32 \(48, 48, 3\), expected .*uint8 \(height, width, 3\) in RGB",
        ),
        (np.zeros((48, 48, 3), int), r"found int64 \(48, 48, 3\)"),
        (np.zeros((48, 48, 4), np.uint8), r"found uint8 \(48, 48, 4\)"),
        (np.zeros((1, 48, 48, 3), np.uint8), r"found uint8 \(1, 48, 48, 3\)"),
        (np.zeros(48, np.uint8), r"found uint8 \(48,\)"),
        (np.zeros((0, 48, 3), np.uint8), "has 48 x 0 pixels, expected at least 16 x 16"),
        ([[1, 2], [3, 4]], "found list, expected a path"),
        (None, "found NoneType, expected a path"),
        (b"\xff\xd8", "found bytes, expected a path"),
        (Image.new("L", (8, 8)), "has 8 x 8 pixels"),
        ("nowhere.jpg", r"nowhere\.jpg: cannot be read"),
    ],
)
def test_what_is_not_a_picture_is_refused(recognizer: EmotionRecognizer, image: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        recognizer.predict(image)


def test_a_truncated_pil_image_is_refused(recognizer: EmotionRecognizer, tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(PORTRAIT.read_bytes()[:20_000])
    with Image.open(tmp_path / "cut.jpg") as image, pytest.raises(InputError, match=r"image: cannot be read \(.*trunc"):
        recognizer.predict(image)


def test_a_batch_is_read_lazily_and_in_order(one_face: EmotionRecognizer) -> None:
    taken: list[int] = []

    def pictures() -> Any:
        for level in LEVELS:
            taken.append(level)
            yield np.full((48, 48), level, np.uint8)

    batch = one_face.predict_batch(pictures())
    assert taken == []
    ((first,),) = [next(batch)]
    assert (first.emotion, taken) == (CLASSES[0], [LEVELS[0]])
    assert [face.emotion for (face,) in batch] == CLASSES[1:]


def test_a_damaged_picture_ends_a_batch_when_its_turn_comes(one_face: EmotionRecognizer) -> None:
    batch = one_face.predict_batch([np.zeros((48, 48), np.uint8), "nowhere.jpg"])
    assert len(next(batch)) == 1
    with pytest.raises(InputError, match="nowhere"):
        next(batch)


def test_where_there_is_no_face_the_list_is_empty(recognizer: EmotionRecognizer) -> None:
    assert recognizer.predict(np.zeros((100, 100, 3), np.uint8)) == []


def test_any_object_that_detects_is_a_detector(one_face: EmotionRecognizer) -> None:
    class Halves:
        def detect(self, _: np.ndarray, /) -> list[Detection]:
            return [Detection(Box(0, 0, 48, 48)), Detection(Box(48, 0, 48, 48))]

    two = EmotionRecognizer(one_face.classifier, Halves())
    image = np.repeat(np.array([[LEVELS[0], LEVELS[2]]], np.uint8), 48, axis=1).repeat(48, axis=0)
    assert [face.emotion for face in two.predict(image)] == [CLASSES[0], CLASSES[2]]
    assert isinstance(one_face.detector, NoDetector)


def test_tta_averages_views(recognizer: EmotionRecognizer) -> None:
    face = np.asarray(Image.open(PORTRAIT).convert("L").crop((165, 125, 365, 325)).resize((48, 48)))
    (read,) = EmotionRecognizer(recognizer.classifier, "none", tta="ten").predict(face)
    (expected,) = recognizer.classifier.predict_proba(face[None], tta="ten")
    assert list(read.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-6)
    (plain,) = recognizer.classifier.predict_proba(face[None])
    assert list(read.probabilities.values()) != pytest.approx(plain.tolist(), abs=1e-3)


def test_actions_are_suggested_and_stand_in_label_row_and_dict() -> None:
    recognizer = EmotionRecognizer("mien_small", actions=True)
    (face,) = recognizer.predict(PORTRAIT)
    assert face.action
    assert face.label == f"{face.emotion} {face.confidence:.0%}: {face.action}"
    assert dict(zip(recognizer.columns, face.row(), strict=True))["action"] == face.action
    assert face.to_dict()["action"] == face.action


def test_below_the_least_confidence_a_face_is_unsure_and_keeps_its_probabilities() -> None:
    (face,) = EmotionRecognizer("mien_small").predict(PORTRAIT)
    exactly = EmotionRecognizer("mien_small", min_confidence=face.confidence)
    assert exactly.predict(PORTRAIT) == [face]
    above = EmotionRecognizer("mien_small", min_confidence=face.confidence + 1e-6, actions=True)
    (unsure,) = above.predict(PORTRAIT)
    assert (unsure.emotion, unsure.label, unsure.action) == ("unsure", f"unsure {face.confidence:.0%}", "")
    assert (unsure.box, unsure.confidence, unsure.probabilities) == (face.box, face.confidence, face.probabilities)
    assert unsure.to_dict()["emotion"] == dict(zip(above.columns, unsure.row(), strict=True))["emotion"] == "unsure"


@pytest.mark.parametrize("value", [-0.1, 1.01, float("nan")])
def test_a_least_confidence_is_a_probability(value: float) -> None:
    with pytest.raises(InputError, match=rf"min_confidence: found {value:g}, expected 0 to 1"):
        EmotionRecognizer("mien_small", min_confidence=value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_confidence": "0.5"}, "min_confidence: found '0.5', expected a number, 0 to 1"),
        ({"min_confidence": True}, "min_confidence: found True, expected a number"),
        ({"coverage": "0.9"}, "coverage: found '0.9', expected 0.5, 0.51 .. 0.99"),
        ({"search_size": "640"}, "search_size: found '640', expected a whole number, at least 64 pixels"),
        ({"min_face": float("nan")}, "min_face: found nan, expected a whole number"),
        ({"threads": "all"}, "threads: found 'all', expected a whole number, at least 0"),
        ({"threads": -1}, "threads: found -1, expected at least 0"),
        ({"threads": 257}, "threads: found 257, expected at most 256"),
        ({"threads": 10**5000}, "threads: found a huge number, expected at most 256"),
        ({"search_size": 65_536}, "search_size: found 65536, expected at most 65,535 pixels"),
        ({"min_face": 65_536}, "min_face: found 65536, expected at most 65,535 pixels"),
        ({"min_confidence": 10**400}, "min_confidence: found a huge number, expected 0 to 1"),
        ({"prior": None}, "prior: found None, expected training, uniform or a share of each emotion"),
        ({"detector": None}, "detector: found None, expected a name, such as yunet, or a Detector"),
        ({"tta": "x"}, "tta: found 'x', expected one of none, mirror, ten"),
        ({"tta": True, "coverage": 0.9}, "tta: found True, expected one of none, mirror, ten"),
        ({"tta": ["ten"]}, "tta: found ['ten'], expected one of none, mirror, ten"),
        ({"aus": "no"}, "aus: found 'no', expected True or False"),
        ({"actions": 1}, "actions: found 1, expected True or False"),
    ],
)
def test_arguments_of_another_type_are_refused_at_once(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        EmotionRecognizer(**{"model": "mien_small", **arguments})


def test_numbers_of_numpy_are_numbers() -> None:
    numbers: Any = {"min_confidence": np.float32(0.5), "coverage": np.float64(0.9), "min_face": np.int64(40)}
    assert len(EmotionRecognizer("mien_small", **numbers).predict(PORTRAIT)) == 1


@pytest.mark.parametrize("one", [str(PORTRAIT), PORTRAIT, np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40)), 3])
def test_one_picture_is_no_batch(one: Any) -> None:
    with pytest.raises(InputError, match=r"^images: found one .*, expected several pictures, such as a list"):
        EmotionRecognizer("mien_small", "none").predict_batch(one)


def test_several_pictures_may_come_in_any_sequence() -> None:
    recognizer = EmotionRecognizer("mien_small", "none")

    class Indexed:
        def __getitem__(self, index: int) -> Path:
            return [PORTRAIT, PORTRAIT][index]

    stack = np.zeros((2, 40, 40, 3), np.uint8)
    for several in (
        np.array([str(PORTRAIT)] * 2),
        np.array([PORTRAIT] * 2),
        Indexed(),
        stack,
        stack[..., 0],
        iter(stack),
    ):
        several_of_any_type: Any = several
        assert len(list(recognizer.predict_batch(several_of_any_type))) == 2


def test_rows_and_dicts_are_rounded() -> None:
    face = Face(Box(1, 2, 3, 4), "sad", 0.98765432, {"sad": 0.98765432, "happy": 0.01234568})
    assert face.row() == [1, 2, 3, 4, "sad", 0.9877, 0.9877, 0.0123]
    assert face.to_dict() == {
        "box": {"left": 1, "top": 2, "width": 3, "height": 4},
        "emotion": "sad",
        "confidence": 0.9877,
        "probabilities": {"sad": 0.9877, "happy": 0.0123},
    }
    assert face.label == "sad 99%"


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="model: found 'tiny', expected mien_wild, mien, mien_small"):
        EmotionRecognizer("tiny")
    with pytest.raises(InputError, match="detector: found 'yolo', expected one of yunet, haar, mtcnn, none"):
        EmotionRecognizer(detector="yolo")
