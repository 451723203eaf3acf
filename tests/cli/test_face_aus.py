"""`--aus`: Action Units from photos and videos, and what `mien aus` and `mien stats` make of their tables."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import Run
from helpers.networks import au_network, brightness_network
from helpers.photos import portrait
from helpers.pictures import encoded, write_files
from PIL import Image

from mien.aus.facs import COLUMNS


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return au_network(tmp_path_factory.mktemp("network"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos of one face each: AU01 and AU02 are 100 in the first, 0 in the second."""
    flat = {f"{level}.png": encoded(np.full((48, 48), level, np.uint8)) for level in (0, 255)}
    return write_files(tmp_path / "photos", flat)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_photos_have_a_column_for_each_au(mien: Run, network: Path, photos: Path, tmp_path: Path) -> None:
    faces = tmp_path / "faces.csv"
    options = (photos, "--crop", "--model", network, "--aus")
    out, _ = mien("image", *options, "--faces-csv", faces, "--annotated", tmp_path / "out")
    first, second = out.splitlines()
    assert first.endswith("0.png: angry 99% (AU04+AU07+AU17)")
    assert second.endswith("255.png: sad 99% (AU01+AU04+AU06)")
    table = rows(faces.read_text())
    assert list(table[0])[-len(COLUMNS) - 1 :] == [*COLUMNS, "reasons"]
    assert [(row["AU01"], row["AU02"], row["AU26"]) for row in table] == [
        ("0.0",) * 2 + ("80.0",),
        ("100.0",) * 2 + ("80.0",),
    ]
    assert table[0]["reasons"] == "AU04 AU07 AU17 AU24"
    answers = [json.loads(line)["faces"][0] for line in mien("image", *options, "--json")[0].splitlines()]
    assert [answer["aus"]["AU01"] for answer in answers] == [0, 100]
    assert [" ".join(answer["reasons"]) for answer in answers] == [row["reasons"] for row in table]


def test_a_network_without_aus_is_one_line(mien: Run, photos: Path, tmp_path: Path) -> None:
    plain = brightness_network(tmp_path / "plain")
    for command in (("image", photos), ("video", photos / "0.png", "--no-display", "--faces-csv", tmp_path / "a.csv")):
        _, err = mien(*command, "--model", plain, "--aus", code=2)
        assert (
            err == f"error: {plain}/best.onnx: reads no Action Units, expected a network that does, such as mien_wild\n"
        )
    assert not (tmp_path / "a.csv").exists()


def test_mien_aus_keeps_faces_of_several_photos_apart(mien: Run, network: Path, photos: Path, tmp_path: Path) -> None:
    faces = tmp_path / "faces.csv"
    mien("image", photos, "--crop", "--model", network, "--aus", "--faces-csv", faces)
    each = rows(mien("aus", faces)[0])
    assert [(row["source"], row["face_id"]) for row in each] == [
        (str(photos / name), "1") for name in ("0.png", "255.png")
    ]
    out, err = mien("aus", faces, "--per-file")
    assert [(row["source"], row["rows"], row["emotion"]) for row in rows(out)] == [
        (row["source"], "1", row["emotion"]) for row in each
    ]
    assert "has 2 people, told apart by source and face_id: one row for each" in err
    _, err = mien("aus", faces, "--baseline", "median", code=2)
    found = "found one row per person (told apart by source and face_id), expected several for --baseline median"
    assert err.endswith(f"error: {faces}: {found}\n")


def test_mien_stats_counts_emotions_and_measures_aus(mien: Run, network: Path, photos: Path, tmp_path: Path) -> None:
    faces = tmp_path / "faces.csv"
    mien("image", photos, "--crop", "--model", network, "--aus", "--faces-csv", faces)
    means = {(row["kind"], row["measure"]): float(row["mean"]) for row in rows(mien("stats", faces)[0])}
    assert means["share", "angry"] == means["share", "sad"] == 0.5
    assert means["probability", "angry"] == pytest.approx(0.5, abs=0.01)
    assert (means["intensity", "AU01"], means["intensity", "AU26"]) == (50, 80)
    one, none = faces.read_text().splitlines()[:2], tmp_path / "none.csv"
    none.write_text("\n".join([*one, one[1].replace(",80.0", ",")]))
    _, err = mien("stats", none)
    assert "1 of 2 rows without a face left out" in err


def test_a_video_is_a_table_of_aus_over_time(mien: Run, network: Path, tmp_path: Path) -> None:
    frame = Image.fromarray(portrait()[:, :, ::-1])
    clip, faces = tmp_path / "clip.gif", tmp_path / "faces.csv"
    frame.save(clip, save_all=True, append_images=[frame, frame], duration=100)
    mien("video", clip, "--no-display", "--model", network, "--aus", "--faces-csv", faces)
    table = rows(faces.read_text())
    assert {row["AU04"] for row in table} == {"80.0"}
    read = rows(mien("aus", faces)[0])
    assert [(row["frame"], row["timestamp"], row["face_id"]) for row in read] == [
        (row["frame"], row["seconds"], row["face"]) for row in table
    ]
    assert "source" not in read[0]
