"""What the AU network is compared with: tables as rules, scikit-learn; on drawn rows and on real ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien._io.errors import InputError
from mien.aus.facs import AUS, COLUMNS
from mien.aus.rules import TABLES, AuTable
from mien.evaluation.baselines import Baseline, baseline_scores, fit_baselines, rule_baseline
from mien.evaluation.labelled_aus import LabelledAus
from mien.evaluation.real_aus import read_real_aus, real_scores

TABLE = AuTable.load("prototypes")
CLASSES = [*TABLE.emotions, "neutral"]
RNG = np.random.default_rng(0)


def prototypes(table: AuTable = TABLE, copies: int = 1) -> LabelledAus:
    """Return faces that show the positive AUs of an emotion and nothing else, and as many that show nothing."""
    shown = {name: [100.0 * (au in rule.positive) for au in AUS] for name, rule in table.emotions.items()}
    shown["neutral"] = [0.0] * len(AUS)
    return LabelledAus(np.repeat(list(shown.values()), copies, axis=0), np.repeat(list(shown), copies))


def noisy(cases: LabelledAus, rng: np.random.Generator) -> LabelledAus:
    return LabelledAus(np.clip(cases.intensities + rng.normal(0, 15, cases.intensities.shape), 0, 100), cases.emotions)


def without_neutral(cases: LabelledAus) -> LabelledAus:
    emotion = cases.emotions != "neutral"
    return LabelledAus(cases.intensities[emotion], cases.emotions[emotion])


@pytest.mark.parametrize("name", ["prototypes", "emfacs", "du_martinez"])
def test_rules_know_their_prototypes_and_a_face_at_rest(name: str) -> None:
    table = AuTable.load(name)
    cases = prototypes(table)
    assert list(rule_baseline(table, cases).predict(cases.intensities, CLASSES)) == list(cases.emotions)


def test_what_counts_as_neutral_is_learned_on_validation() -> None:
    faint = 0.2 * prototypes().intensities
    as_emotions = LabelledAus(faint, prototypes().emotions)
    as_neutral = LabelledAus(np.vstack([faint, prototypes().intensities]), np.array(["neutral"] * 7 + CLASSES))
    assert list(rule_baseline(TABLE, as_emotions).predict(faint, CLASSES)) == CLASSES
    assert set(rule_baseline(TABLE, as_neutral).predict(faint, CLASSES)) == {"neutral"}


def test_rules_without_neutral_cases_never_say_neutral() -> None:
    baseline = rule_baseline(TABLE, without_neutral(prototypes()))
    assert "neutral" not in baseline.predict(RNG.uniform(0, 100, (500, len(AUS))), CLASSES)
    assert list(baseline.predict(np.zeros((1, len(AUS))), CLASSES)) == [CLASSES[0]]


def test_a_baseline_chooses_among_the_emotions_given_the_first_of_equals() -> None:
    baseline = Baseline(["happy", "sad", "fear"], lambda rows: np.tile([0.5, 0.2, 0.2], (len(rows), 1)))
    rows = np.zeros((1, len(AUS)))
    assert list(baseline.predict(rows, ["fear", "happy", "sad"])) == ["happy"]
    assert list(baseline.predict(rows, ["fear", "sad", "angry"])) == ["sad"]


def test_classifiers_of_scikit_learn_learn_and_repeat() -> None:
    train, test = (noisy(prototypes(copies=20), RNG) for _ in range(2))
    first, second = fit_baselines(train, seed=1), fit_baselines(train, seed=1)
    assert list(first) == ["logistic_regression", "random_forest"]
    for name, baseline in first.items():
        assert np.array_equal(baseline.scores(test.intensities), second[name].scores(test.intensities))
        assert (baseline.predict(test.intensities, CLASSES) == test.emotions).mean() > 0.95


def test_figures_of_a_baseline() -> None:
    always = Baseline(["happy", "sad"], lambda rows: np.tile([1.0, 0.0], (len(rows), 1)))
    cases = LabelledAus(np.zeros((4, len(AUS))), np.array(["happy", "happy", "happy", "sad"]))
    expected = {"accuracy": 0.75, "macro_f1": round(6 / 7 / 2, 4), "mcc": 0.0}
    assert baseline_scores({"always": always}, cases, "au_baselines") == {"always": expected}


def test_real_faces_are_scored_among_their_own_emotions() -> None:
    real = without_neutral(prototypes())
    right = np.array([CLASSES.index(name) for name in real.emotions])
    probabilities = 0.6 * np.eye(7)[6] + 0.4 * np.eye(7)[right]  # neutral first, which no row is
    baselines = {"rules": rule_baseline(TABLE, prototypes())}
    figures = real_scores(real, probabilities, CLASSES, baselines, prototypes())
    assert list(figures) == ["cases", "network", "baselines", "tables"]
    assert figures["cases"] == 6
    assert figures["network"]["accuracy"] == figures["baselines"]["rules"]["accuracy"] == 1
    assert list(figures["tables"]) == list(TABLES)
    assert figures["tables"]["prototypes"] == figures["baselines"]["rules"]


def test_tables_that_know_no_class_of_the_real_faces_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    classes = ["pain", "effort", "happy"]
    real = LabelledAus(RNG.uniform(0, 100, (4, len(AUS))), np.array(["pain", "effort"] * 2))
    baselines = {"rules": rule_baseline(TABLE, prototypes()), "always": Baseline(classes, lambda rows: rows[:, :3])}
    figures = real_scores(real, np.tile([0.6, 0.3, 0.1], (4, 1)), classes, baselines, prototypes())
    assert (list(figures["baselines"]), figures["tables"]) == (["always"], {})
    assert capsys.readouterr().err.splitlines() == [
        "note: au_real.baselines: what knows none of effort, pain is left out: rules",
        f"note: au_real.tables: what knows none of effort, pain is left out: {', '.join(TABLES)}",
    ]


@pytest.fixture
def table() -> pd.DataFrame:
    """Three faces with the emotions happy, sad and neutral, as a table of AUs."""
    rows = pd.DataFrame(np.zeros((3, len(AUS))), columns=COLUMNS)
    return rows.assign(AU12=[100, 0, 7.5], emotion=["Happiness", "sad", "neutral"], file=["a", "b", "c"])


def test_real_aus_are_read_in_any_order_of_columns_and_under_other_names(table: pd.DataFrame, tmp_path: Path) -> None:
    table[table.columns[::-1]].to_csv(tmp_path / "real.csv", index=False)
    cases = read_real_aus(tmp_path / "real.csv", CLASSES)
    assert list(cases.emotions) == ["happy", "sad", "neutral"]
    assert list(cases.intensities[:, AUS.index(12)]) == [100, 0, 7.5]
    assert cases.intensities.sum() == 107.5


def test_real_aus_without_a_row_that_cannot_be_read(
    table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.astype({"AU12": object}).replace({"AU12": {7.5: "-nan(ind)"}}).to_csv(tmp_path / "real.csv", index=False)
    assert list(read_real_aus(tmp_path / "real.csv", CLASSES).emotions) == ["happy", "sad"]
    assert "real.csv: 1 of 3 rows cannot be read and have no prediction, the first: row 3" in capsys.readouterr().err


def test_real_aus_of_a_tool_are_scaled_with_a_note(
    table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pd.DataFrame({f" {name}_r": table[name] / 20 for name in COLUMNS}).assign(emotion=table["emotion"], AU50=1)
    rows.to_csv(tmp_path / "real.csv", index=False)
    assert read_real_aus(tmp_path / "real.csv", CLASSES).intensities[0].max() == 100
    err = capsys.readouterr().err
    assert "real.csv: read as OpenFace (AUxx_r, 0..5), times 20" in err
    assert "AU50 ignored" in err


def test_real_aus_of_one_emotion_are_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    table.assign(emotion="sad").to_csv(tmp_path / "real.csv", index=False)
    with pytest.raises(InputError, match="expected at least two emotions"):
        read_real_aus(tmp_path / "real.csv", CLASSES)


def test_an_emotion_that_the_network_does_not_know_is_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "real.csv", index=False)
    with pytest.raises(InputError, match="column emotion: found neutral, expected one of happy"):
        read_real_aus(tmp_path / "real.csv", list(TABLE.emotions))
