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
from mien.evaluation.labelled_aus import LabelledAus
from mien.evaluation.metrics import decision_scores

_THRESHOLDS = np.linspace(0, 1, 101)
_FIGURES = ("accuracy", "macro_f1", "mcc")


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


def baseline_scores(baselines: Mapping[str, Baseline], cases: LabelledAus, section: str) -> dict[str, dict[str, float]]:
    """Return accuracy, macro F1 and MCC of each baseline. They choose among the emotions that occur in the cases.

    Baselines that know none of these emotions are left out, with a note.

    Args:
        baselines: the baselines, by name.
        cases: what to measure on.
        section: where the figures belong, for the note.
    """
    occurring = list(np.unique(cases.emotions))
    able = {name: baseline for name, baseline in baselines.items() if {*baseline.emotions} & {*occurring}}
    if unable := [name for name in baselines if name not in able]:
        note(f"{section}: what knows none of {', '.join(occurring)} is left out: {', '.join(unable)}")
    figures = {
        name: decision_scores(cases.emotions, baseline.predict(cases.intensities, occurring))
        for name, baseline in able.items()
    }
    return {name: {figure: values[figure] for figure in _FIGURES} for name, values in figures.items()}
