"""Figures of an evaluation, against cases counted by hand and against scikit-learn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from mien.evaluation.metrics import (
    accuracy_interval,
    calibration_error,
    classification_report,
    confidence_curve,
    confident_mistakes,
    confusion_rows,
    decision_scores,
    network_scores,
    per_class,
    reliability,
    restrict_classes,
    scores,
)
from mien.evaluation.reports import write_face_report, write_network_report
from mien.inference.networks.temperature import apply_temperature

CLASSES = ["angry", "happy", "sad"]
LABELS = np.array([0, 0, 1, 1, 1, 1])
PREDICTED = np.array([0, 1, 1, 1, 1, 0])
PROBABILITIES = np.eye(3)[PREDICTED] * 0.7 + 0.1


def test_scores() -> None:
    figures = scores(LABELS, PROBABILITIES, CLASSES)
    assert figures["accuracy"] == figures["weighted_recall"] == round(4 / 6, 4)
    assert figures["balanced_accuracy"] == figures["macro_recall"] == round((1 / 2 + 3 / 4) / 2, 4)
    assert figures["macro_precision"] == figures["macro_f1"] == round((1 / 2 + 3 / 4) / 2, 4)
    assert figures["weighted_precision"] == figures["weighted_f1"] == round((2 * 1 / 2 + 4 * 3 / 4) / 6, 4)
    assert figures["mcc"] == figures["cohens_kappa"] == 0.25  # 4 of 6 agree, by chance 5/9 would
    assert figures["log_loss"] == pytest.approx(-(4 * np.log(0.8) + 2 * np.log(0.1)) / 6, abs=1e-4)
    assert figures["calibration_error"] == pytest.approx(0.8 - 4 / 6, abs=1e-4)
    assert figures["roc_auc"] == 0.625  # of 8 pairs, 3 in order, 4 equal, 1 in the wrong order


def test_the_area_under_the_curve_is_the_one_of_scikit_learn_where_all_classes_occur() -> None:
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 3, 200), rng.dirichlet(np.ones(3), 200)
    expected = metrics.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert scores(labels, probabilities, CLASSES)["roc_auc"] == pytest.approx(expected, abs=1e-4)


def test_a_class_among_the_two_most_probable_counts_for_top_2() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    assert scores(np.array([0, 1, 2, 2]), probabilities, CLASSES)["top_2_accuracy"] == 0.75
    tied = np.tile([1 / 3, 1 / 3, 1 / 3], (3, 1))
    assert scores(np.array([0, 1, 2]), tied, CLASSES)["top_2_accuracy"] == round(2 / 3, 4)  # the first two of equals
    assert scores(np.array([2, 2, 2]), tied, CLASSES)["top_2_accuracy"] == 0
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 3, 200), rng.dirichlet(np.ones(3), 200)
    expected = metrics.top_k_accuracy_score(labels, probabilities, k=2)
    assert scores(labels, probabilities, CLASSES)["top_2_accuracy"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("accuracy", [0.3, 0.71, 0.98])
def test_the_interval_of_an_accuracy_is_that_of_a_bootstrap(accuracy: float) -> None:
    right = np.random.default_rng(0).random(1000) < accuracy
    expected = stats.bootstrap((right,), np.mean, n_resamples=5000, method="percentile", rng=1).confidence_interval
    assert accuracy_interval(right) == pytest.approx(expected, abs=0.002)
    assert accuracy_interval(right) == accuracy_interval(right)


def test_the_interval_of_a_perfect_accuracy_has_no_width() -> None:
    assert accuracy_interval(np.ones(3, bool)) == (1, 1)


def test_a_network_has_more_figures_the_headline_first() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), 200)
    labels = np.where(rng.random(200) < 0.7, probabilities.argmax(axis=1), rng.integers(0, 3, 200))
    tta = np.eye(3)[labels[::-1]]
    leaks = np.arange(200) < 50
    figures = network_scores(labels, probabilities, CLASSES, 1.5, tta=tta, leaks=leaks)
    plain = scores(labels, probabilities, CLASSES)
    assert plain.items() <= figures.items()
    headline = ["accuracy", "accuracy_low", "accuracy_high", "accuracy_tta", "accuracy_without_leaks"]
    assert list(figures)[:5] == headline
    assert figures["accuracy_low"] < figures["accuracy"] < figures["accuracy_high"]
    assert figures["accuracy_tta"] == round(float((labels == labels[::-1]).mean()), 4)
    assert figures["calibration_error_tta"] == scores(labels, tta, CLASSES)["calibration_error"]
    assert figures["accuracy_without_leaks"] == scores(labels[50:], probabilities[50:], CLASSES)["accuracy"]
    calibrated = scores(labels, apply_temperature(probabilities, 1.5), CLASSES)
    assert figures["temperature"] == 1.5
    assert figures["log_loss_calibrated"] == calibrated["log_loss"] != plain["log_loss"]
    assert figures["calibration_error_calibrated"] == calibrated["calibration_error"] != plain["calibration_error"]


def test_what_was_not_measured_of_a_network_is_no_figure() -> None:
    figures = network_scores(LABELS, PROBABILITIES, CLASSES, 1.0, leaks=np.ones(6, bool))
    assert not {"accuracy_tta", "calibration_error_tta", "accuracy_without_leaks"} & set(figures)


def test_a_class_that_is_predicted_but_absent_lowers_macro_figures_not_balanced_accuracy() -> None:
    figures = decision_scores(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]))
    assert figures["balanced_accuracy"] == 0.75
    assert figures["macro_recall"] == 0.5
    assert figures["macro_precision"] == round(2 / 3, 4)


def test_labels_of_one_class_have_only_figures_that_mean_something() -> None:
    figures = scores(np.zeros(4, int), np.tile([0.8, 0.1, 0.1], (4, 1)), CLASSES)
    assert figures["accuracy"] == figures["macro_f1"] == 1
    assert figures["mcc"] == figures["cohens_kappa"] == 0
    assert "roc_auc" not in figures
    assert np.isfinite(list(figures.values())).all()


def test_a_choice_of_one_class_has_figures() -> None:
    figures = scores(np.zeros(3, int), np.ones((3, 1)), ["sad"])
    assert figures["accuracy"] == 1
    assert figures["log_loss"] == figures["calibration_error"] == 0


def test_names_are_scored_as_numbers_are() -> None:
    names = np.array(CLASSES)
    assert decision_scores(names[LABELS], names[PREDICTED]) == decision_scores(LABELS, PREDICTED)


def test_perfect_calibration_has_no_error() -> None:
    labels = np.array([0] * 8 + [1] * 2 + [0] * 3 + [1] * 2)
    probabilities = np.array([[0.8, 0.2]] * 10 + [[0.6, 0.4]] * 5)
    assert calibration_error(labels, probabilities) == pytest.approx(0)


def test_overconfidence_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.99, 0.01]] * 4)
    assert calibration_error(np.array([0, 0, 1, 1]), probabilities) == pytest.approx(0.49)


def test_bins_of_the_calibration_error_count_by_their_cases_and_do_not_cancel() -> None:
    over, under = [[0.9, 0.1]], [[0.6, 0.4]]
    labels = np.array([1, 0, 0, 0])  # the first is wrong at 0.9, the others are right at 0.6
    assert calibration_error(labels, np.array(over + 3 * under)) == pytest.approx(0.9 / 4 + 0.4 * 3 / 4)


def test_a_confidence_on_the_edge_of_two_bins_belongs_to_the_lower() -> None:
    on_edge, just_below = [[0.8, 0.2]], [[0.79, 0.21]]  # 0.8 is 12/15; wrong and right make half in one bin
    assert calibration_error(np.array([1, 0]), np.array(on_edge + just_below)) == pytest.approx(0.795 - 0.5)


def test_reliability_has_a_row_for_each_bin_with_cases() -> None:
    probabilities = np.array([[0.9, 0.1], [0.92, 0.08], [0.55, 0.45], [0.55, 0.45]])
    rows = reliability(np.array([0, 1, 0, 0]), probabilities)
    assert list(rows["cases"]) == [2, 2]
    assert list(rows["confidence"]) == pytest.approx([0.55, 0.91])
    assert list(rows["accuracy"]) == [1, 0.5]


def test_the_surest_mistakes_come_first() -> None:
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.99, 0.01]])
    labels = np.array([1, 1, 1, 1, 0])
    assert list(confident_mistakes(labels, probabilities, 9)) == [1, 3, 2, 0]
    assert list(confident_mistakes(labels, probabilities, 2)) == [1, 3]


def test_confidence_curve() -> None:
    probabilities = np.array([[0.6, 0.4], [0.3, 0.7], [0.9, 0.1], [0.5, 0.5]])
    curve = confidence_curve(np.array([1, 1, 0, 0]), probabilities).set_index("threshold")
    assert list(curve.index) == [round(0.05 * i, 2) for i in range(19)]  # no case reaches 0.95
    assert tuple(curve.loc[0.0]) == tuple(curve.loc[0.5]) == (1, 0.75)
    assert tuple(curve.loc[0.6]) == (0.75, round(2 / 3, 4))
    assert tuple(curve.loc[0.65]) == tuple(curve.loc[0.7]) == (0.5, 1)
    assert tuple(curve.loc[0.9]) == (0.25, 1)


def test_probabilities_among_some_classes() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]], np.float32)
    kept = restrict_classes(probabilities, CLASSES, ["sad", "angry"])
    assert kept[0] == pytest.approx([2 / 7, 5 / 7])
    assert kept[1] == pytest.approx([0.5, 0.5])


def test_per_class() -> None:
    figures = per_class(LABELS, PROBABILITIES, CLASSES)
    assert figures["angry"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert figures["sad"] == {"precision": None, "recall": None, "f1": None, "support": 0}
    never = per_class(np.array([0, 0, 2]), np.eye(3)[[0, 1, 0]], CLASSES)
    assert never["sad"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}  # has a case that was not found
    assert never["happy"]["precision"] is None  # was predicted, and has no case


def test_the_classification_report_has_all_classes_and_both_averages() -> None:
    table = classification_report(LABELS, PROBABILITIES, CLASSES)
    rows = list(table.itertuples(index=False, name=None))
    assert list(table.columns) == ["class", "precision", "recall", "f1", "support"]
    assert [row[0] for row in rows] == [*CLASSES, "macro avg", "weighted avg"]
    assert ("angry", 0.5, 0.5, 0.5, 2) in rows
    assert "sad,,,,0\n" in table.to_csv(index=False)  # without a case, it is not measured
    assert rows[-1][2] == 0.6667  # the weighted recall is the accuracy


def test_the_averages_of_the_classification_report_are_those_of_the_scores() -> None:
    classes = ["accuracy", "happy", "sad"]  # accuracy is a key of scikit-learn; sad has no case and is not predicted
    table = classification_report(LABELS, PROBABILITIES, classes).set_index("class")
    figures = scores(LABELS, PROBABILITIES, classes)
    for average in ("macro", "weighted"):
        expected = [figures[f"{average}_{name}"] for name in ("precision", "recall", "f1")]
        assert list(table.T[f"{average} avg"]) == [*expected, 6]
    assert table.loc["macro avg", "f1"] == round((1 / 2 + 3 / 4) / 2, 4)
    by_class = table.drop(index=["macro avg", "weighted avg"]).astype(object)
    assert by_class.where(by_class.notna(), None).to_dict("index") == per_class(LABELS, PROBABILITIES, classes)


def test_confusion_rows() -> None:
    rows = confusion_rows(LABELS, PROBABILITIES, CLASSES)
    assert list(rows.itertuples(index=False, name=None))[1] == ("angry", "happy")
    assert len(rows) == 6


def test_the_report_of_a_network_is_whole_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_network_report(tmp_path / name, "au", "network, test", LABELS, PROBABILITIES, CLASSES)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    of_data = ["au_confidence.csv", "au_confusion.csv", "au_report.csv"]
    assert files == sorted([*of_data, "au_classes.png", "au_confidence.png", "au_confusion.png"])
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)


def faces() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 48, 48), dtype=np.uint8)


def test_the_report_of_a_network_for_faces_is_whole_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_face_report(tmp_path / name, "cnn", "network, test", faces(), LABELS, PROBABILITIES, CLASSES, 2.0)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert {"cnn_report.csv", "cnn_confusion.csv", "cnn_mistakes.png", "cnn_reliability.png"} < set(files)
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    before, after = (pd.read_csv(tmp_path / f"a/cnn_reliability{name}.csv") for name in ("", "_calibrated"))
    assert list(before.itertuples(index=False, name=None)) == [(0.8, round(4 / 6, 4), 6)]
    assert list(after["confidence"]) == [round(0.8**0.5 / (0.8**0.5 + 2 * 0.1**0.5), 4)]
    curve = pd.read_csv(tmp_path / "a/cnn_confidence.csv")
    assert curve["threshold"].max() == 0.55  # the highest that calibrated confidence reaches
