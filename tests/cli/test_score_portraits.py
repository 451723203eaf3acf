"""`mien score --detector`: whole portraits are read as `mien image` reads them."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.commands import Run
from helpers.photos import ASTRONAUT, PORTRAIT, astronaut, portrait, turned
from helpers.pictures import encoded, numbers, picture, write_csv, write_files, zipped

#: Emotions are made up, so that right and wrong answers are both there.
PORTRAITS = {
    "happy/astronaut.png": ASTRONAUT.read_bytes(),
    "happy/mirrored.jpg": encoded(np.ascontiguousarray(astronaut()[:, ::-1]), ".jpg"),
    "happy/dark.png": encoded((astronaut() * 0.4).astype(np.uint8)),
    "neutral/admiral.jpg": PORTRAIT.read_bytes(),
    "neutral/tilted.png": encoded(turned(portrait(), 15)),
    "neutral/small.webp": encoded(cv2.resize(portrait(), None, fx=0.4, fy=0.4), ".webp"),
    "sad/wide.png": encoded(np.hstack([astronaut(), np.full_like(astronaut(), 90)])),
    "sad/half.jpg": PORTRAIT.read_bytes()[:40_000],
}
NO_FACES = {"sad/noise.png": encoded(picture(0, 200)), "neutral/wall.png": encoded(np.full((300, 200), 99, np.uint8))}


def shown(out: str) -> dict[str, list[dict[str, Any]]]:
    """Return the faces that `mien image --json` shows, by file."""
    return {Path(row["file"]).name: row["faces"] for row in map(json.loads, out.splitlines())}


@pytest.mark.parametrize("detector", ["yunet", "haar"])
def test_portraits_are_read_as_photos_are(mien: Run, tmp_path: Path, detector: str) -> None:
    write_files(tmp_path / "portraits", PORTRAITS | NO_FACES)
    reading = ("--detector", detector, "--precision", "fp32", "--tta", "none")
    photos = shown(mien("image", tmp_path / "portraits", *reading, "--json")[0])
    out, err = mien("score", tmp_path / "portraits", "--detector", detector, "--all-classes", "--json")
    figures = json.loads(out)
    truth = {Path(name).name: name.partition("/")[0] for name in PORTRAITS | NO_FACES}
    with_face = {name: faces[0]["emotion"] for name, faces in photos.items() if faces}
    assert len(with_face) >= 6
    assert (figures["images"], figures["no_face"]) == (len(with_face), len(photos) - len(with_face))
    for emotion in ("happy", "neutral", "sad"):
        rows = [name for name in with_face if truth[name] == emotion]
        right = sum(with_face[name] == emotion for name in rows)
        assert figures["per_class"][emotion]["support"] == len(rows)
        assert figures["per_class"][emotion]["recall"] == pytest.approx(right / len(rows), abs=1e-4)
    assert f"{figures['no_face']} images show no face that was found; left out; neutral/" in err
    assert "sad/half.jpg: is a JPEG that is cut short" in err
    assert "whole portraits" not in err


def test_a_zip_of_portraits_has_the_figures_of_the_folder(mien: Run, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "portraits", PORTRAITS)
    archive = zipped(tmp_path / "portraits.zip", PORTRAITS)
    scores = [json.loads(mien("score", source, "--detector", "yunet", "--json")[0]) for source in (folder, archive)]
    assert scores[0] == scores[1]
    assert scores[0]["no_face"] == 0


def test_portraits_without_a_detector_bring_a_note(mien: Run, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "portraits", PORTRAITS)
    err = mien("score", folder, "--json")[1]
    assert f"note: {folder}: these look like whole portraits: of 8 looked at, " in err
    assert "--detector yunet (prepare_fer.detector) crops the faces" in err


def test_crops_without_a_detector_bring_no_note(mien: Run, tmp_path: Path) -> None:
    face, other = portrait()[100:320, 160:370], astronaut()[70:200, 165:285]
    crops = {
        "neutral/large.png": encoded(face),
        "neutral/mirrored.png": encoded(np.ascontiguousarray(face[:, ::-1])),
        "happy/large.png": encoded(cv2.resize(other, (200, 200))),
        "happy/dark.png": encoded((cv2.resize(other, (300, 300)) * 0.5).astype(np.uint8)),
    }
    assert "portraits" not in mien("score", write_files(tmp_path / "crops", crops), "--json")[1]
    small = {name: encoded(cv2.resize(astronaut(), (48, 48))) for name in crops}
    assert "portraits" not in mien("score", write_files(tmp_path / "small", small), "--json")[1]
    noise = {name: encoded(picture(number, 300)) for number, name in enumerate(crops)}
    assert "portraits" not in mien("score", write_files(tmp_path / "noise", noise), "--json")[1]


def test_a_source_without_any_face_is_refused(mien: Run, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "noise", NO_FACES)
    err = mien("score", folder, "--detector", "yunet", code=2)[1]
    assert len(err.splitlines()) == 1
    assert "2 images show no face that was found" in err


def test_a_table_of_faces_is_not_searched(mien: Run, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "fer2013.csv", [(3, numbers(picture(0)), "PrivateTest")])
    err = mien("score", table, "--detector", "yunet", code=2)[1]
    assert f"{table}: is a table of faces of 48 x 48 pixels, expected a folder or zip of pictures" in err
