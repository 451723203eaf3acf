"""`mien drift`: what counts as drift, what does not, and the output."""

import gzip
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers.commands import Run
from helpers.photos import portrait
from helpers.pictures import encoded

from mien._io.errors import InputError
from mien.inference.drift.comparison import LEVEL, MAX_PSI, compare, drifted
from mien.inference.drift.feature_scores import with_feature_scores
from mien.inference.drift.measures import FEATURES, Faces, read_faces
from mien.inference.recognizer import EmotionRecognizer

SMALL = ("--model", "mien_small")


def faces(count: int, seed: int, brightness: float = 120, happy: float = 0.5) -> Faces:
    rng = np.random.default_rng(seed)
    table = {
        "brightness": rng.normal(brightness, 20, count).round(2),
        "contrast": rng.normal(50, 10, count).round(2),
        "size": rng.integers(40, 200, count),
        "confidence": rng.uniform(0.3, 1, count).round(4),
        "emotion": rng.choice(["happy", "sad"], count, p=[happy, 1 - happy]),
    }
    return Faces(pd.DataFrame(table))


@pytest.mark.parametrize(("old", "now"), [(2000, 2000), (2000, 50), (30, 3000), (25, 25)])
def test_faces_from_one_source_hardly_ever_drift(old: int, now: int) -> None:
    alarms = [drifted(compare(faces(old, 2 * seed), faces(now, 2 * seed + 1))) for seed in range(25)]
    assert sum(map(bool, alarms)) <= 1  # of 25, where 0.01 of them are expected


@pytest.mark.parametrize("now", [40, 400, 4000])
def test_what_has_drifted_is_found(now: int) -> None:
    assert drifted(compare(faces(2000, 0), faces(now, 1, brightness=150))) == ["brightness"]
    assert drifted(compare(faces(2000, 0), faces(now, 1, happy=0.95))) == ["emotion"]


def test_a_small_shift_of_many_faces_is_no_drift() -> None:
    lines = compare(faces(20_000, 0), faces(20_000, 1, brightness=123))
    assert lines["measure"][0] == "brightness"
    assert lines["p"][0] < LEVEL / 5
    assert lines["psi"][0] < MAX_PSI
    assert drifted(lines) == []


def test_p_is_uniform_where_nothing_drifts() -> None:
    values = np.concatenate([compare(faces(60, seed), faces(40, 1000 + seed))["p"].dropna() for seed in range(60)])
    assert len(values) == 300
    shares = [np.mean(values <= level) for level in (0.1, 0.25, 0.5)]
    assert shares == pytest.approx([0.1, 0.25, 0.5], abs=0.07)


def test_psi_is_that_of_its_definition() -> None:
    old, now = ["happy"] * 60 + ["sad"] * 40, ["happy"] * 30 + ["sad"] * 70
    lines = compare(Faces(pd.DataFrame({"emotion": old})), Faces(pd.DataFrame({"emotion": now})))
    p, q = 60.5 / 101, 30.5 / 101
    expected = (q - p) * np.log(q / p) + (p - q) * np.log((1 - q) / (1 - p))
    assert lines["psi"][0] == pytest.approx(expected)
    assert lines["measure"].tolist() == ["emotion", "happy", "sad"]
    assert lines["new"].tolist()[1:] == [0.3, 0.7]


def test_a_value_that_all_faces_have_is_no_drift() -> None:
    constant = Faces(pd.DataFrame({"size": np.full(50, 48)}))
    (line,) = compare(constant, constant).to_dict("records")
    assert (line["psi"], line["p"], line["drift"]) == (0, 1, False)


def with_features(count: int, seed: int, shift: float = 0.0, network: str = "0123abcd") -> Faces:
    """Return faces with 32 features, of which a shift, in standard deviations, moves two."""
    values = np.random.default_rng(seed).normal(0, 1, (count, 32))
    values[:, :2] += shift
    names = [f"feature_{number}_{network}" for number in range(1, 33)]
    return Faces(pd.DataFrame(values.round(3), columns=names).assign(size=50))


@pytest.mark.parametrize(("old", "now"), [(1000, 1000), (1000, 60), (60, 60), (25, 25)])
def test_features_from_one_source_hardly_ever_drift(old: int, now: int) -> None:
    pairs = [with_feature_scores(with_features(old, 2 * seed), with_features(now, 2 * seed + 1)) for seed in range(20)]
    assert sum(bool(drifted(compare(*pair))) for pair in pairs) <= 1  # of 20, where 0.01 of them are expected


@pytest.mark.parametrize(("count", "shift"), [(60, 3.0), (400, 1.0)])
def test_a_shift_of_some_features_is_found(count: int, shift: float) -> None:
    lines = compare(*with_feature_scores(with_features(1000, 0), with_features(count, 1, shift)))
    assert drifted(lines) == [FEATURES]
    row = lines.set_index("measure").loc[FEATURES]
    assert abs(row["reference"]) < 0.2
    assert row["new"] == pytest.approx(shift * np.sqrt(2), rel=0.35)  # in standard deviations, along the shift


def test_copies_of_the_reference_among_the_new_faces_are_no_drift() -> None:
    old = with_features(60, 0)
    new = Faces(pd.concat([old.table[:40], old.table[:10]], ignore_index=True))
    assert drifted(compare(*with_feature_scores(old, new))) == []


def test_the_half_that_was_learnt_from_has_no_score() -> None:
    old, new = with_feature_scores(with_features(200, 0), with_features(100, 1))
    assert list(old.table) == ["size", FEATURES]
    assert 70 < old.table[FEATURES].isna().sum() < 130
    assert 30 < new.table[FEATURES].isna().sum() < 70


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (with_features(50, 1, network="ffff0000"), "as two networks read them"),
        (Faces(pd.DataFrame({"size": np.full(50, 48)})), "because one table lacks it"),
        (Faces(with_features(1, 1).table.iloc[[0] * 50]), "as the faces of a set are hardly more than copies of one"),
    ],
)
def test_features_that_cannot_be_compared_are_said(new: Faces, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = compare(*with_feature_scores(with_features(50, 0), new))
    assert lines["measure"].tolist() == ["size"]
    assert f"note: not compared, {why}: features" in capsys.readouterr().err


def test_one_note_names_all_that_one_table_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = with_features(50, 0), Faces(pd.DataFrame({"size": np.full(50, 48)}))
    old = Faces(old.table.assign(brightness=1.0))
    for pair in ((old, new), (new, old)):
        compare(*with_feature_scores(*pair))
        assert [line for line in capsys.readouterr().err.splitlines() if "not compared" in line] == [
            "note: not compared, because one table lacks it: brightness, features"
        ]


def write_faces(path: Path, count: int, gain: float = 1.0) -> Path:
    """Write crops of a face, each slightly different, as a folder or a zip."""
    rng = np.random.default_rng(0)
    files = {}
    for number in range(count):
        left, top = rng.integers(150, 175), rng.integers(100, 125)
        crop = portrait()[top : top + 205, left : left + 205] * (gain * rng.uniform(0.8, 1.0))
        files[f"{number}.jpg"] = encoded(crop.astype(np.uint8), ".jpg")
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(f"faces/{name}", data)
            archive.writestr("__MACOSX/._1.jpg", b"x")
            archive.writestr("readme.txt", b"x")
        return path
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def test_darker_pictures_are_a_drift(mien: Run, tmp_path: Path) -> None:
    old, dark = write_faces(tmp_path / "old.zip", 30), write_faces(tmp_path / "dark", 30, gain=0.35)
    (dark / "broken.jpg").write_bytes(b"x")
    outputs = ("--output", tmp_path / "d.csv", "--faces-csv", tmp_path / "faces.csv", "--plot", tmp_path / "d.png")
    out, err = mien("drift", dark, "--against", old, "--crops", "both", *SMALL, *outputs, code=3)
    assert out.splitlines()[0] == "30 faces of the reference, 30 new ones"
    assert "brightness" in out.splitlines()[-1]
    assert "1 of 31 photos cannot be read, the first is " in err
    written = pd.read_csv(tmp_path / "d.csv")
    assert written["measure"][0] == "brightness"
    assert written["reference"][0] > 1.5 * written["new"][0]
    assert cv2.imread(str(tmp_path / "d.png")) is not None
    for _ in range(2):  # a table in the folder is replaced by the next run
        written_there = ("--faces-csv", dark / "faces.csv", "--output", dark / "d.csv")
        mien("drift", dark, "--against", old, "--crops", "both", *SMALL, *written_there, code=3)
    again, _ = mien("drift", tmp_path / "faces.csv", "--against", old, "--crops", "reference", *SMALL, code=3)
    assert again == out


def test_pictures_like_the_reference_are_none(mien: Run, tmp_path: Path) -> None:
    old, new = write_faces(tmp_path / "old.zip", 30), write_faces(tmp_path / "new", 25)
    out, _ = mien("drift", new, "--against", old, "--crops", "both", "--json", *SMALL)
    lines = [json.loads(line) for line in out.splitlines()]
    measures = ["brightness", "contrast", "sharpness", "size", "confidence", "features", "emotion"]
    assert [line["measure"] for line in lines][:7] == measures
    assert [line for line in lines if line["drift"]] == []


def test_upside_down_faces_are_a_drift_that_brightness_does_not_show(mien: Run, tmp_path: Path) -> None:
    old, new = write_faces(tmp_path / "old.zip", 60), write_faces(tmp_path / "new", 60)
    for path in new.iterdir():
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        path.write_bytes(encoded(image[::-1], ".jpg"))
    out, _ = mien("drift", new, "--against", old, "--crops", "both", "--json", *SMALL, code=3)
    verdicts = {line["measure"]: line["drift"] for line in map(json.loads, out.splitlines())}
    assert (verdicts["features"], verdicts["brightness"], verdicts["size"]) == (True, False, False)


def test_tables_of_mien_image_are_compared_by_what_they_have(mien: Run, tmp_path: Path) -> None:
    header = "file,face,left,top,width,height,emotion,confidence,happy,sad\n"
    rows = [f"{number}.jpg,1,0,0,90,{90 + number % 9},happy,0.{90 + number % 7},0.9,0.1\n" for number in range(40)]
    (tmp_path / "a.csv").write_text(header + "".join(rows))
    faces(40, 0).table.to_csv(tmp_path / "b.csv")
    out, err = mien("drift", tmp_path / "a.csv", "--against", tmp_path / "b.csv", code=3)
    assert "not compared, because one table lacks it: brightness, contrast" in err
    assert [line.split()[0] for line in out.splitlines()[2:-1]] == ["size", "confidence", "emotion", "happy", "sad"]


def test_emotions_of_a_table_stay_text(mien: Run, tmp_path: Path) -> None:
    for name, share in (("old.csv", 20), ("new.csv", 80)):
        (tmp_path / name).write_text("emotion\n" + "None\n" * share + "0\n" * (100 - share))
    _, err = mien("drift", tmp_path / "new.csv", "--against", tmp_path / "old.csv", "--json", code=3)
    assert "left out" not in err
    refused = mien("drift", tmp_path / "new.csv", "--against", tmp_path / "old.csv", "--tta", "none", code=2)[1]
    assert "--tta: expected none with two tables, in which no face is searched or read" in refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "new.csv: no such file or folder, expected a folder or zip of pictures"),
        ("a,b\n1,2\n", "new.csv: found columns a, b, expected some of brightness"),
        ("", "new.csv: cannot be read"),
        ("size\n" + "1\n" * 30 + "x\n", "new.csv: row 31, column size: found 'x', expected numbers"),
        ("size\n" + "1\n" * 19, "new.csv: found 19 faces, expected at least 20"),
        ("size,file\n,a\n" + "1,b\n" * 30 + "x,c\n", "new.csv: row 32, column size: found 'x', expected numbers"),
        ("emotion, Pixels\n" + "0,1 2\n" * 30, "new.csv: has the pixels of faces, not their measures; make pictures"),
        ("contrast\n" + "1\n" * 30, "the tables have no column in common"),
    ],
)
def test_bad_tables_are_one_line(mien: Run, tmp_path: Path, content: str | None, message: str) -> None:
    (tmp_path / "old.csv").write_text("size\n" + "1\n" * 30)
    if content is not None:
        (tmp_path / "new.csv").write_text(content)
    out, err = mien(
        "drift", tmp_path / "new.csv", "--against", tmp_path / "old.csv", "--output", tmp_path / "o", code=2
    )
    assert (out, message in err.splitlines()[-1]) == ("", True), err
    assert not (tmp_path / "o").exists()


def test_a_late_word_among_many_numbers_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "faces.csv").write_text("size\n" + "1\n" * 600_000 + "x\n")  # more rows than pandas reads at once
    with pytest.raises(InputError, match="row 600001, column size: found 'x', expected numbers"):
        read_faces(tmp_path / "faces.csv", EmotionRecognizer)


@pytest.mark.parametrize("name", ["cut.zip", "cut.csv.gz"])
def test_a_packed_file_that_is_cut_off_is_one_line(mien: Run, tmp_path: Path, name: str) -> None:
    whole = write_faces(tmp_path / "old.zip", 3).read_bytes()
    if name.endswith(".gz"):
        whole = gzip.compress(with_features(50, 0).table.to_csv().encode())
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    out, err = mien("drift", tmp_path / name, "--against", tmp_path / "old.zip", "--crops", "both", *SMALL, code=2)
    assert (out, len(err.splitlines())) == ("", 1)
    assert f"{name}: " in err


def test_pictures_without_faces_are_one_line(mien: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "grey.png").write_bytes(encoded(np.full((80, 80), 90, np.uint8), ".png"))
    out, err = mien("drift", tmp_path / "new", "--against", tmp_path / "new", *SMALL, code=2)
    assert out == ""
    assert "new: found no face in 1 photos, expected a folder or zip of pictures, or a CSV of faces" in err
