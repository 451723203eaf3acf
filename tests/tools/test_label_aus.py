"""`tools/label_aus.py`, without MediaPipe: its formulas, and what it does when it was killed."""

import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.aus.facs import COLUMNS
from tools import label_aus

#: A face at rest.
REST = {
    **dict.fromkeys(("browInnerUp", "browOuterUp", "browDown", "eyeWide", "eyeSquint", "eyeBlink", "jawOpen"), 0.0),
    **dict.fromkeys(("mouthSmile", "mouthUpperUp", "mouthLowerDown", "mouthShrugLower"), 0.0),
    **dict.fromkeys(("mouthStretch", "mouthRollLower", "mouthPress"), 0.0),
    "brow height": 0.22,
    "corner height": 0.0,
    "lip gap": 0.0,
    "lip thickness": 0.2,
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a zip of four faces; the landmarker of `fake` finds none in black ones."""
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for level in (0, 60, 120, 180):
            archive.writestr(
                f"train/sad/{level}.png", cv2.imencode(".png", np.full((48, 48), level, np.uint8))[1].tobytes()
            )
        archive.writestr("train/readme.txt", "")
    return tmp_path / "faces.zip"


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let brightness be a smile; return the grey levels that were measured."""
    levels: list[int] = []

    def measure(face: np.ndarray) -> Mapping[str, float]:
        levels.append(int(face[0, 0]))
        return REST | {"mouthSmile": levels[-1] / 200} if levels[-1] else {}

    @contextmanager
    def fake(_: str) -> Iterator[Callable[[np.ndarray], Mapping[str, float]]]:
        yield measure

    monkeypatch.setattr(label_aus, "_landmarker", fake)
    return levels


def label(monkeypatch: pytest.MonkeyPatch, source: Path, *words: str) -> list[list[str]]:
    output = source.parent / "aus.csv"
    monkeypatch.setattr(sys, "argv", ["label_aus.py", "model", str(source), str(output), *words])
    label_aus.main()
    return [line.split(",") for line in output.read_text().splitlines()]


def test_each_image_has_a_row(monkeypatch: pytest.MonkeyPatch, source: Path) -> None:
    header, *rows = label(monkeypatch, source)
    assert set(header[1:]) == {*COLUMNS} - {"AU09"}
    smiles = {row[0]: row[header.index("AU12")] for row in rows}
    assert smiles == {
        "train/sad/0.png": "",
        **{f"train/sad/{level}.png": f"{level / 2:.1f}" for level in (60, 120, 180)},
    }
    assert {cell for row in rows for name, cell in zip(header, row, strict=True) if name == "AU04"} == {"", "0.0"}


def test_a_killed_run_goes_on(monkeypatch: pytest.MonkeyPatch, source: Path, measured: list[int]) -> None:
    whole = label(monkeypatch, source)
    text = (source.parent / "aus.csv").read_text()
    (source.parent / "aus.csv.partial").write_text(text[: text.rindex("\n", 0, -1) - 5])  # in its last but one row
    measured.clear()
    assert label(monkeypatch, source) == whole
    assert len(measured) <= 2


def test_some_faces_are_the_first_of_all(monkeypatch: pytest.MonkeyPatch, source: Path) -> None:
    assert label(monkeypatch, source, "--faces", "2") == label(monkeypatch, source)[:3]


def test_sides_are_averaged_and_distances_are_those_of_the_face_from_the_front() -> None:
    assert label_aus._means({"jawOpen": 0.3, "eyeWideLeft": 0.2, "eyeWideRight": 0.4})["eyeWide"] == pytest.approx(0.3)
    points = np.zeros((478, 3))
    points[33], points[263] = (-2, 0, 0), (2, 0, 0)
    points[[133, 362]] = 0
    points[[55, 107, 285, 336]] = 0, 1, 0
    points[14], points[17] = (0, -1, 0), (0, -1.5, 0)
    angle = np.pi / 6  # turned to the side
    pose = 3 * np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    distances = label_aus._distances(points @ (pose / 3).T, pose)
    assert distances == pytest.approx(
        {"brow height": 0.25, "corner height": 0.125, "lip gap": 0.25, "lip thickness": 0.125}
    )
