"""Prediction: emotions from Action Units, by a trained network or by the rules of an AU table. Needs no TensorFlow."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from mien._io.errors import InputError
from mien.aus.facs import AUS, column
from mien.aus.rules import TABLES, AuTable
from mien.inference.onnx import OnnxModel

SHIPPED = Path(__file__).with_name("weights") / "mien_au"

_BATCH = 8192
_SPOKE = np.log(1.1)
_SMALLEST = np.finfo(np.float32).tiny


class AUClassifier:
    """Reads emotions from AU intensities.

    `classes` names them, in the order of the probabilities; `needs` are the AUs that it cannot do without.
    """

    def __init__(
        self, classes: Sequence[str], predict: Callable[[np.ndarray], np.ndarray], needs: Collection[int] = AUS
    ) -> None:
        self.classes = list(classes)
        self.needs = frozenset(needs)
        self._predict = predict

    @classmethod
    def load(cls, folder: Path | None = None, *, threads: int = 1) -> Self:
        """Load a trained network: `best.onnx` and `classes.json` of a folder, by default the one mien ships.

        More than one thread gains little, as the network is small.

        Raises:
            InputError: a file is missing or damaged, or the network is for other AUs or classes.
        """
        model = OnnxModel.load(folder or SHIPPED, threads=threads, example="models/au")
        if (model.shape, model.dtype) != ((len(AUS),), "tensor(float)"):
            raise InputError(
                f"{model.path}: takes {model.dtype} of {model.shape}, expected a network for {len(AUS)} AUs, which "
                f"takes tensor(float) of ({len(AUS)},)"
            )
        return cls(model.classes, model.predict)

    @classmethod
    def rules(cls, table: AuTable) -> Self:
        """Use an AU table directly: a probability is the emotion's share of all resemblances.

        Neutral, which no table names, is as likely as the most resembled prototype is unlike the row. Rules need the
        AUs that the table names; others count against all its emotions where they are shown.
        """

        def shares(rows: np.ndarray) -> np.ndarray:
            emotions = table.rule_scores(rows)
            scores = np.column_stack([emotions, 1 - emotions.max(axis=1)])
            return scores / scores.sum(axis=1, keepdims=True)

        named = {au for rule in table.emotions.values() for au in (*rule.positive, *rule.negative, *rule.optional)}
        return cls([*table.emotions, "neutral"], shares, named)

    @classmethod
    def named(cls, model: str | None) -> Self:
        """Load what `--model` names: a folder with a network, or a table by its name or path; None is the shipped one.

        Raises:
            InputError: it is none of these, or damaged.
        """
        if model is None or (model and Path(model).is_dir()):
            return cls.load(None if model is None else Path(model))
        if model in TABLES or Path(model).is_file():
            return cls.rules(AuTable.load(model))
        raise InputError(f"--model: found {model!r}, expected a folder, a table file, or one of {', '.join(TABLES)}")

    def predict_proba(self, intensities: np.ndarray) -> np.ndarray:
        """Return the probability of each emotion: float32 (N, classes), rows that sum to 1.

        Args:
            intensities: (N, AUs) in the order of `facs.AUS`, 0..100. A row with NaN has NaN probabilities.
        """
        rows = np.ascontiguousarray(intensities, np.float32)
        batches = [self._predict(rows[at : at + _BATCH]) for at in range(0, len(rows), _BATCH)]
        return np.concatenate([np.empty((0, len(self.classes))), *batches]).astype(np.float32)

    def reasons(self, intensities: np.ndarray, probabilities: np.ndarray) -> list[str]:
        """Return the AUs that spoke for the most probable emotion of each row, strongest first: "AU12 AU06".

        An AU's word is the mean of two rises of the emotion's log-probability: by adding the AU to the others shown,
        and by adding it to a face at rest; the first alone would be silent where two AUs say the same. It spoke from a
        rise by a tenth on.

        Args:
            intensities: (N, AUs), 0..100.
            probabilities: what `predict_proba` gave for them.
        """
        predicted = probabilities.argmax(axis=1)
        weight = np.zeros(intensities.shape, np.float32)
        at_rest = _log(self.predict_proba(np.zeros((1, len(AUS)))))[0]
        for au in range(len(AUS)):
            shown = np.flatnonzero(intensities[:, au] > 0)
            emotion = predicted[shown]
            without, alone = intensities[shown], np.zeros((len(shown), len(AUS)), np.float32)
            without[:, au], alone[:, au] = 0, intensities[shown, au]
            by_adding = _log(probabilities[shown, emotion]) - self._log_of(without, emotion)
            weight[shown, au] = (by_adding + self._log_of(alone, emotion) - at_rest[emotion]) / 2
        names = np.array([f"{column(au)} " for au in AUS], object)
        order = np.argsort(-weight, axis=1, kind="stable")
        spoke = np.take_along_axis(weight, order, axis=1) >= _SPOKE
        return [text.rstrip() for text in np.where(spoke, names[order], "").sum(axis=1)]

    def _log_of(self, intensities: np.ndarray, emotions: np.ndarray) -> np.ndarray:
        return _log(self.predict_proba(intensities)[np.arange(len(emotions)), emotions])


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, _SMALLEST))
