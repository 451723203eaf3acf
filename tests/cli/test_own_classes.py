"""Photos and videos read by networks with classes that are not emotions: actions, annotation, tables."""

import csv
import json
from pathlib import Path

import numpy as np
from helpers.clips import write_clip
from helpers.commands import Run
from helpers.networks import brightness_network
from helpers.pictures import encoded, write_files

from mien import EmotionRecognizer
from mien.actions.suggest import suggester
from mien.app.networks import Networks
from mien.inference.annotate import add_title, annotate_faces
from mien.inference.face import Face
from mien.inference.faces.detectors import Box

DARK, MIDDLE, BRIGHT = (np.full((64, 64, 3), level, np.uint8) for level in (30, 128, 225))


def own(folder: Path, *classes: str) -> Path:
    return brightness_network(folder, classes=classes)


def test_actions_are_suggested_for_emotions_alone(tmp_path: Path) -> None:
    recognizer = EmotionRecognizer(own(tmp_path, "bored", "joy", "contempt"), "none", actions=True)
    assert recognizer.action_note.endswith("surprise, neutral): none is suggested for bored, contempt")
    faces = [recognizer.predict(image)[0] for image in (DARK, MIDDLE, BRIGHT)]
    happy = EmotionRecognizer(own(tmp_path / "b", "sad", "happy", "angry"), "none", actions=True)
    assert [face.action for face in faces] == ["", happy.predict(MIDDLE)[0].action, ""]
    assert happy.action_note == ""
    assert faces[0].label.startswith("bored 9")
    assert faces[0].label.endswith("%")


def test_no_actions_are_known_where_no_class_is_an_emotion(tmp_path: Path) -> None:
    assert suggester(["bored", "engaged"])(np.array([0.2, 0.8])) == ""
    networks = Networks(str(own(tmp_path, "bored", "engaged", "asleep")))
    assert networks.recognizer("none").columns[-1] == "asleep"


def test_a_photo_and_its_tables_have_the_classes(mien: Run, tmp_path: Path) -> None:
    network = own(tmp_path / "network", "very bored", "engaged", "müde")
    photos = write_files(tmp_path / "photos", {f"{i}.png": encoded(image) for i, image in enumerate((DARK, BRIGHT))})
    words = ("image", photos, "--crop", "--model", network)
    outputs = ("--faces-csv", tmp_path / "a.csv", "--output-csv", tmp_path / "b.csv", "--annotated", tmp_path / "out")
    out, err = mien(*words, *outputs)
    assert [line.split(": ")[1].rpartition(" ")[0] for line in out.splitlines()] == ["very bored", "müde"]
    assert err == ""
    with (tmp_path / "a.csv").open() as file:
        assert [row["emotion"] for row in csv.DictReader(file)] == ["very bored", "müde"]
    assert (tmp_path / "b.csv").read_text().splitlines()[0] == "file,faces,very bored,engaged,müde"
    assert len(list((tmp_path / "out").iterdir())) == 2
    out, err = mien(*words, "--actions", "--json")
    assert {json.loads(line)["faces"][0]["action"] for line in out.splitlines()} == {""}
    assert "none is suggested for very bored, engaged, müde" in err
    partly = own(tmp_path / "partly", "sad", "bored", "happy")
    _, err = mien("image", photos, "--crop", "--model", partly, "--actions")
    assert err.startswith("note: actions are known for seven emotions")
    assert err.endswith("none is suggested for bored\n")


def test_a_video_has_the_classes(mien: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", [DARK, DARK, BRIGHT])
    words = ("video", clip, "--no-display", "--detector", "none", "--model", own(tmp_path / "n", "sad", "bored", "x"))
    out, err = mien(*words, "--actions", "--faces-csv", tmp_path / "a.csv", "--output-plot", tmp_path / "a.png")
    assert "sad" in out
    assert err.endswith("none is suggested for bored, x\n")
    header = (tmp_path / "a.csv").read_text().splitlines()[0]
    assert header.endswith("emotion,confidence,sad,bored,x,action")


def colours_of(classes: list[str], letters: str = "") -> list[tuple[int, ...]]:
    """Return the colour of each class's box."""
    probabilities = dict.fromkeys(classes, 1 / len(classes))
    found = []
    for name in classes:
        face = Face(Box(100, 100, 300, 300), name + letters, 0.9, probabilities)
        annotated = annotate_faces(np.zeros((500, 500, 3), np.uint8), [face])
        found.append(tuple(annotated[250, 100].tolist()))
    return found


def test_each_class_has_a_colour_of_its_own() -> None:
    classes = ["engaged", "bored", "happy", "asleep", "neutral", "confused"]
    assert len({*colours_of(classes)}) == len(classes)
    assert colours_of(["happy", "neutral"]) == [colours_of(classes)[i] for i in (2, 4)]
    assert len(colours_of([f"class {i}" for i in range(30)])) == 30


def test_letters_that_opencv_lacks_are_drawn_without_their_accents() -> None:
    def titled(emotion: str) -> np.ndarray:
        return add_title(np.zeros((500, 500, 3), np.uint8), Face(Box(0, 0, 500, 500), emotion, 0.9, {emotion: 0.9}))

    assert np.array_equal(titled("müde"), titled("mude"))
    assert np.array_equal(titled("疲れ"), titled("??"))
    assert not np.array_equal(titled("müde"), titled("bored"))
