"""The action map: P(action | emotion, context).

An emotion is a mix of feelings. A feeling leads to actions, and some of them fit the context better than others:

    P(action | emotion, context) = sum over feelings of P(feeling | emotion) P(action | feeling, context)
    P(action | feeling, context) ~ weight(feeling, action) fit(context, action)

If the context is unknown, the map averages over contexts: P(action | emotion) = sum over contexts of P(context |
emotion) P(action | emotion, context), where

    P(context | emotion) ~ common(context) exp(tilt feels(emotion) . feels(context))

In the hand-written map, a feeling is the emotion itself. In the map of EMOTIC, it is one of EMOTIC's 26 categories;
P(feeling | emotion) and feels(emotion) are measured on its people. Weights, fits and feels(context) are hand-written in
both, because no data set says which action follows a feeling. So a probability belongs to the model; it is not a
frequency in the world.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.actions.action_tables import ACTIVITY, ContextTable, Tables, example_activities, load_tables
from mien.actions.context_names import find_context
from mien.actions.npz import read_arrays, write_arrays
from mien.actions.probabilities import Emotions, distribution, emotion_probabilities
from mien.emotions import FER2013

#: The file of a map in its folder.
FILE = "map.npz"


@dataclass(frozen=True)
class ActionMap:
    """P(action | emotion, context) for the seven emotions of FER2013, in its order.

        actions = ActionMap.load()
        actions.predict({"happy": 0.8, "surprise": 0.2}, context="basketball")
        actions.suggest("happy", top=5)

    Attributes:
        source: what the map was made from, in words.
        feelings: their names, str (K,).
        contexts: their names, str (X,).
        actions: their names, str (A,).
        feeling_of_emotion: P(feeling | emotion), float (7, K).
        context_of_emotion: P(context | emotion), float (7, X).
        action_of_feeling: P(action | feeling, context), float (K, X, A).
        activities: their names, str (M,).
        activity_contexts: the context that each activity belongs to, str (M,).
    """

    source: str
    feelings: np.ndarray
    contexts: np.ndarray
    actions: np.ndarray
    feeling_of_emotion: np.ndarray
    context_of_emotion: np.ndarray
    action_of_feeling: np.ndarray
    activities: np.ndarray
    activity_contexts: np.ndarray

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Load the map in a folder, such as models/action_map; by default the hand-written one.

        Raises:
            InputError: the map in the folder is missing or damaged.
        """
        if folder is None:
            tables = load_tables()
            return cls.hand_written(tables, example_activities(tables.contexts))
        path = folder / FILE
        parts = read_arrays(path, [field.name for field in fields(cls)])
        source = str(parts.pop("source"))
        read = cls(source, **parts)
        if not read._is_sound():
            raise InputError(f"{path}: found arrays that are not an action map, expected the output of action_map")
        return read

    @classmethod
    def hand_written(cls, tables: Tables, activities: pd.DataFrame) -> Self:
        """Make the map from the hand-written table. For `activities` and errors see `assemble`."""
        emotions = [tables.hand_written.emotions[name] for name in FER2013]
        return cls.assemble(
            source=f"actions {tables.hand_written.source}",
            feelings={name: emotion.actions for name, emotion in zip(FER2013, emotions, strict=True)},
            feeling_of_emotion=np.eye(len(FER2013)),
            feels=np.array([emotion.feels.array() for emotion in emotions]),
            tables=tables,
            activities=activities,
        )

    @classmethod
    def assemble(
        cls,
        *,
        source: str,
        feelings: Mapping[str, Mapping[str, int]],
        feeling_of_emotion: np.ndarray,
        feels: np.ndarray,
        tables: Tables,
        activities: pd.DataFrame,
    ) -> Self:
        """Build a map from its parts.

        Args:
            source: what it is made from, in words.
            feelings: the weights of actions, by feeling (K). The name ACTIVITY stands for the context's activity.
            feeling_of_emotion: P(feeling | emotion), float (7, K).
            feels: how each emotion differs from an average moment, float (7, 3), in the order of DIMENSIONS.
            tables: give the contexts.
            activities: columns activity, category and weight; the last says how common a context is.

        Raises:
            InputError: the category of an activity is not a context.
        """
        contexts = tables.contexts.contexts
        if unknown := set(activities["category"]) - set(contexts):
            raise InputError(
                f"category {min(unknown)!r} of an activity is unknown, expected one of {', '.join(contexts)}"
            )
        common = activities.groupby("category")["weight"].sum().reindex(list(contexts), fill_value=0).to_numpy()
        likeness = feels @ np.array([context.feels.array() for context in contexts.values()]).T
        context_weights = common * np.exp(tables.contexts.tilt * likeness)
        actions, action_of_feeling = _actions_of_feelings(feelings, tables.contexts)
        return cls(
            source=source,
            feelings=np.array(list(feelings)),
            contexts=np.array(list(contexts)),
            actions=np.array(actions),
            feeling_of_emotion=feeling_of_emotion,
            context_of_emotion=context_weights / context_weights.sum(axis=1, keepdims=True),
            action_of_feeling=action_of_feeling,
            activities=activities["activity"].to_numpy(str),
            activity_contexts=activities["category"].to_numpy(str),
        )

    def save(self, folder: Path) -> None:
        """Write the map into a folder. Equal maps give equal bytes."""
        write_arrays(folder / FILE, vars(self))

    def predict(
        self, emotions: Emotions, context: str | np.ndarray | None = None, *, classes: Sequence[str] = FER2013
    ) -> pd.DataFrame:
        """Return P(action): one row per person, one column per action, float; rows sum to 1.

        Args:
            emotions: probabilities (N, classes) or (classes,), or by name. Names that are not given have probability 0.
            context: the name of a context or activity; or probabilities of `contexts`, (N, X) or (X,); None if unknown.
            classes: the emotions of the columns. Synonyms are accepted.

        Raises:
            InputError: probabilities do not sum to 1, or the map does not know an emotion or context.
        """
        p_emotion, p_context = emotion_probabilities(emotions, classes), self._context_probabilities(context)
        p_action = np.einsum("ek,kxa->exa", self.feeling_of_emotion, self.action_of_feeling)
        if len(p_context) == 1:
            context_of_emotion = np.broadcast_to(p_context[0], p_action.shape[:2])
            return pd.DataFrame(p_emotion @ np.einsum("ex,exa->ea", context_of_emotion, p_action), columns=self.actions)
        if len(p_context) != len(p_emotion):
            raise InputError(f"context: found {len(p_context)} rows, expected 1 or {len(p_emotion)}, as of emotions")
        probabilities = np.einsum("ne,nx,exa->na", p_emotion, p_context[:, 0], p_action, optimize=True)
        return pd.DataFrame(probabilities, columns=self.actions)

    def suggest(
        self,
        emotion: str | Emotions,
        context: str | np.ndarray | None = None,
        *,
        top: int = 5,
        classes: Sequence[str] = FER2013,
    ) -> pd.DataFrame:
        """Return the most likely actions of one person: columns rank (from 1), action, probability and because.

        `because` names the feelings that lead to the action, with their shares of its probability. Other arguments and
        errors are those of `predict`; `emotions` can also be a single name.
        """
        emotions = {emotion: 1.0} if isinstance(emotion, str) else emotion
        p_emotion, p_context = emotion_probabilities(emotions, classes), self._context_probabilities(context)
        if len(p_emotion) != 1 or len(p_context) != 1:
            raise InputError(f"found {len(p_emotion)} emotions, {len(p_context)} contexts, expected one person's")
        p_both = p_emotion[0][:, None] * p_context[0]
        joint = np.einsum("ex,ek,kxa->ka", p_both, self.feeling_of_emotion, self.action_of_feeling, optimize=True)
        probabilities = joint.sum(axis=0)
        order = np.argsort(-probabilities, kind="stable")[: min(top, (probabilities > 0).sum())]
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(order) + 1),
                "action": self.actions[order],
                "probability": probabilities[order],
                "because": [self._because(joint[:, action]) for action in order],
            }
        )

    def context(self, name: str) -> str:
        """Return the context that a name stands for, see `find_context`. Raises InputError for an unknown name."""
        return find_context(name, self.contexts, self.activities, self.activity_contexts)

    def action_probabilities(self, emotion: str, context: str | None = None) -> np.ndarray:
        """Return P(action | emotion, context), float (A,). Raises InputError for an unknown name."""
        return self.predict({emotion: 1.0}, context).to_numpy()[0]

    def _is_sound(self) -> bool:
        """Tell whether all arrays have their documented shapes and probabilities sum to 1."""
        all_names = (self.feelings, self.contexts, self.actions, self.activities, self.activity_contexts)
        if any(names.dtype.kind != "U" or names.ndim != 1 for names in all_names):
            return False
        feelings, contexts, actions, activities, activity_contexts = map(len, all_names)
        shapes = {
            (len(FER2013), feelings): self.feeling_of_emotion,
            (len(FER2013), contexts): self.context_of_emotion,
            (feelings, contexts, actions): self.action_of_feeling,
        }
        return (
            activities == activity_contexts
            and set(self.activity_contexts.tolist()) <= set(self.contexts.tolist())
            and all(array.shape == shape and array.dtype.kind == "f" for shape, array in shapes.items())
            and all((array >= 0).all() and np.allclose(array.sum(axis=-1), 1) for array in shapes.values())
        )

    def _context_probabilities(self, context: str | np.ndarray | None) -> np.ndarray:
        """Return P(context | emotion), per row or the same for all rows: float (N or 1, 7 or 1, X)."""
        if context is None:
            return self.context_of_emotion[None]
        if isinstance(context, str):
            return (self.contexts == self.context(context)).astype(float)[None, None]
        return distribution(np.atleast_2d(context), len(self.contexts), "context")[:, None]

    def _because(self, joint: np.ndarray) -> str:
        """Name the feelings that lead to an action. Takes P(feeling, action), float (K,)."""
        shares = joint / joint.sum()
        strongest = [feeling for feeling in np.argsort(-shares, kind="stable")[:3] if shares[feeling] >= 0.1]
        return ", ".join(f"{self.feelings[feeling]} {shares[feeling]:.0%}" for feeling in strongest)


def _actions_of_feelings(
    feelings: Mapping[str, Mapping[str, int]], contexts: ContextTable
) -> tuple[list[str], np.ndarray]:
    """Return the names of all actions, those of contexts last, and P(action | feeling, context), float (K, X, A)."""
    actions = sorted({action for weights in feelings.values() for action in weights} - {ACTIVITY})
    count = len(actions)
    weights = np.array(
        [[by_action.get(action, 0) for action in (*actions, ACTIVITY)] for by_action in feelings.values()]
    )
    fits = np.array([[c.fits.get(action, 1) for action in (*actions, ACTIVITY)] for c in contexts.contexts.values()])
    fitting = weights[:, None, :] * fits
    likelihood = np.zeros((len(weights), len(fits), count + len(fits)))
    likelihood[:, :, :count] = fitting[:, :, :count]
    context = np.arange(len(fits))
    likelihood[:, context, count + context] = fitting[:, :, count]
    # If no action of a feeling happens in a context, the feeling leads to the activity of the context.
    impossible = likelihood.sum(axis=2) == 0
    likelihood[:, context, count + context] += impossible
    activities = [context.activity for context in contexts.contexts.values()]
    return [*actions, *activities], likelihood / likelihood.sum(axis=2, keepdims=True)
