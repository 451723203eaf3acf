"""The action map of EMOTIC: what goes with each emotion is measured, what follows from it is hand-written.

Assumptions, none of which a data set can test:

- A person shows each of the categories that annotators saw as often as the others, and people of an emotion are like
  EMOTIC's: people in found photos, judged by strangers.
- What a category leads to does not depend on the emotion that it goes with (emotic_actions.yaml), nor does what fits a
  context depend on the category (contexts.yaml).
- Contexts are as common as in MPII, which collected videos by a list of activities, or, without it, as contexts.yaml
  says; an emotion raises those that feel like it. EMOTIC and MPII share no person: that people of both are alike is
  assumed.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from mien.actions.action_map import ActionMap
from mien.actions.action_tables import Tables
from mien.actions.emotic import EmoticAnnotations
from mien.emotions import FER2013


class EmotionProfiles(NamedTuple):
    """What goes with each emotion.

    categories: P(category | emotion), float (7, 26). usual: P(category) among all people, float (26,). feels: mean
    valence, arousal and dominance, less those of all people, in standard deviations between people, float (7, 3); 0
    where none is annotated.
    """

    categories: np.ndarray
    usual: np.ndarray
    feels: np.ndarray


def emotion_shares(felt: EmoticAnnotations, tables: Tables) -> np.ndarray:
    """Return the share of each person that belongs to each emotion, float (N, 7), rows that sum to 1.

    The categories that name an emotion share a person equally; a person with none of them is neutral.
    """
    named = felt.categories.astype(float) @ _naming(tables)
    named[:, FER2013.index("neutral")] = ~named.any(axis=1)
    return named / named.sum(axis=1, keepdims=True)


def names_emotion(tables: Tables) -> np.ndarray:
    """Tell which of EMOTIC's categories name one of our emotions, bool (26,)."""
    return np.any(_naming(tables), axis=1)


def estimate_profiles(felt: EmoticAnnotations, tables: Tables, smoothing: float) -> EmotionProfiles:
    """Measure what goes with each emotion.

    Args:
        felt: the people to learn from.
        tables: which category names which emotion.
        smoothing: how many people with everyone's categories and feelings are added to each emotion.
    """
    shares = emotion_shares(felt, tables)
    shown = felt.categories / felt.categories.sum(axis=1, keepdims=True)
    told = ~np.isnan(felt.vad[:, 0])
    vad, of_told = felt.vad[told], shares[told]
    spread = vad.std(axis=0) if told.any() else np.ones(3)
    feelings = (vad - vad.mean(axis=0)) / np.where(spread > 0, spread, 1) if told.any() else np.zeros((0, 3))
    people, people_told = shares.sum(axis=0)[:, None], of_told.sum(axis=0)[:, None]
    usual = shown.mean(axis=0)
    return EmotionProfiles(
        categories=(shares.T @ shown + smoothing * usual) / (people + smoothing),
        usual=usual,
        feels=of_told.T @ feelings / (people_told + smoothing),
    )


def emotic_map(going: EmotionProfiles, tables: Tables, activities: pd.DataFrame) -> ActionMap:
    """Make the map of what goes with each emotion. For `activities` and errors see `ActionMap.assemble`."""
    return ActionMap.assemble(
        source=f"feelings measured on EMOTIC, their actions {tables.of_category.source}",
        feelings=tables.of_category.categories,
        feeling_of_emotion=going.categories,
        feels=going.feels,
        tables=tables,
        activities=activities,
    )


def _naming(tables: Tables) -> np.ndarray:
    """Return which of our emotions each category names, float (26, 7), in the order of `tables.of_category`."""
    names = [tables.emotion_of.categories[category] for category in tables.of_category.categories]
    return np.array([[name == emotion for emotion in FER2013] for name in names], float)
