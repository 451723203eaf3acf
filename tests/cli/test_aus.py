"""`mien aus` and `mien score`, and the networks in ONNX that they run."""

import csv
import io
import json
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.au_tables import native_columns, write_au_table, write_sad_table
from helpers.commands import Run
from helpers.networks import change_metadata, split_metadata

from mien._io.errors import InputError
from mien.aus.facs import AUS, COLUMNS
from mien.aus.readers import Chunk, au_file
from mien.aus.rules import TABLES, AuTable
from mien.inference.aus.strong_moments import strong_moments
from mien.inference.networks.au_classifier import AUClassifier
from mien.inference.networks.pretrained import AU_NETWORK
from mien.models.metadata import Metadata

CLASSES = ["happy", "surprise", "angry", "sad", "fear", "disgust", "neutral"]
FACES = np.random.default_rng(0).uniform(0, 100, (50, len(AUS))).astype(np.float32)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network, as `train_au` leaves one."""
    path = tmp_path_factory.mktemp("model")
    shutil.copy(AU_NETWORK, path / "best.onnx")
    return path


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return write_au_table(
        tmp_path / "faces.csv", native_columns(AU06=[98, 0], AU12=[97, 0], AU04=[0, 90], AU15=[0, 95])
    )


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_an_empty_baseline_is_not_the_current_folder(mien: Run, faces: Path) -> None:
    _, err = mien("aus", faces, "--baseline", "", code=2)
    assert err == "error: --baseline: found an empty path, expected median or the name of a file\n"


def test_prediction_needs_no_tensorflow(folder: Path, faces: Path) -> None:
    script = "import sys; from mien.cli import main; main(); sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    command = [sys.executable, "-c", script, "aus", str(faces), "--model", str(folder)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("damage", ["no onnx", "another onnx", "other classes", "other columns"])
def test_a_damaged_model_is_refused(folder: Path, tmp_path: Path, damage: str) -> None:
    if damage == "another onnx":
        (tmp_path / "best.onnx").write_bytes(b"nothing")
    elif damage != "no onnx":
        (tmp_path / "best.onnx").write_bytes((folder / "best.onnx").read_bytes())
        changed = {
            "other classes": Metadata.of_aus(CLASSES[1:], COLUMNS),
            "other columns": Metadata.of_aus(CLASSES, "a"),
        }
        change_metadata(tmp_path, changed[damage].to_props())
    with pytest.raises(InputError, match=str(tmp_path)):
        AUClassifier.from_pretrained(tmp_path)


def test_a_model_of_older_versions_is_read_with_a_note(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "best.onnx").write_bytes((folder / "best.onnx").read_bytes())
    split_metadata(tmp_path)
    (tmp_path / "calibration.json").unlink()  # which networks for AUs never had
    classifier = AUClassifier.from_pretrained(tmp_path)
    assert capsys.readouterr().err.startswith(f"note: {tmp_path}/best.onnx has no metadata")
    assert classifier.classes_ == CLASSES
    assert np.array_equal(classifier.predict_proba(FACES), AUClassifier.from_pretrained(folder).predict_proba(FACES))


def test_the_old_name_of_a_table_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = (AUClassifier.from_pretrained(name).predict_proba(FACES) for name in ("seed", "prototypes"))
    assert np.array_equal(old, new)
    assert capsys.readouterr().err == "note: the AU table seed is now called prototypes\n"


def test_predict_names_the_most_probable_class_but_of_missing_rows_none() -> None:
    rules = AUClassifier.from_pretrained("prototypes")
    at_rest, missing = np.zeros(len(AUS)), np.full(len(AUS), np.nan)
    assert rules.predict(np.stack([at_rest, missing])).tolist() == ["neutral", None]


@pytest.mark.parametrize(
    ("intensities", "words"),
    [(FACES[:, 1:], r"found shape \(50, 16\), expected \(N, 17\)"), (FACES[0], "found shape"), (FACES * 2, "0..100")],
)
def test_other_arrays_are_refused(intensities: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=f"intensities: .*{words}"):
        AUClassifier.from_pretrained().predict_proba(intensities)


def test_rules_share_out_certainty_and_rest_is_neutral() -> None:
    classifier = AUClassifier.from_pretrained("prototypes")
    probabilities = classifier.predict_proba(np.vstack([FACES, np.zeros((1, len(AUS)))]))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert classifier.classes_[probabilities[-1].argmax()] == "neutral"
    assert probabilities[-1].max() == 1


def test_a_table_can_be_named_by_its_path(tmp_path: Path) -> None:
    assert AUClassifier.from_pretrained(str(write_sad_table(tmp_path))).classes_ == ["sad", "neutral"]


@pytest.mark.parametrize("name", TABLES)
def test_the_pretrained_network_reads_the_prototypes_of_every_table(name: str) -> None:
    table = AuTable.load(name)
    prototypes = np.array([[100.0 * (au in rule.positive) for au in AUS] for rule in table.emotions.values()])
    classifier = AUClassifier.from_pretrained()
    probabilities = classifier.predict_proba(np.vstack([prototypes, np.zeros((1, len(AUS)))]))
    assert [classifier.classes_[index] for index in probabilities.argmax(axis=1)] == [*table.emotions, "neutral"]


def test_the_pretrained_network_is_the_default(mien: Run) -> None:
    (row,) = rows(mien("aus", "--au", "6=98", "--au", "12=97")[0])
    assert (row["emotion"], row["reasons"]) == ("happy", "AU12 AU06")


def test_aus_by_hand(mien: Run) -> None:
    out, err = mien("aus", "--au", "6=98", "--au", "AU12=97", "--model", "prototypes")
    (row,) = rows(out)
    assert err == ""
    assert row["emotion"] == "happy"
    assert row["confidence"] == row["happy"]
    assert row["reasons"] == "AU12 AU06"


def test_au27_by_hand_is_au26(mien: Run) -> None:
    of_27, of_26 = (mien("aus", "--au", f"{au}=90", "--model", "prototypes") for au in (27, 26))
    assert of_27 == of_26
    both, _ = mien("aus", "--au", "27=90", "--au", "26=10", "--au", "5=95", "--model", "prototypes")
    assert rows(both)[0]["emotion"] == "surprise"


def test_the_output_may_be_a_device(mien: Run, faces: Path, tmp_path: Path) -> None:
    device = tmp_path / "null"
    device.symlink_to("/dev/null")
    mien("aus", faces, "--model", "prototypes", "--output", device)
    assert device.is_symlink()


def test_a_table_is_not_overwritten_under_another_spelling(mien: Run, faces: Path) -> None:
    before = faces.read_bytes()
    _, err = mien("aus", faces, "--model", "prototypes", "--output", faces.parent / "x" / ".." / faces.name, code=2)
    assert "is both read and the --output" in err
    assert faces.read_bytes() == before


def test_a_table_row_by_row(mien: Run, faces: Path, folder: Path) -> None:
    out, err = mien("aus", faces, "--model", "du_martinez")
    assert [row["emotion"] for row in rows(out)] == ["happy", "sad"]
    assert [row["row"] for row in rows(out)] == ["1", "2"]
    assert rows(out)[1]["reasons"] == "AU15 AU04"
    assert err == f"note: {faces}: read as native (AUxx, 0..100)\n"
    assert set(CLASSES) < set(rows(mien("aus", faces, "--model", folder)[0])[0])


def test_rules_demand_only_the_aus_that_their_table_names(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", {"AU15": [100, 0], "emotion": ["sad", "neutral"]})
    table = write_sad_table(tmp_path)
    assert [row["emotion"] for row in rows(mien("aus", path, "--model", table)[0])] == ["sad", "neutral"]
    assert json.loads(mien("score", path, "--model", table, "--json")[0])["accuracy"] == 1
    _, err = mien("score", path, "--model", "emfacs", code=2)
    assert err.startswith(f"error: {path}: no column AU01, AU02, AU04, AU05, AU06, AU07, AU09, AU12, AU20, AU23, AU26,")


def test_a_table_of_coders_lacks_aus_and_has_others(mien: Run, tmp_path: Path) -> None:
    columns = native_columns(
        AU06=[100, 0], AU12=[100, 0], AU15=[0, 100], AU04=[0, 100], AU43=[0, 100], emotion=["Joy", "sad"]
    )
    del columns["AU16"], columns["AU24"]
    path = write_au_table(tmp_path / "coded.csv", columns)
    _, err = mien("score", path, code=2)
    assert err == f"error: {path}: no column AU24, expected it, or --missing zero to count it as 0\n"
    out, err = mien("score", path, "--missing", "zero", "--json")
    assert json.loads(out)["accuracy"] == 1
    assert err.startswith(f"note: {path}: read as native (AUxx, 0..100); 0 for AU16, AU24; AU43 ignored\n")


def test_json_is_a_line_a_row(mien: Run, faces: Path) -> None:
    first, second = map(json.loads, mien("aus", faces, "--json", "--model", "prototypes")[0].splitlines())
    assert (first["row"], first["emotion"], first["reasons"]) == (1, "happy", ["AU12", "AU06"])
    assert sum(second["probabilities"].values()) == pytest.approx(1, abs=0.001)


def test_rows_without_a_face_keep_their_place(mien: Run, tmp_path: Path) -> None:
    columns = {f"AU{au:02d}_r": [0, 0] for au in AUS if au not in (16, 24)}
    path = write_au_table(tmp_path / "a.csv", columns | {"AU12_r": [0, 4], "success": [0, 1]})
    missing, happy = rows(mien("aus", path, "--model", "prototypes")[0])
    assert set(missing.values()) == {str(path), "1", ""}
    assert happy["emotion"] == "happy"
    first, _ = map(json.loads, mien("aus", path, "--model", "prototypes", "--json")[0].splitlines())
    assert (first["emotion"], first["reasons"], first["probabilities"]["happy"]) == (None, [], None)
    (summary,) = rows(mien("aus", path, "--model", "prototypes", "--per-file")[0])
    assert (summary["rows"], summary["emotion"]) == ("1", "happy")


def test_a_file_becomes_one_prediction_from_its_strong_moments(mien: Run, tmp_path: Path) -> None:
    smile = [0] * 8 + [90, 95]
    columns = {name: [0] * 10 for name in native_columns()} | {"AU06": smile, "AU12": smile}
    paths = [write_au_table(tmp_path / name, columns) for name in ("a.csv", "b.csv")]
    out, err = mien("aus", *paths, "--per-file", "--model", "prototypes")
    assert [(row["file"], row["rows"], row["emotion"]) for row in rows(out)] == [(str(p), "10", "happy") for p in paths]
    assert len(err.splitlines()) == 1


def test_a_file_without_a_face_keeps_its_place(mien: Run, tmp_path: Path) -> None:
    columns: dict[str, list[float]] = {f"AU{au:02d}_r": [0, 4] for au in (*AUS, 45) if au not in (16, 24)}
    paths = [
        write_au_table(tmp_path / name, columns | {"success": [0, seen]}) for name, seen in (("a.csv", 0), ("b.csv", 1))
    ]
    blind, seeing = rows(mien("aus", *paths, "--per-file", "--model", "prototypes")[0])
    assert set(blind.values()) == {str(paths[0]), "0", ""}
    assert (seeing["file"], seeing["rows"]) == (str(paths[1]), "1")
    assert seeing["emotion"]


def chunks(intensities: np.ndarray, size: int) -> Iterator[Chunk]:
    for first in range(0, len(intensities), size):
        part = intensities[first : first + size].astype(np.float32)
        yield Chunk(first + 1, part, np.ones(len(part), bool), None)


@pytest.mark.parametrize("count", [1, 9, 10, 11, 1000])
def test_strong_moments_are_a_percentile(count: int) -> None:
    intensities = np.random.default_rng(count).uniform(0, 100, (count, len(AUS))).round(2)
    intensities[:, 0], intensities[:, 1] = 0, 100
    strong, seen = strong_moments(chunks(intensities, 7))
    assert seen == count
    np.testing.assert_allclose(strong, np.percentile(intensities, 90, axis=0, method="inverted_cdf"), rtol=1e-6)


def test_strong_moments_take_no_more_memory_for_more_rows() -> None:
    rows = np.random.default_rng(0).uniform(0, 100, (2_000, len(AUS)))
    peaks = []
    for repeats in (2, 50):
        tracemalloc.start()
        strong_moments(chunk for _ in range(repeats) for chunk in chunks(rows, 1_000))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_output_appears_whole_or_not_at_all(mien: Run, faces: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    bad = write_au_table(tmp_path / "bad.csv", native_columns(AU12=["x", "x"]))
    _, err = mien("aus", bad, "--output", output, "--model", "prototypes", code=2)
    assert "bad.csv: none of the first 2 rows can be read: row 1, column AU12: found 'x'" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "faces.csv"]
    mien("aus", faces, "--output", output, "--model", "prototypes")
    assert output.read_text() == mien("aus", faces, "--model", "prototypes")[0]
    mien("aus", faces, "--output", tmp_path / "none" / "out.csv", "--model", "prototypes", code=2)
    assert "both read and" in mien("aus", faces, "--output", faces, "--model", "prototypes", code=2)[1]


@pytest.mark.parametrize("summary", [[], ["--per-file"]])
def test_a_bad_file_does_not_stop_the_others(mien: Run, faces: Path, tmp_path: Path, summary: list[str]) -> None:
    bad, none = write_au_table(tmp_path / "bad.csv", native_columns(AU12=["x", "x"])), tmp_path / "none.csv"
    output = tmp_path / "out.csv"
    words = ("--model", "prototypes", *summary)
    _, err = mien("aus", bad, none, faces, "--output", output, *words, code=2)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert errors[0].startswith(f"error: {bad}: none of the first 2 rows")
    assert errors[1].startswith(f"error: {none}: cannot be read")
    assert errors[2] == f"error: 2 of 3 tables could not be read, the first is {bad}"
    assert len(errors) == 3
    assert output.read_text() == mien("aus", faces, *words)[0]
    output.unlink()
    mien("aus", bad, none, "--output", output, *words, code=2)
    assert not output.exists()


def test_bad_rows_are_named_for_each_file(mien: Run, tmp_path: Path) -> None:
    columns = native_columns(AU06=[98, 98], AU12=[97, "-nan(ind)"])
    paths = [write_au_table(tmp_path / name, columns) for name in ("a.csv", "b.csv")]
    out, err = mien("aus", *paths, "--model", "prototypes")
    assert [row["emotion"] for row in rows(out)] == ["happy", ""] * 2
    problem = "1 of 2 rows cannot be read and have no prediction, the first: row 2, column AU12: found '-nan(ind)'"
    assert [f"note: {path}: {problem}, expected a number 0..100" in err.splitlines() for path in paths] == [True, True]
    out, _ = mien("aus", *paths, "--model", "prototypes", "--per-file")
    assert [(row["rows"], row["emotion"]) for row in rows(out)] == [("1", "happy")] * 2


def test_rows_before_damage_are_kept_beside_other_files(
    mien: Run, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 2)
    cut = tmp_path / "cut.csv"
    cut.write_text(faces.read_text() + '"0')
    out, err = mien("aus", cut, faces, "--model", "prototypes", code=2)
    assert [row["file"] for row in rows(out)] == [str(cut)] * 2 + [str(faces)] * 2
    assert f"error: {cut}: not a table" in err
    assert "; its first 2 rows are in the output\n" in err
