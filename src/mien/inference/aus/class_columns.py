"""Which columns after `confidence` are probabilities of emotions, and which are the user's own.

Tables do not say. mien writes the classes of the network first, in rows that sum to 1; AUs, reasons and others may
follow, and then come the user's own columns. The first columns that sum to 1 need not be all: a table of very happy
faces has a sum of 1 without the emotions that nobody shows.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import pandas as pd

from mien.aus.readers.column_names import plain
from mien.aus.readers.csv_cells import as_numbers
from mien.aus.readers.formats import has_aus
from mien.emotions import is_emotion

#: What mien writes behind the classes, and columns of mien and of tools that may stand there; see `plain`.
_AFTER_CLASSES = ("predictionset", "reasons", "action")
_NO_CLASSES = frozenset(
    ("file", "input", "source", "face", "faceid", "faces", "row", "rows", "frame", "seconds", "timestamp", "left",
     "top", "width", "height", "success", "facescore", "split")
)  # fmt: skip
_TOLERANCE = 0.01  # of a sum of probabilities, whatever their digits
_ROUNDING = 1e-9  # of binary numbers
_MIN_DIGITS, _MAX_DIGITS = 2, 4  # of probabilities; mien writes 4


@dataclass(frozen=True)
class ClassColumns:
    """The columns of a table that may be probabilities of emotions.

    Attributes:
        numbers: the columns from the first one on, by name.
        least: how many are probabilities for sure; 0 if no columns sum to 1.
        most: how many may be; the further ones are 0 in all rows, or nearly.
        are_all: whether mien's own columns follow, so that all are probabilities.
        names: all columns after `confidence`.
    """

    numbers: dict[str, pd.Series]
    least: int
    most: int
    are_all: bool
    names: list[str]

    @classmethod
    def of(cls, cells: pd.DataFrame, emotions: pd.Series, own: Collection[str]) -> "ClassColumns":
        """Find them in the columns after `confidence`.

        Args:
            cells: these columns, as text.
            emotions: of the rows, "" for none. A column of such a name is one of probabilities.
            own: further columns that are not probabilities, such as that of the person.
        """
        numbers: dict[str, pd.Series] = {}
        has_one, answers = emotions != "", {*emotions} - {""}
        end = ""
        for end in map(str, cells):
            is_other = end in own or (end not in answers and _is_other(end))
            values = None if is_other else pd.Series(as_numbers(cells[end]), cells.index)
            if values is None or not values[has_one].between(0, 1).all():
                break
            numbers[end] = values
        whole = _that_sum_to_1(cells.loc[has_one, [*numbers]], [values[has_one] for values in numbers.values()])
        ends = end not in numbers and (plain(end) in _AFTER_CLASSES or has_aus([end]))
        are_all = ends and whole[-1:] == [len(numbers)]
        return cls(numbers, *((whole[0], whole[-1]) if whole else (0, 0)), are_all, [*cells])

    def certain(self, known: Collection[str] = ()) -> list[str]:
        """Return the names of the columns that are probabilities. known: emotions by what all tables say."""
        names = [*self.numbers][: self.most]
        if self.are_all or not self.least:
            return names if self.are_all else []
        named = [name for name in names[self.least :] if name in known or is_emotion(name)]
        return names[: self.least] + named

    def others(self) -> list[str]:
        """Return the names of the columns that cannot be probabilities beside those that are."""
        return self.names[self.most :] if self.least else []

    def decided(
        self, answers: Collection[str], known: Collection[str], others: Collection[str]
    ) -> tuple[list[str], list[str]]:
        """Return the names of the columns that count as probabilities, and of those that are in doubt.

        Columns in doubt count if classes have names that are no emotions: nothing else shows where the classes end. If
        each of several classes is an answer, columns of zeros do not count.

        Args:
            answers: emotions that rows of the tables have.
            known: emotions by what all tables say.
            others: columns that are none in one of the tables.
        """
        certain = self.certain(known)
        further = [name for name in [*self.numbers][: self.most] if name not in certain]
        doubtful = [*takewhile(lambda name: name not in others, further)]
        if all(map(is_emotion, certain)):
            return certain, doubtful
        are_answers = len(certain) > 1 and {*certain} <= {*answers}
        counting = {name for name in doubtful if not are_answers or self.numbers[name].any()}
        return [name for name in self.numbers if name in certain or name in counting], doubtful


def _is_other(name: str) -> bool:
    return not name or plain(name) in {*_AFTER_CLASSES, *_NO_CLASSES} or has_aus([name])


def _that_sum_to_1(cells: pd.DataFrame, numbers: Sequence[pd.Series]) -> list[int]:
    """Return how many of the first columns sum to 1 in all rows, but for their rounding: all such counts."""
    total, digits = np.zeros(len(cells)), _MIN_DIGITS
    counts = []
    for count, (name, values) in enumerate(zip(cells, numbers, strict=True), 1):
        total = total + values.to_numpy()
        digits = max(digits, _digits(cells[name]))
        if (np.abs(total - 1) <= _rounding(count, digits)).all():
            counts.append(count)
    return counts


def _rounding(columns: int, digits: int) -> float:
    """Return by how much a sum of rounded probabilities may miss 1."""
    return min(columns * 0.5 * 10.0 ** -min(digits, _MAX_DIGITS), _TOLERANCE) + _ROUNDING


def _digits(texts: pd.Series) -> int:
    """Return the number of digits after the decimal point or comma that the longest cell has."""
    if texts.str.contains("e-", case=False, regex=False).any():
        return _MAX_DIGITS
    lengths = texts.str.extract(r"[.,](\d+)\s*$", expand=False).str.len()
    return int(lengths.max()) if lengths.notna().any() else 0
