"""Shared by the scoring of images and AU tables: which cases and classes count, and how figures are printed."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.evaluation.gate import Gate
from mien.evaluation.metrics import PerClass
from mien.evaluation.slices import Slices


class GroundTruth(NamedTuple):
    """The labelled cases that a model is measured on.

    Attributes:
        classes: the classes that it may choose from.
        labels: the true class of each case, indices into `classes`, int (N,).
    """

    classes: list[str]
    labels: np.ndarray


class TruthCollector:
    """Collects the true classes of cases. Classes that the model does not know are left out.

    Attributes:
        left_out: how many cases were left out, by class.
    """

    def __init__(self, classes: Sequence[str], case: str) -> None:
        """Start empty.

        Args:
            classes: the classes that the model knows.
            case: the word for one case in messages: row, image.
        """
        self.left_out: Counter[str] = Counter()
        self._classes = pd.Index(classes)
        self._case = case
        self._labels: list[np.ndarray] = []

    def add(self, emotions: np.ndarray) -> np.ndarray:
        """Add the classes of some cases, str (N,). Returns which of them count, bool (N,)."""
        labels = self._classes.get_indexer(pd.Index(emotions))
        is_known = labels >= 0
        self.left_out.update(np.asarray(emotions)[~is_known].tolist())
        self._labels.append(labels[is_known].astype(np.int8))
        return is_known

    def ground_truth(self, all_classes: bool) -> GroundTruth:
        """Return the classes to choose from and the labels. Classes without a case are included only if `all_classes`.

        Raises:
            InputError: no case counts.
        """
        labels = np.concatenate([np.empty(0, np.int8), *self._labels])
        if not len(labels):
            raise InputError(f"found no usable {self._case} with one of the labels {', '.join(self._classes)}")
        present = set(self._classes[np.unique(labels)])
        classes = [name for name in self._classes if all_classes or name in present]
        return GroundTruth(classes, pd.Index(classes).get_indexer(self._classes)[labels])

    def notes(self, truth: GroundTruth) -> list[str]:
        """Return notes on what was left out: cases of unknown classes, and classes without a case."""
        notes = [
            f"{self._case}s of {name} left out, which the model does not know: {cases:,}"
            for name, cases in self.left_out.items()
        ]
        if unused := [name for name in self._classes if name not in truth.classes]:
            names = ", ".join(unused)
            notes.append(f"no {self._case} is labelled {names}, so the model may not choose it; see --all-classes")
        return notes


def print_figures(
    figures: Mapping[str, Any],
    per_class: PerClass,
    as_json: bool,
    slices: Slices | None = None,
    gate: Gate | None = None,
) -> None:
    """Print figures in total and by class and, if given, by slice and against another model, as text or JSON."""
    if as_json:
        further = (slices.to_json() if slices else {}) | ({"against": gate.to_json()} if gate else {})
        print(json.dumps({**figures, "per_class": per_class, **further}, indent=2))
        return
    texts = {name: ", ".join(figure) if isinstance(figure, list) else figure for name, figure in figures.items()}
    lines = [f"{name:<30}{text}" for name, text in texts.items()]
    print("\n".join([*lines, pd.DataFrame(per_class).T.astype({"support": int}).to_string(na_rep="")]))
    if slices:
        print(f"\n{slices.to_text()}")
    if gate:
        print(f"\n{gate.to_text()}")
