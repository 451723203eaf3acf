"""What `mien score` does alike for AUs and images: which cases and classes count, and how figures are shown."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.emotions import in_order


class Choice(NamedTuple):
    """What a model is measured on: the classes that it may choose from, and the true one of each case, int (N,)."""

    classes: list[str]
    labels: np.ndarray


class Truth:
    """The true emotions of the cases of a source; those of emotions that the model does not know are left out.

    left_out: how many, by emotion.
    """

    def __init__(self, known: Sequence[str], case: str) -> None:
        """Collect emotions for a model that knows some; `case` is the word for one: row, image."""
        self.left_out: Counter[str] = Counter()
        self._known = pd.Index(known)
        self._case = case
        self._places: list[np.ndarray] = []

    def add(self, emotions: np.ndarray) -> np.ndarray:
        """Take the emotions of some cases, str (N,), and tell which of them count, bool (N,)."""
        places = self._known.get_indexer(pd.Index(emotions))
        counts = places >= 0
        self.left_out.update(np.asarray(emotions)[~counts].tolist())
        self._places.append(places[counts].astype(np.int8))
        return counts

    def choice(self, all_classes: bool) -> Choice:
        """Return the classes to choose from, those that no case has only if `all_classes`, and the cases' labels.

        Raises:
            InputError: no case counts.
        """
        places = np.concatenate([np.empty(0, np.int8), *self._places])
        if not len(places):
            raise InputError(f"no {self._case} that counts has one of {', '.join(self._known)}")
        present = set(self._known[np.unique(places)])
        classes = [name for name in self._known if all_classes or name in present]
        return Choice(classes, pd.Index(classes).get_indexer(self._known)[places])

    def notes(self, choice: Choice) -> list[str]:
        """Say what was left out: cases of emotions that the model does not know, emotions that no case has."""
        notes = [
            f"{self._case}s of {name} left out, which the model does not know: {cases:,}"
            for name, cases in self.left_out.items()
        ]
        if unused := in_order(set(self._known) - set(choice.classes)):
            names = ", ".join(unused)
            notes.append(f"no {self._case} is labelled {names}: left out of the choice; --all-classes keeps it")
        return notes


def show(figures: Mapping[str, Any], per_class: Mapping[str, Mapping[str, float]], as_json: bool) -> None:
    """Print figures and those of each class, as text or JSON."""
    if as_json:
        print(json.dumps({**figures, "per_class": per_class}, indent=2))
        return
    words = {name: ", ".join(figure) if isinstance(figure, list) else figure for name, figure in figures.items()}
    lines = [f"{name:<30}{figure}" for name, figure in words.items()]
    print("\n".join([*lines, pd.DataFrame(per_class).T.astype({"support": int}).to_string()]))
