"""Action Units that a network for faces reads beside emotions."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.networks import CLASSES, au_network, brightness_network, change_metadata
from onnx import numpy_helper

from mien import EmotionRecognizer, FaceClassifier, InputError
from mien.aus.facs import COLUMNS
from mien.inference.prototypes import reasons
from mien.inference.video.tracker import FaceTracker

HALF = np.zeros((48, 48), np.uint8)
HALF[:, :24] = 255  # white on the left: AU01 is 100, AU02 is 0


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return au_network(tmp_path / "network")


def test_one_pass_gives_emotions_and_aus(network: Path) -> None:
    classifier = FaceClassifier.from_pretrained(network)
    assert classifier.aus_ == COLUMNS
    probabilities, aus = classifier.read(np.stack([HALF, HALF[:, ::-1]]))
    assert (aus.dtype, aus.shape) == (np.float32, (2, len(COLUMNS)))
    np.testing.assert_allclose(aus[:, :3], [[100, 0, 80], [0, 100, 80]], atol=1e-3)
    assert np.array_equal(probabilities, classifier.predict_proba(np.stack([HALF, HALF[:, ::-1]])))
    assert classifier.read(np.empty((0, 48, 48), np.uint8)).aus.shape == (0, len(COLUMNS))


def test_a_network_without_aus_reads_none(tmp_path: Path) -> None:
    classifier = FaceClassifier.from_pretrained(brightness_network(tmp_path))
    assert classifier.aus_ == []
    assert classifier.read(HALF[None], tta="mirror").aus.shape == (1, 0)


def test_aus_are_the_mean_over_augmented_copies(network: Path) -> None:
    aus = FaceClassifier.from_pretrained(network).read(HALF[None], tta="mirror").aus
    np.testing.assert_allclose(aus[0, :3], [50, 50, 80], atol=1e-3)


def _intensities(values: float) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        model = onnx.load(folder / "best.onnx")
        (others,) = (weight for weight in model.graph.initializer if weight.name == "others")
        others.CopyFrom(numpy_helper.from_array(np.full(len(COLUMNS), values, np.float32), "others"))
        onnx.save(model, folder / "best.onnx")

    return damage


def _names(text: str | None) -> Callable[[Path], object]:
    return lambda folder: change_metadata(folder, {"aus": text})


def _named_by_a_network_without(folder: Path) -> None:
    change_metadata(brightness_network(folder), {"aus": "AU01,AU02"})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            _names(None),
            r"found an output aus of \['batch', 17\], expected 0, an intensity per AU that its metadata name",
        ),
        (_names("AU01,AU02"), r"found an output aus of \['batch', 17\], expected 2"),
        (_named_by_a_network_without, "found an output aus of nothing, expected 2"),
        (_names("AU1,smile"), "aus: found 'AU1,smile', expected distinct AUs: AU01,AU02,.."),
        (_names(",".join(["AU01", *COLUMNS[:-1]])), "aus: found 'AU01,AU01,AU02.*expected distinct AUs"),
        (_intensities(101), r"found an output aus that is not float32, 0\.\.100"),
        (_intensities(np.nan), r"found an output aus that is not float32, 0\.\.100"),
    ],
)
def test_a_network_whose_aus_cannot_be_right_is_refused(
    network: Path, damage: Callable[[Path], object], words: str
) -> None:
    damage(network)
    with pytest.raises(InputError, match=rf"{network}.*{words}") as refused:
        FaceClassifier.from_pretrained(network).read(HALF[None])
    assert len(str(refused.value).splitlines()) == 1


def test_faces_have_aus_and_reasons_where_asked(network: Path) -> None:
    recognizer = EmotionRecognizer(network, "none", aus=True, actions=True)
    (face,) = recognizer.predict(HALF)
    assert face.emotion == "happy"
    assert face.aus is not None
    assert face.aus == pytest.approx({"AU01": 50, "AU02": 50} | dict.fromkeys(COLUMNS[2:], 80), abs=1e-3)
    assert face.reasons == ("AU06", "AU12", "AU25")
    assert face.label.startswith(f"happy {face.confidence:.0%} (AU06+AU12+AU25): ")
    assert dict(zip(recognizer.columns, face.row(), strict=True)) == {
        **face.box._asdict(),
        "emotion": "happy",
        "confidence": round(face.confidence, 4),
        **{name: round(share, 4) for name, share in face.probabilities.items()},
        **{name: round(value, 1) for name, value in face.aus.items()},
        "reasons": "AU06 AU12 AU25",
        "action": face.action,
    }
    answer = face.to_dict()
    assert (answer["aus"]["AU04"], answer["reasons"]) == (80, ["AU06", "AU12", "AU25"])
    assert copy.deepcopy(recognizer).predict(HALF) == [face]


def test_faces_have_no_aus_where_not_asked(network: Path) -> None:
    recognizer = EmotionRecognizer(network, "none")
    (face,) = recognizer.predict(HALF)
    assert (face.aus, face.reasons, face.label) == (None, (), f"happy {face.confidence:.0%}")
    assert recognizer.columns[-len(CLASSES) :] == CLASSES
    assert "aus" not in face.to_dict()


def test_a_network_that_reads_no_aus_is_refused_where_asked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"best\.onnx: reads no Action Units, expected a network that does"):
        EmotionRecognizer(brightness_network(tmp_path), aus=True)


def test_reasons_are_shown_aus_that_most_people_show_in_the_emotion() -> None:
    smile = {"AU06": 60.0, "AU12": 90.0, "AU25": 10.0, "AU04": 95.0}
    assert reasons("happy", smile) == ["AU12", "AU06"]
    assert reasons("angry", smile) == ["AU04"]
    assert reasons("fear", {"AU26": 90.0}) == []  # a third of the people
    for emotion in ("neutral", "unsure", "bored"):
        assert reasons(emotion, smile) == []


def test_aus_of_a_video_are_smoothed_as_emotions_are(network: Path) -> None:
    tracker = FaceTracker(EmotionRecognizer(network, "none", tta="none", aus=True))
    frames = [np.repeat(face[..., None], 3, axis=2) for face in (HALF, HALF[:, ::-1])]
    seen = [tracker.update(frame, seconds)[0].face.aus for frame, seconds in zip(frames, (0, 0.3), strict=True)]
    assert [[aus["AU01"], aus["AU02"]] for aus in seen if aus] == [
        pytest.approx([100, 0], abs=1e-3),
        pytest.approx([100 / np.e, 100 - 100 / np.e], abs=1e-3),
    ]
