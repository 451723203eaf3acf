"""Finds contexts by the names that people type."""

import difflib
from collections.abc import Iterable

import numpy as np

from mien._io.errors import InputError


def find_context(name: str, contexts: np.ndarray, activities: np.ndarray, activity_contexts: np.ndarray) -> str:
    """Return the context of a name. The name may be a context, an activity, or the beginning of an activity's name.

    Case does not matter. "rope skipping" stands for "rope skipping, general". A beginning that activities of several
    contexts share stands for none.

    Args:
        name: what a person typed.
        contexts: the names of contexts, str (X,).
        activities: the names of activities, str (M,).
        activity_contexts: the context of each activity, str (M,).

    Raises:
        InputError: there is no such context, or several. The message offers the nearest names.
    """
    wanted = " ".join(name.lower().split())
    if not wanted:
        raise InputError("context: found an empty name, expected one such as sports or basketball")
    by_name = {context.lower(): str(context) for context in contexts}
    by_activity = {a.lower(): str(c) for a, c in zip(activities, activity_contexts, strict=True)}
    if exact := by_name.get(wanted) or by_activity.get(wanted):
        return exact
    matches = {activity: context for activity, context in by_activity.items() if _starts_with_words(activity, wanted)}
    if len(set(matches.values())) == 1:
        return next(iter(matches.values()))
    if matches:
        examples = {context: activity for activity, context in matches.items()}
        offered = [f"{activity!r} ({context})" for context, activity in examples.items()]
        raise InputError(f"context: found {name!r}, which is in several, expected one such as {_joined_by_or(offered)}")
    names = [*contexts, *activities]
    near = difflib.get_close_matches(wanted, [text.lower() for text in names], n=3)
    containing = [text.lower() for text in names if wanted in text.lower()]
    if offered := list(dict.fromkeys([*near, *containing]))[:3]:
        raise InputError(f"context: found {name!r}, unknown, expected one such as {_joined_by_or(map(repr, offered))}")
    raise InputError(f"context: found {name!r}, expected one of {', '.join(contexts)}, or an activity of MPII")


def _starts_with_words(text: str, words: str) -> bool:
    return text.startswith(words) and not text[len(words) : len(words) + 1].isalnum()


def _joined_by_or(names: Iterable[str]) -> str:
    return " or ".join(names)
