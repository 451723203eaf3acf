"""The action map of EMOTIC: what people show in each emotion is measured; what they do is hand-written.

Assumptions, none of which a data set can test:

- A person shows all categories that annotators saw equally often. People with an emotion are like those of EMOTIC:
  people in found photos, judged by strangers.
- The actions of a category do not depend on the emotion (emotic_actions.yaml). What fits a context does not depend on
  the category (contexts.yaml).
- Contexts are as common as in MPII, which collected videos by a list of activities; without MPII, as contexts.yaml
  says. An emotion makes contexts that feel like it more common. EMOTIC and MPII share no person; the map assumes that
  their people are alike.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from mien.actions.action_map import ActionMap
from mien.actions.action_tables import Tables
from mien.actions.emotic import EmoticAnnotations
from mien.emotions import FER2013


class EmotionProfiles(NamedTuple):
    """The categories and feelings that people show in each of the seven emotions.

    Attributes:
        categories: P(category | emotion), float (7, 26).
        overall: P(category) among all people, float (26,).
        feels: mean valence, arousal and dominance minus those of all people, in standard deviations between people,
            float (7, 3); 0 if none is annotated.
    """

    categories: np.ndarray
    overall: np.ndarray
    feels: np.ndarray


def emotion_shares(people: EmoticAnnotations, tables: Tables) -> np.ndarray:
    """Return how much of each person belongs to each emotion: float (N, 7); rows sum to 1.

    Categories that name an emotion share the person equally. A person without such a category is neutral.
    """
    counts = people.categories.astype(float) @ _emotion_of_category(tables)
    counts[:, FER2013.index("neutral")] = ~counts.any(axis=1)
    return counts / counts.sum(axis=1, keepdims=True)


def names_emotion(tables: Tables) -> np.ndarray:
    """Tell which of EMOTIC's categories name one of the seven emotions: bool (26,)."""
    return np.any(_emotion_of_category(tables), axis=1)


def estimate_profiles(people: EmoticAnnotations, tables: Tables, smoothing: float) -> EmotionProfiles:
    """Measure which categories and feelings people show in each emotion.

    Args:
        people: the people to learn from.
        tables: say which category names which emotion.
        smoothing: how many average people are added to each emotion.
    """
    shares = emotion_shares(people, tables)
    shown = people.categories / people.categories.sum(axis=1, keepdims=True)
    overall = shown.mean(axis=0)
    annotated = ~np.isnan(people.vad[:, 0])
    annotated_shares = shares[annotated]
    counts, annotated_counts = (rows.sum(axis=0)[:, None] for rows in (shares, annotated_shares))
    return EmotionProfiles(
        categories=(shares.T @ shown + smoothing * overall) / (counts + smoothing),
        overall=overall,
        feels=annotated_shares.T @ _standardised(people.vad[annotated]) / (annotated_counts + smoothing),
    )


def emotic_map(profiles: EmotionProfiles, tables: Tables, activities: pd.DataFrame) -> ActionMap:
    """Make the action map from profiles. For `activities` and errors see `ActionMap.assemble`."""
    return ActionMap.assemble(
        source=f"feelings measured on EMOTIC, their actions {tables.category_actions.source}",
        feelings=tables.category_actions.categories,
        feeling_of_emotion=profiles.categories,
        feels=profiles.feels,
        tables=tables,
        activities=activities,
    )


def _standardised(vad: np.ndarray) -> np.ndarray:
    """Return values minus their mean, in standard deviations: float (N, 3); 0 if all are equal."""
    if not len(vad):
        return np.zeros((0, 3))
    spread = vad.std(axis=0)
    return (vad - vad.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _emotion_of_category(tables: Tables) -> np.ndarray:
    """Return which emotion each category names: float (26, 7), in the order of `tables.category_actions`."""
    names = [tables.category_emotions.categories[category] for category in tables.category_actions.categories]
    return np.array([[name == emotion for emotion in FER2013] for name in names], float)
