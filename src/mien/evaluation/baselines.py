"""Baselines for the AU network: the rules of an AU table, and two classifiers of scikit-learn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mien._io.errors import note
from mien.aus.rules import AuTable
from mien.evaluation.metrics import decision_scores

_THRESHOLDS = np.linspace(0, 1, 101)
_FIGURES = ("accuracy", "macro_f1", "mcc")


@dataclass(frozen=True)
class LabelledAus:
    """Labelled AUs.

    Attributes:
        intensities: float (N, AUs), 0..100.
        emotions: the emotion of each row, str (N,).
    """

    intensities: np.ndarray
    emotions: np.ndarray

    @classmethod
    def from_labels(cls, intensities: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> "LabelledAus":
        """Make cases from labels, int (N,), indices into `classes`."""
        return cls(intensities, np.array(classes)[labels])


@dataclass(frozen=True)
class Baseline:
    """A classifier. If scores are equal, the first of its emotions wins.

    Attributes:
        emotions: the emotions that it may choose.
        scores: from intensities, (N, AUs), to the score of each emotion, float (N, emotions).
    """

    emotions: Sequence[str]
    scores: Callable[[np.ndarray], np.ndarray]

    def predict(self, intensities: np.ndarray, candidates: Sequence[str]) -> np.ndarray:
        """Return the best emotion of each row among `candidates`: str (N,)."""
        columns = [i for i, emotion in enumerate(self.emotions) if emotion in candidates]
        return np.array(self.emotions)[columns][self.scores(intensities)[:, columns].argmax(axis=1)]


def rule_baseline(table: AuTable, validation: LabelledAus) -> Baseline:
    """Return a table as a classifier: it chooses the most similar prototype, or neutral if none is similar enough.

    A row is neutral if all scores are below a threshold. The threshold is chosen in steps of 0.01 for the highest
    accuracy on validation; among equals, the lowest. Without neutral cases it is 0, so no row is neutral.
    """
    emotions = list(table.emotions)
    prototypes = table.rule_scores(validation.intensities)
    neutral = validation.emotions == "neutral"
    right = np.array(emotions)[prototypes.argmax(axis=1)] == validation.emotions
    reached = prototypes.max(axis=1) >= _THRESHOLDS[:, None]
    threshold = _THRESHOLDS[np.where(reached, right, neutral).sum(axis=1).argmax()]

    def scores(intensities: np.ndarray) -> np.ndarray:
        rule_scores = table.rule_scores(intensities)
        return np.column_stack([rule_scores, np.full(len(rule_scores), threshold)])

    return Baseline([*emotions, "neutral"], scores)


def rule_baselines(table: AuTable, validation: LabelledAus, test: LabelledAus) -> dict[str, Baseline]:
    """Return `rule_baseline` as "rules"; empty, with a note, if no test case has a class of the table."""
    baseline = rule_baseline(table, validation)
    occurring = list(np.unique(test.emotions))
    if set(baseline.emotions) & set(occurring):
        return {"rules": baseline}
    note(f"au_baselines: the AU table is not used as rules, because it names none of {', '.join(occurring)}")
    return {}


def fit_baselines(train: LabelledAus, seed: int) -> dict[str, Baseline]:
    """Train logistic regression and a random forest (Breiman 2001) of 50 trees. The same seed gives the same models."""
    classifiers = {
        "logistic_regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "random_forest": RandomForestClassifier(50, min_samples_leaf=2, random_state=seed, n_jobs=1),
    }
    trained: Mapping[str, Any] = {
        name: classifier.fit(train.intensities, train.emotions) for name, classifier in classifiers.items()
    }
    return {name: Baseline(list(c.classes_), c.predict_proba) for name, c in trained.items()}


def baseline_scores(baselines: Mapping[str, Baseline], cases: LabelledAus) -> dict[str, dict[str, float]]:
    """Return accuracy, macro F1 and MCC of each baseline. They choose among the emotions that occur in the cases."""
    occurring = list(np.unique(cases.emotions))
    figures = {
        name: decision_scores(cases.emotions, baseline.predict(cases.intensities, occurring))
        for name, baseline in baselines.items()
    }
    return {name: {figure: values[figure] for figure in _FIGURES} for name, values in figures.items()}
