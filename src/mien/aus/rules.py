"""AU tables: rules that say which Action Units show an emotion."""

from pathlib import Path
from typing import Self, get_args

import numpy as np
from pydantic import Field, model_validator

from mien._io.bounded import Share
from mien._io.yaml import Schema
from mien.aus.facs import AUS
from mien.config import AuTableName
from mien.config.renames import renamed_table
from mien.emotions import BASIC

#: The tables of the package, by name.
TABLES: tuple[str, ...] = get_args(AuTableName)
_FOLDER = Path(__file__).with_name("tables")


class Rule(Schema):
    """The AUs that show one emotion.

    Attributes:
        positive: strong in each of its faces.
        negative: never strong.
        optional: by AU, the share of faces in which it is strong.
    """

    positive: list[int] = Field(min_length=1)
    negative: list[int]
    optional: dict[int, Share]

    @model_validator(mode="after")
    def _names_each_known_au_once(self) -> Self:
        named = [*self.positive, *self.negative, *self.optional]
        if unknown := set(named) - set(AUS):
            raise ValueError(f"found AU {min(unknown)}, expected AUs of {', '.join(map(str, AUS))}")
        if twice := [au for au in named if named.count(au) > 1]:
            raise ValueError(f"AU {twice[0]} is named twice, expected each AU once")
        return self

    def holds(self, intensities: np.ndarray, positive_from: float, negative_to: float) -> np.ndarray:
        """Tell which rows of intensities, (N, AUs), 0..100, meet the rule: bool (N,)."""
        positive = intensities[:, _positions(self.positive)] >= positive_from
        negative = intensities[:, _positions(self.negative)] <= negative_to
        return np.all(np.hstack([positive, negative]), axis=1)


class AuTable(Schema):
    """AU rules of emotions, in order of priority: if several rules hold, the first one names the emotion.

    A table does not contain neutral: a neutral face meets no rule.

    Attributes:
        source: where the rules come from.
        emotions: the rule of each emotion, by name.
    """

    source: str
    emotions: dict[str, Rule] = Field(min_length=1)

    @classmethod
    def load(cls, name: str) -> Self:
        """Read a table by its path, or one of the package by its name (prototypes, emfacs, du_martinez)."""
        name = renamed_table(name)
        return cls.read(_FOLDER / f"{name}.yaml" if name in TABLES else Path(name))

    def rule_scores(self, intensities: np.ndarray) -> np.ndarray:
        """Return how closely each row resembles the prototype of each emotion: float (N, emotions), 0..1.

        The score is the Dice similarity between the AUs shown, weighted by intensity, and the positive AUs. Other AUs
        lower it; optional ones do not count. If scores are equal, the first emotion of the table has priority, as with
        `argmax`.

        Args:
            intensities: float (N, AUs), 0..100.
        """
        shown = intensities / 100
        scores = []
        for rule in self.emotions.values():
            counted = [AUS.index(au) for au in AUS if au not in rule.optional]
            common = shown[:, _positions(rule.positive)].sum(axis=1)
            scores.append(2 * common / (shown[:, counted].sum(axis=1) + len(rule.positive)))
        return np.stack(scores, axis=1)

    @model_validator(mode="after")
    def _names_emotions(self) -> Self:
        if unknown := set(self.emotions) - set(BASIC):
            raise ValueError(f"emotions: found {min(unknown)!r}, expected some of {', '.join(BASIC)}")
        return self


def _positions(aus: list[int]) -> list[int]:
    return [AUS.index(au) for au in aus]
