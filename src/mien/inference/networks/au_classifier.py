"""Reads emotions from Action Units, by a trained network or the rules of an AU table, without TensorFlow."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from mien._io.errors import InputError
from mien.aus.facs import AUS, COLUMNS, column
from mien.aus.rules import TABLES, AuTable
from mien.config.renames import renamed_table
from mien.inference.networks.au_intensities import as_intensities, note_scale
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.pretrained import AU_NETWORK, find_file

if TYPE_CHECKING:
    import pandas as pd

_BATCH = 8192  # rows
_MIN_GAIN = np.log(1.1)  # gain of an emotion's log-probability from which an AU is a reason
_TINY = np.finfo(np.float32).tiny


class AUClassifier:
    """Reads emotions from Action Unit (AU) intensities, with the interface of a fitted scikit-learn classifier.

    It can be pickled for other processes, and copied; the network of a copy works in one thread.

    Attributes:
        classes_: the emotions, in the order of the probabilities.
        required_aus: the AUs that it needs.

    Examples:
        >>> import numpy as np
        >>> from mien import AUClassifier
        >>> from mien.aus.facs import AUS
        >>> classifier = AUClassifier.from_pretrained()
        >>> faces = np.zeros((1, len(AUS)), np.float32)
        >>> faces[0, [AUS.index(6), AUS.index(12)]] = 90  # raised cheeks and lip corners
        >>> classifier.predict(faces).tolist()
        ['happy']
        >>> rules = AUClassifier.from_pretrained("du_martinez")
        >>> rules.predict_proba(faces).shape
        (1, 7)
    """

    def __init__(
        self, classes: Sequence[str], predict: Callable[[np.ndarray], np.ndarray], required_aus: Collection[int] = AUS
    ) -> None:
        """Use a function from float32 (N, AUs) to probabilities (N, classes). Usually `from_pretrained` does this.

        The classifier can be pickled if the function can.
        """
        self.classes_ = list(classes)
        self.required_aus = frozenset(required_aus)
        self._predict = predict

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path | None = None, *, threads: int = 1) -> Self:
        """Load a trained network, or the rules of an AU table.

        Args:
            name_or_folder: "mien_au" (the default, a network); a folder that `train_au` wrote, such as models/au, or an
                ONNX file of one; or an AU table as rules: "du_martinez", "emfacs", "prototypes" or the path of a file.
            threads: number of threads for the network. More than one gains little, as the network is small.

        Raises:
            InputError: it is none of these, a file is damaged, or a network is for other AUs.
        """
        name = renamed_table(str(name_or_folder if name_or_folder is not None else AU_NETWORK.stem))
        if path := AU_NETWORK if name == AU_NETWORK.stem else find_file(name):
            return cls._from_network(OnnxModel.load(path, threads=threads, example="models/au"))
        if name in TABLES or Path(name).is_file():
            return cls.from_rules(AuTable.load(name))
        raise InputError(
            f"model: found {name!r}, expected {AU_NETWORK.stem}, a folder, an ONNX file, or an AU table: "
            f"{', '.join(TABLES)} or the path of one"
        )

    @classmethod
    def _from_network(cls, model: OnnxModel) -> Self:
        if (model.shape, model.dtype) != ((len(AUS),), "tensor(float)"):
            raise InputError(
                f"{model.path}: takes {model.dtype} of {model.shape}, expected a network for {len(AUS)} AUs, which "
                f"takes tensor(float) of ({len(AUS)},)"
            )
        columns = model.metadata.input.get("columns", COLUMNS)
        if model.metadata.kind != "aus" or columns != COLUMNS:
            raise InputError(
                f"{model.path}: its metadata say {model.metadata.kind!r} of {columns}, expected 'aus' of {COLUMNS}"
            )
        return cls(model.metadata.classes, model.predict)

    @classmethod
    def from_rules(cls, table: AuTable) -> Self:
        """Use the rules of an AU table: the probability of an emotion is its share of all similarities.

        Tables do not contain neutral. Its similarity is 1 minus that of the most similar prototype. Rules need the AUs
        that the table names; other AUs that a face shows count against all emotions.
        """

        aus = {au for rule in table.emotions.values() for au in (*rule.positive, *rule.negative, *rule.optional)}
        return cls([*table.emotions, "neutral"], partial(_rule_shares, table), aus)

    def predict(self, intensities: "ArrayLike | pd.DataFrame") -> np.ndarray:
        """Return the most probable emotion of each row: object (N,), str, and None for a row with NaN.

        Arguments and errors are those of `predict_proba`.
        """
        probabilities = self.predict_proba(intensities)
        emotions = np.array(self.classes_, object)[probabilities.argmax(axis=1)]
        emotions[np.isnan(probabilities).any(axis=1)] = None
        return emotions

    def predict_proba(self, intensities: "ArrayLike | pd.DataFrame", *, scale_note: bool = True) -> np.ndarray:
        """Return the probability of each emotion: float32 (N, classes), rows that sum to 1.

        Args:
            intensities: (N, AUs) in the order of `mien.aus.facs.AUS`, 0..100; or a DataFrame, whose columns are found
                by name (AU06, AU6 or AU06_r) and must contain the `required_aus`. A row with NaN has NaN probabilities.
            scale_note: print a note if no intensity is above 5, as OpenFace's end there and py-feat's at 1.

        Raises:
            InputError: the array has another shape, a table lacks an AU or has it twice, or a value is not a number
                0..100.
        """
        rows = as_intensities(intensities, self.required_aus)
        if ((rows < 0) | (rows > 100)).any():
            raise InputError(f"intensities: found {np.nanmin(rows):g} .. {np.nanmax(rows):g}, expected 0..100")
        if scale_note:
            note_scale(rows)
        return self._proba(rows)

    def _proba(self, rows: np.ndarray) -> np.ndarray:
        batches = [self._predict(rows[start : start + _BATCH]) for start in range(0, len(rows), _BATCH)]
        return np.concatenate([np.empty((0, len(self.classes_))), *batches]).astype(np.float32)

    def reasons(self, intensities: "ArrayLike | pd.DataFrame", probabilities: np.ndarray) -> list[str]:
        """Return the AUs that support the most probable emotion of each row, strongest first: "AU12 AU06".

        An AU's support is the mean of two rises of the emotion's log-probability: from adding the AU to the others
        shown, and from adding it to a face at rest. The first alone would name none of two AUs that say the same. An AU
        is named if its support is at least log 1.1.

        Args:
            intensities: see `predict_proba`.
            probabilities: what `predict_proba` gave for them.
        """
        rows = as_intensities(intensities, self.required_aus)
        predicted = probabilities.argmax(axis=1)
        support = np.zeros(rows.shape, np.float32)
        at_rest = _log(self._proba(np.zeros((1, len(AUS)), np.float32)))[0]
        for index in range(len(AUS)):
            shown = np.flatnonzero(rows[:, index] > 0)
            emotion = predicted[shown]
            without, alone = rows[shown], np.zeros((len(shown), len(AUS)), np.float32)
            without[:, index], alone[:, index] = 0, rows[shown, index]
            by_adding = _log(probabilities[shown, emotion]) - self._log_proba(without, emotion)
            support[shown, index] = (by_adding + self._log_proba(alone, emotion) - at_rest[emotion]) / 2
        names = np.array([f"{column(au)} " for au in AUS], object)
        order = np.argsort(-support, axis=1, kind="stable")
        is_reason = np.take_along_axis(support, order, axis=1) >= _MIN_GAIN
        return [text.rstrip() for text in np.where(is_reason, names[order], "").sum(axis=1)]

    def _log_proba(self, rows: np.ndarray, emotions: np.ndarray) -> np.ndarray:
        return _log(self._proba(rows)[np.arange(len(emotions)), emotions])


def _rule_shares(table: AuTable, rows: np.ndarray) -> np.ndarray:
    """See `AUClassifier.from_rules`, in which a nested function could not be pickled."""
    emotions = table.rule_scores(rows)
    scores = np.column_stack([emotions, 1 - emotions.max(axis=1)])
    return scores / scores.sum(axis=1, keepdims=True)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, _TINY))
