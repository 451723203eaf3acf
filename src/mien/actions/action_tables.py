"""The tables behind the action map: YAML files written for mien and checked against each other."""

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

#: Stands, in a table of actions, for continuing or starting the activity of the context.
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
    """How an emotion feels, and how often each action is taken in it, relative to other actions."""

    feels: Feels
    actions: Weights


class ActionTable(Schema):
    """The hand-written action table."""

    source: str
    emotions: dict[str, EmotionActions]


class CategoryActions(Schema):
    """How often each action is taken in each of EMOTIC's categories, relative to other actions."""

    source: str
    categories: dict[str, Weights]


class CategoryEmotions(Schema):
    """The emotion that each of EMOTIC's categories names, if any."""

    source: str
    categories: dict[str, Literal[BASIC] | None]  # type: ignore[valid-type]


class Context(Schema):
    """A context.

    Attributes:
        activity: the name of its activity.
        common: how common it is, relative to other contexts.
        examples: activities that stand for it.
        feels: how it feels.
        fits: by action, how many times as often it happens here as elsewhere; 1 if it is not named.
    """

    activity: str
    common: PositiveInt
    examples: Annotated[list[str], Field(min_length=1)]
    feels: Feels
    fits: dict[str, Annotated[float, Field(ge=0)]]


class ContextTable(Schema):
    """The contexts, by name.

    Attributes:
        source: where they come from, in words.
        tilt: how much more common a context is in an emotion that feels like it; 0: not at all.
        contexts: by name.
    """

    source: str
    tilt: Annotated[float, Field(ge=0)]
    contexts: Annotated[dict[str, Context], Field(min_length=1)]


class Tables(NamedTuple):
    """All tables. They use the same actions, categories and contexts."""

    hand_written: ActionTable
    category_actions: CategoryActions
    category_emotions: CategoryEmotions
    contexts: ContextTable


def load_tables(folder: Path = TABLES) -> Tables:
    """Read the YAML tables.

    Raises:
        InputError: a table is malformed, or names what the other tables do not have.
    """
    hand_written = ActionTable.read(folder / "actions.yaml")
    category_actions = CategoryActions.read(folder / "emotic_actions.yaml")
    category_emotions = CategoryEmotions.read(folder / "emotic_emotions.yaml")
    contexts = ContextTable.read(folder / "contexts.yaml")
    _check_same(folder / "actions.yaml", "emotions", hand_written.emotions, FER2013)
    _check_same(folder / "emotic_actions.yaml", "categories", category_actions.categories, category_emotions.categories)
    known = {action for emotion in hand_written.emotions.values() for action in emotion.actions}
    used = {action for weights in category_actions.categories.values() for action in weights}
    _check_same(folder / "emotic_actions.yaml", "actions", used, known)
    for name, context in contexts.contexts.items():
        if unknown := set(context.fits) - known:
            raise InputError(
                f"{folder / 'contexts.yaml'}: contexts.{name}.fits: found {min(unknown)!r}, expected an action of "
                "actions.yaml"
            )
    return Tables(hand_written, category_actions, category_emotions, contexts)


def example_activities(contexts: ContextTable) -> pd.DataFrame:
    """Return the hand-written activities: columns activity, category (its context) and weight (how common it is)."""
    rows = [
        (example, name, context.common / len(context.examples))
        for name, context in contexts.contexts.items()
        for example in context.examples
    ]
    return pd.DataFrame(rows, columns=["activity", "category", "weight"])


def _check_same(path: Path, key: str, found: Iterable[str], expected: Iterable[str]) -> None:
    if different := set(found) ^ set(expected):
        raise InputError(
            f"{path}: {key}: {min(different)!r} is missing or unknown, expected {', '.join(sorted(expected))}"
        )
