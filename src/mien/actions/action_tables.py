"""The tables behind the action map: YAML files that the project wrote, checked against each other."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from mien._io.errors import InputError
from mien._io.yaml import Schema
from mien.emotions import BASIC, FER2013

TABLES = Path(__file__).with_name("tables")

#: In a table of actions: to go on with, or take up, the activity of the context.
ACTIVITY = "an activity"

DIMENSIONS = ("valence", "arousal", "dominance")

Weights = Annotated[dict[str, PositiveInt], Field(min_length=1)]


class Feels(Schema):
    """How something differs from an average moment, in standard deviations between people."""

    valence: float
    arousal: float
    dominance: float

    def array(self) -> np.ndarray:
        """Return float (3,), in the order of DIMENSIONS."""
        return np.array([self.valence, self.arousal, self.dominance])


class EmotionActions(Schema):
    """How an emotion feels, and how often each action is taken in it, compared with the others."""

    feels: Feels
    actions: Weights


class ActionTable(Schema):
    """The hand-written action table."""

    source: str
    emotions: dict[str, EmotionActions]


class CategoryActions(Schema):
    """For each of EMOTIC's categories, how often each action is taken, compared with the others."""

    source: str
    categories: dict[str, Weights]


class CategoryEmotions(Schema):
    """For each of EMOTIC's categories, the emotion that it names, if any."""

    source: str
    categories: dict[str, Literal[BASIC] | None]  # type: ignore[valid-type]


class Context(Schema):
    """What a context's activity is called, how common it is compared with others, activities that stand for it, how it
    feels, and how much more often than elsewhere actions happen."""

    activity: str
    common: PositiveInt
    examples: Annotated[list[str], Field(min_length=1)]
    feels: Feels
    fits: dict[str, Annotated[float, Field(ge=0)]]


class ContextTable(Schema):
    """The contexts, by name, and how much those that feel like an emotion are more common in it: 0 not at all."""

    source: str
    tilt: Annotated[float, Field(ge=0)]
    contexts: Annotated[dict[str, Context], Field(min_length=1)]


class Tables(NamedTuple):
    """All tables, which speak of the same actions, categories and contexts."""

    hand_written: ActionTable
    of_category: CategoryActions
    emotion_of: CategoryEmotions
    contexts: ContextTable


def load_tables(folder: Path = TABLES) -> Tables:
    """Read the YAML tables.

    Raises:
        InputError: a table is not as it should be, or names what the others do not.
    """
    hand_written = ActionTable.read(folder / "actions.yaml")
    of_category = CategoryActions.read(folder / "emotic_actions.yaml")
    emotion_of = CategoryEmotions.read(folder / "emotic_emotions.yaml")
    contexts = ContextTable.read(folder / "contexts.yaml")
    _same(folder / "actions.yaml", "emotions", hand_written.emotions, FER2013)
    _same(folder / "emotic_actions.yaml", "categories", of_category.categories, emotion_of.categories)
    known = {action for of_one in hand_written.emotions.values() for action in of_one.actions}
    linked = {action for of_one in of_category.categories.values() for action in of_one}
    _same(folder / "emotic_actions.yaml", "actions", linked, known)
    for name, context in contexts.contexts.items():
        if odd := set(context.fits) - known:
            raise InputError(
                f"{folder / 'contexts.yaml'}: contexts.{name}.fits: found {min(odd)!r}, expected an action of "
                "actions.yaml"
            )
    return Tables(hand_written, of_category, emotion_of, contexts)


def example_activities(contexts: ContextTable) -> pd.DataFrame:
    """Return the hand-written activities: columns activity, category (its context) and weight (how common it is)."""
    rows = [
        (example, name, context.common / len(context.examples))
        for name, context in contexts.contexts.items()
        for example in context.examples
    ]
    return pd.DataFrame(rows, columns=["activity", "category", "weight"])


def _same(path: Path, key: str, found: Iterable[str], expected: Iterable[str]) -> None:
    if odd := set(found) ^ set(expected):
        raise InputError(f"{path}: {key}: {min(odd)!r} is missing or unknown, expected {', '.join(sorted(expected))}")
