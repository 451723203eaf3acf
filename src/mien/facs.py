"""The Facial Action Coding System: Action Units (AUs), and tables that say which of them make an emotion.

Source: Ekman, Friesen & Hager, Facial Action Coding System, 2002.
"""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from mien.emotions import BASIC
from mien.schema import Schema

#: The Action Units that mien generates and draws; every array of intensities has them in this order.
AUS = (1, 2, 4, 5, 6, 7, 9, 12, 15, 17, 20, 23, 26)


def column(au: int) -> str:
    """Return the column name of an AU: 6 -> "AU06"."""
    return f"AU{au:02d}"


COLUMNS = [column(au) for au in AUS]


class Rule(Schema):
    """The AUs of one emotion: strong in each of its faces, never strong in any, or as may be."""

    positive: list[int] = Field(min_length=1)
    negative: list[int]
    optional: list[int]

    @model_validator(mode="after")
    def _names_each_known_au_once(self) -> Self:
        named = self.positive + self.negative + self.optional
        if unknown := set(named) - set(AUS):
            raise ValueError(f"found AU {min(unknown)}, expected AUs of {', '.join(map(str, AUS))}")
        if twice := [au for au in named if named.count(au) > 1]:
            raise ValueError(f"AU {twice[0]} is named twice, expected each AU once")
        return self

    def holds(self, intensities: np.ndarray, positive_from: float, negative_to: float) -> np.ndarray:
        """Tell which rows of `intensities` (N, AUs), 0..100, meet the rule: bool (N,)."""
        positive = intensities[:, _positions(self.positive)] >= positive_from
        negative = intensities[:, _positions(self.negative)] <= negative_to
        return np.all(np.hstack([positive, negative]), axis=1)


class AuTable(Schema):
    """Emotions as AU rules, in order of priority: where several rules hold, the first one names the emotion.

    Neutral is no emotion of a table: it is the face that meets no rule.
    """

    source: str
    emotions: dict[str, Rule] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_emotions(self) -> Self:
        if unknown := set(self.emotions) - set(BASIC):
            raise ValueError(f"emotions: found {min(unknown)!r}, expected some of {', '.join(BASIC)}")
        return self


def _positions(aus: list[int]) -> list[int]:
    return [AUS.index(au) for au in aus]
