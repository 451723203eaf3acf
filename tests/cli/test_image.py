"""`mien image`, and the boxes and labels that it draws."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from helpers.commands import call_mien, run_unread
from helpers.networks import CLASSES, LEVELS, brightness_network, linear_network
from helpers.photos import FACE, PORTRAIT, overlap, portrait
from helpers.pictures import encoded, write_files
from PIL import Image

from mien.inference.annotate import add_title, annotate_faces
from mien.inference.face import Face
from mien.inference.faces.detectors import Box
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.pictures.photo_files import read_photo


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return brightness_network(tmp_path_factory.mktemp("network"))


@pytest.fixture
def image(
    network: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """`mien image` with a small network: returns exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        return call_mien(monkeypatch, "image", "--model", network, *arguments), *capsys.readouterr()

    return run


def flat(level: int) -> bytes:
    """Return a PNG file of one grey level, which `brightness_network` takes for an emotion."""
    return encoded(np.full((48, 48), level, np.uint8))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_command_line_reads_a_photo_without_tensorflow(network: Path, tmp_path: Path) -> None:
    code = "import sys; from mien.cli import main; main(); print([n for n in ('keras', 'pandas') if n in sys.modules])"
    picture, faces, why = tmp_path / "annotated.png", tmp_path / "faces.csv", tmp_path / "why.png"
    options = (
        "--model",
        network,
        "--annotated",
        picture,
        "--explain",
        why,
        "--faces-csv",
        faces,
        "--output-csv",
        tmp_path / "f.csv",
    )
    command = [sys.executable, "-c", code, "image", str(PORTRAIT), *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line, loaded = done.stdout.splitlines()
    (face,) = table(faces)
    assert line == f"{PORTRAIT}: {face['emotion']} {float(face['confidence']):.0%}"
    assert loaded == "[]"
    assert done.stderr == ""
    box = Box(*(int(face[name]) for name in ("left", "top", "width", "height")))
    assert overlap(box, FACE) > 0.6
    assert sum(float(face[name]) for name in CLASSES) == pytest.approx(1, abs=1e-3)
    assert table(tmp_path / "f.csv") == [
        {"file": str(PORTRAIT), "faces": "1"} | {name: str(int(name == face["emotion"])) for name in CLASSES}
    ]
    assert read_photo(why).shape[1:] == (480, 3)
    changed = (read_photo(picture) != read_photo(PORTRAIT)).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    label = 40
    assert box.top - label < rows[0] < box.top
    assert abs(rows[-1] - (box.top + box.height)) <= 2
    assert abs(columns[0] - box.left) <= 2


def test_a_reader_of_stdout_may_leave(network: Path) -> None:
    assert run_unread("image", "--model", network, PORTRAIT) == (0, "")


def test_a_reader_of_stdout_that_leaves_loses_nothing_of_the_outputs(network: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "in", {f"{name}.png": flat(level) for name, level in zip(CLASSES, LEVELS, strict=True)})
    options = ("--model", network, "--crop", "--faces-csv", tmp_path / "faces.csv", "--annotated", tmp_path / "out")
    assert run_unread("image", tmp_path / "in", *options) == (0, "")
    assert sorted(row["emotion"] for row in table(tmp_path / "faces.csv")) == sorted(CLASSES)
    assert len(list((tmp_path / "out").iterdir())) == len(CLASSES)
    (tmp_path / "in" / "z.png").touch()
    code, err = run_unread("image", tmp_path / "in", *options)
    assert code == 2
    assert err.splitlines()[-1].startswith("error: 1 of 4 photos could not be read")
    assert len(table(tmp_path / "faces.csv")) == len(CLASSES)


def test_json_has_each_face_with_its_distribution(image: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = image(PORTRAIT, "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["file"] == str(PORTRAIT)
    (face,) = answer["faces"]
    assert overlap(Box(**face["box"]), FACE) > 0.6
    assert face["confidence"] == face["probabilities"][face["emotion"]] == max(face["probabilities"].values())


def test_crops_are_read_as_the_predictor_reads_them(
    image: Callable[..., tuple[int, str, str]], network: Path, tmp_path: Path
) -> None:
    face = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    write_files(tmp_path, {"face.png": encoded(face)})
    _, out, _ = image(tmp_path / "face.png", "--crop", "--json", "--annotated", tmp_path / "labelled.jpg")
    (read,) = json.loads(out)["faces"]
    (expected,) = FaceClassifier.from_pretrained(network).predict_proba(face[None])
    assert list(read["probabilities"].values()) == pytest.approx(list(expected), abs=1e-4)
    labelled = read_photo(tmp_path / "labelled.jpg")
    assert labelled.shape[1] == 480
    assert labelled.shape[0] > 480


def test_each_face_may_have_an_action(image: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, _ = image(PORTRAIT, "--actions", "--faces-csv", tmp_path / "faces.csv")
    (row,) = table(tmp_path / "faces.csv")
    assert code == 0
    assert row["action"]
    assert out.strip().endswith(f"%: {row['action']}")
    (face,) = json.loads(image(PORTRAIT, "--actions", "--json")[1])["faces"]
    assert face["action"] == row["action"]


def test_a_folder_is_read_and_counted(image: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    files = {f"in/{name}/{name}.png": flat(level) for name, level in zip(CLASSES, LEVELS, strict=True)}
    write_files(tmp_path, files)
    options = ("--crop", "--output-csv", tmp_path / "all.csv", "--annotated", tmp_path / "out")
    code, out, err = image(tmp_path / "in", *options)
    assert (code, err) == (0, "")
    assert [line.split()[1] for line in out.splitlines()] == CLASSES
    rows = table(tmp_path / "all.csv")
    assert [[name for name in CLASSES if row[name] == "1"] for row in rows] == [[name] for name in CLASSES]
    written = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.*"))
    assert written == [Path(name).relative_to("in") for name in files]


def test_a_folder_of_a_phone_is_read_and_the_rest_counted(
    image: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    write_files(tmp_path / "in", {"1.jfif": flat(LEVELS[0]), "3.MOV": b"", "4.txt": b"", "5.mov": b""})
    pillow_heif.from_pillow(Image.new("L", (48, 48), LEVELS[1])).save(tmp_path / "in" / "2.HEIC", quality=-1)
    code, out, err = image(tmp_path / "in", "--crop", "--annotated", tmp_path / "out")
    assert (code, err) == (0, "note: 3 files were left out: .mov (2), .txt (1)\n")
    assert [line.split()[1] for line in out.splitlines()] == CLASSES[:2]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1.jfif", "2.HEIC.jpg"]


def test_linked_folders_are_read_and_broken_links_named(
    image: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    folder = write_files(tmp_path / "in", {"1.png": flat(LEVELS[0])})
    (folder / "album").symlink_to(write_files(tmp_path / "album", {"2.png": flat(LEVELS[1])}))
    (folder / "3.png").symlink_to("gone.png")
    code, out, err = image(folder, "--crop", "--annotated", tmp_path / "out")
    assert code == 2
    assert [line.split()[1] for line in out.splitlines()] == CLASSES[:2]
    assert (tmp_path / "out" / "album" / "2.png").is_file()
    assert f"{folder / '3.png'}: cannot be read (No such file or directory)" in err
    assert "1 of 3 photos could not be read" in err


def test_bad_photos_are_named_and_counted_and_the_others_done(
    image: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    photos = write_files(
        tmp_path / "in", {"1.png": b"", "2.png": flat(LEVELS[1]), "3.png": b"GIF89a", "4.png": flat(LEVELS[0])}
    )
    code, out, err = image(photos, "--crop", "--output-csv", tmp_path / "all.csv")
    assert code == 2
    assert [line.split()[1] for line in out.splitlines()] == [CLASSES[1], CLASSES[0]]
    assert [Path(row["file"]).name for row in table(tmp_path / "all.csv")] == ["2.png", "4.png"]
    first, second, last = err.splitlines()
    assert "1.png: is not a picture" in first
    assert "3.png: is not a picture" in second
    assert "2 of 4 photos could not be read" in last


def test_one_bad_photo_leaves_one_line_and_no_outputs(
    image: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    before = sorted(write_files(tmp_path, {"cut.png": encoded(portrait())[:9000]}).iterdir())
    outputs = ("--output-csv", tmp_path / "a.csv", "--faces-csv", tmp_path / "b.csv")
    code, out, err = image(tmp_path / "cut.png", *outputs, "--annotated", tmp_path / "c.png")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "cut.png: cannot be read" in err
    assert sorted(tmp_path.iterdir()) == before


def test_what_was_not_read_of_a_photo_is_noted(image: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    first, second = (Image.new("L", (48, 48), level) for level in LEVELS[:2])
    first.save(tmp_path / "moves.webp", save_all=True, append_images=[second], lossless=True)
    code, out, err = image(tmp_path, "--crop", "--json")
    assert (code, json.loads(out)["faces"][0]["emotion"]) == (0, CLASSES[0])
    note = "holds 2 pictures, of which number 1 was read; mien video reads moving pictures"
    assert err == f"note: {tmp_path / 'moves.webp'}: {note}\n"


def test_unsure_faces_are_named_counted_and_drawn_in_a_neutral_colour(
    image: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    write_files(tmp_path, {"face.png": flat(LEVELS[0])})
    options = ("--crop", "--output-csv", tmp_path / "a.csv", "--annotated", tmp_path / "out.png", "--json")
    (sure,) = json.loads(image(tmp_path / "face.png", *options)[1])["faces"]
    assert "unsure" not in table(tmp_path / "a.csv")[0]
    (unsure,) = json.loads(image(tmp_path / "face.png", *options, "--min-confidence", 1)[1])["faces"]
    assert unsure == sure | {"emotion": "unsure"}
    row = table(tmp_path / "a.csv")[0]
    assert list(row)[2:] == [*CLASSES, "unsure"]
    assert [name for name in row if row[name] == "1"] == ["faces", "unsure"]
    assert read_photo(tmp_path / "out.png")[0, 0].tolist() == [220] * 3


def test_a_model_with_other_classes_names_them_in_its_outputs(
    image: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    other = linear_network(tmp_path, np.zeros((48 * 48, 2)), np.array([0.0, 5.0]), ["awake", "asleep"])
    write_files(tmp_path, {"face.png": flat(100)})
    code, out, _ = image(tmp_path / "face.png", "--crop", "--model", other, "--output-csv", tmp_path / "a.csv")
    assert (code, out.split()[1]) == (0, "asleep")
    assert table(tmp_path / "a.csv")[0] | {"file": ""} == {"file": "", "faces": "1", "awake": "0", "asleep": "1"}


def read(box: Box, emotion: str, confidence: float, action: str | None = None) -> Face:
    return Face(box, emotion, confidence, {emotion: confidence, "other": 1 - confidence}, action)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 48), (30, 700), (700, 30), (600, 800), (3000, 4000)])
def test_labels_are_readable_and_inside_pictures_of_any_size(height: int, width: int) -> None:
    image = np.full((height, width, 3), 128, np.uint8)
    side = min(height, width) // 2
    boxes = [
        Box(0, 0, side, side),
        Box(width - side, height - side, side, side),
        Box(-side // 2, height // 3, side, side),
        Box(width - 3, -5, side, side),
    ]
    canvas = annotate_faces(image, [read(box, "happy", 1.0, "dance") for box in boxes], corner="30 frames/s")
    factor = canvas.shape[1] // width
    assert canvas.shape == (height * factor, width * factor, 3)
    assert canvas.shape[1] >= 480
    assert (image == 128).all()
    ground = (canvas == (40, 190, 240)).all(axis=2)
    assert ground.any(axis=1).sum() >= 12
    assert ground.any(axis=0).sum() >= 100


def test_labels_of_neighbours_do_not_cover_each_other() -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    faces = [read(Box(left, 200, 40, 40), "sad", 0.5) for left in (100, 120)]
    apart = [annotate_faces(image, [face]) for face in faces]
    both = annotate_faces(image, faces)
    ground = [(canvas == (200, 120, 50)).all(axis=2).sum() for canvas in (*apart, both)]
    assert ground[2] > 0.9 * (ground[0] + ground[1])


def test_labels_leave_the_faces_of_neighbours_free() -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    upper, lower = Box(200, 100, 80, 80), Box(210, 185, 80, 80)
    canvas = annotate_faces(image, [read(box, "sad", 0.5, "listen to someone") for box in (lower, upper)])
    for box in (upper, lower):
        inside = canvas[box.top + 2 : box.top + box.height - 2, box.left + 2 : box.left + box.width - 2]
        assert not inside.any()


def test_the_strip_over_a_face_leaves_the_face_whole() -> None:
    face = portrait()
    canvas = add_title(face, read(Box(0, 0, 512, 600), "happy", 0.99))
    assert canvas.shape[1] == face.shape[1]
    assert np.array_equal(canvas[-face.shape[0] :], face)
    assert cv2.countNonZero(cv2.inRange(canvas[: -face.shape[0]], (40, 190, 240), (40, 190, 240))) > 1000


def test_one_photo_may_have_a_folder_of_outputs(image: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """A glob such as `holidays/*.jpg` may match one photo."""
    write_files(tmp_path, {"in/a.png": flat(LEVELS[0])})
    there = tmp_path / "there"
    there.mkdir()
    code, _, err = image(tmp_path / "in/a.png", "--crop", "--annotated", f"{tmp_path / 'new'}/", "--explain", there)
    assert (code, err) == (0, "")
    assert [path.name for folder in (tmp_path / "new", there) for path in folder.iterdir()] == ["a.png", "a.png"]


def test_tables_of_an_earlier_run_are_replaced_in_the_folder_of_photos(
    image: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    folder = write_files(tmp_path / "in", {"a.png": flat(LEVELS[0])})
    outputs = ("--faces-csv", folder / "faces.csv", "--output-csv", folder / "photos.csv")
    assert [image(folder, "--crop", *outputs)[0] for _ in range(2)] == [0, 0]
    assert [row["file"] for row in table(folder / "faces.csv")] == [str(folder / "a.png")]
