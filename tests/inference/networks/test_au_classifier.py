"""`AUClassifier` takes arrays and tables alike, says what looks wrong, and goes to other processes."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.au_tables import write_sad_table
from helpers.commands import Run

from mien import AUClassifier, InputError
from mien.aus.facs import AUS, COLUMNS
from mien.inference.networks.pretrained import AU_NETWORK

FACES = np.random.default_rng(0).uniform(0, 100, (50, len(AUS))).astype(np.float32)
NOTE = "note: no intensity is above {} of 100; are these OpenFace's, of 0..5, or py-feat's, of 0..1?\n"


@pytest.fixture(scope="module")
def classifier() -> AUClassifier:
    return AUClassifier.from_pretrained()


@pytest.mark.parametrize("spelling", ["AU{:02d}", "AU{}", "au_{}", "AU{:02d}_r", " AU{:02d}", "AU{:02d}_intensity"])
def test_the_columns_of_a_table_are_found_by_name(classifier: AUClassifier, spelling: str) -> None:
    table = pd.DataFrame(FACES, columns=[spelling.format(au) for au in AUS])
    by_name = table[sorted(table.columns, key=str)]
    assert list(by_name.columns) != list(table.columns) or "02d" in spelling
    probabilities = classifier.predict_proba(FACES)
    for given in (table, by_name, table[table.columns[::-1]].assign(subject="ann")):
        np.testing.assert_array_equal(classifier.predict_proba(given), probabilities)
        assert classifier.predict(given).tolist() == classifier.predict(FACES).tolist()
        assert classifier.reasons(given, probabilities) == classifier.reasons(FACES, probabilities)


@pytest.mark.parametrize("columns", [None, list(AUS)])
def test_columns_without_names_are_in_order(classifier: AUClassifier, columns: list[int] | None) -> None:
    table = pd.DataFrame(FACES, columns=columns)
    np.testing.assert_array_equal(classifier.predict_proba(table), classifier.predict_proba(FACES))


def test_the_numbers_of_aus_may_be_column_names(classifier: AUClassifier) -> None:
    table = pd.DataFrame(FACES, columns=list(AUS))[list(AUS)[::-1]]
    np.testing.assert_array_equal(classifier.predict_proba(table), classifier.predict_proba(FACES))


def test_missing_cells_of_a_table_are_missing_rows(classifier: AUClassifier) -> None:
    table = pd.DataFrame(FACES[:3].astype(float), columns=COLUMNS).astype("Float64")
    table.loc[1, "AU12"] = pd.NA
    assert [emotion is None for emotion in classifier.predict(table)] == [False, True, False]


def test_au27_of_a_table_counts_as_au26(classifier: AUClassifier) -> None:
    wide = np.zeros((1, len(AUS)), np.float32)
    wide[0, AUS.index(26)] = 90
    table = pd.DataFrame(wide, columns=COLUMNS).assign(AU26=10, AU27=90)
    np.testing.assert_array_equal(classifier.predict_proba(table), classifier.predict_proba(wide))
    without = table.drop(columns="AU26")
    np.testing.assert_array_equal(classifier.predict_proba(without), classifier.predict_proba(wide))


def test_other_aus_of_a_table_are_ignored_with_a_note(
    classifier: AUClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.DataFrame(FACES, columns=COLUMNS)
    classifier.predict(table.assign(AU45=1, AU14="x", frame=3))
    assert capsys.readouterr().err == "note: the model does not know AU45, AU14: ignored\n"
    classifier.predict(table)
    assert capsys.readouterr().err == ""


def test_rules_need_only_the_aus_that_their_table_names(tmp_path: Path) -> None:
    rules = AUClassifier.from_pretrained(write_sad_table(tmp_path))
    assert rules.predict(pd.DataFrame({"AU15": [90, 0]})).tolist() == ["sad", "neutral"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (pd.DataFrame(FACES, columns=COLUMNS).drop(columns="AU12"), "the table lacks the column AU12, expected one"),
        (
            pd.DataFrame(FACES, columns=COLUMNS).drop(columns=["AU16", "AU24"]),
            "the table lacks the columns AU16, AU24, expected one per AU; 0 is at rest",
        ),
        (pd.DataFrame(FACES, columns=COLUMNS).assign(AU6=1), "intensities: columns AU06 and AU6 are both AU06"),
        (pd.DataFrame(FACES, columns=list("abcdefghijklmnopq")), "intensities: found columns a, b, c, d, e, f ..,"),
        (pd.DataFrame(FACES, columns=COLUMNS).assign(AU12="x"), "column AU12: found a value that is not a number"),
        (pd.DataFrame(FACES, columns=COLUMNS).assign(AU12=True), "column AU12: found true or false"),
        (pd.DataFrame(FACES[:, 1:]), r"intensities: found shape \(50, 16\)"),
        (FACES > 50, "found true or false, expected intensities 0..100"),
        ((FACES > 50).tolist(), "found true or false, expected intensities 0..100"),
        ([[True, *["5"] * 16]], "found a value that is not a number|found true or false"),
        ([["x"] * 17], "found a value that is not a number, expected intensities 0..100"),
        ({"AU12": 90}, "found a value that is not a number, expected intensities 0..100"),
    ],
)
def test_tables_and_arrays_of_another_kind_are_refused(classifier: AUClassifier, given: Any, words: str) -> None:
    for read in (classifier.predict, classifier.predict_proba):
        with pytest.raises(InputError, match=f"^{words}"):
            read(given)


@pytest.mark.parametrize("highest", [0.5, 1, 4.5, 5])
def test_intensities_on_the_scale_of_a_tool_are_noted(
    classifier: AUClassifier, highest: float, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = FACES / FACES.max() * np.float32(highest)
    rows[3] = np.nan
    for given in (rows, pd.DataFrame(rows, columns=COLUMNS)):
        classifier.predict(given)
        assert capsys.readouterr().err == NOTE.format(f"{highest:g}")
    classifier.reasons(rows[:3], classifier.predict_proba(rows[:3], scale_note=False))
    classifier.predict(np.zeros((2, len(AUS))))
    classifier.predict(FACES)
    assert capsys.readouterr().err == ""


def test_aus_by_hand_on_the_scale_of_a_tool_are_noted(mien: Run) -> None:
    assert mien("aus", "--au", "6=4.5", "--au", "12=4.5")[1] == NOTE.format("4.5")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda classifier: pickle.loads(pickle.dumps(classifier))])
@pytest.mark.parametrize("name", ["mien_au", "du_martinez", "sad.yaml", "net"])
def test_a_copied_or_pickled_classifier_predicts_the_same(
    name: str, copied: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_sad_table(tmp_path)
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "best.onnx").write_bytes(AU_NETWORK.read_bytes())
    classifier = AUClassifier.from_pretrained(name)
    again = copied(classifier)
    assert (again.classes_, again.required_aus) == (classifier.classes_, classifier.required_aus)
    np.testing.assert_array_equal(again.predict_proba(FACES), classifier.predict_proba(FACES))


@pytest.mark.parametrize("name", ["mien_au", "prototypes"])
def test_another_process_predicts_with_a_pickled_classifier(name: str) -> None:
    classifier = AUClassifier.from_pretrained(name)
    script = (
        "import pickle, sys; predict, faces = pickle.load(sys.stdin.buffer)\n"
        "sys.stdout.buffer.write(pickle.dumps(predict(faces)))"
    )
    task = pickle.dumps((classifier.predict_proba, FACES))
    done = subprocess.run([sys.executable, "-c", script], input=task, capture_output=True, check=True)
    np.testing.assert_allclose(pickle.loads(done.stdout), classifier.predict_proba(FACES), atol=1e-6)
