"""What `mien actions` does: an emotion and a context in, suggested actions out."""

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mien._io.errors import InputError
from mien.actions import ActionMap
from mien.emotions import FER2013, canonical, is_emotion

_TOP_CONTEXTS = 3  # contexts shown per person


#: Returns the most likely action for the probability of each emotion, float (classes,).
Suggest = Callable[[np.ndarray], str]


class Person(NamedTuple):
    """A person to suggest actions to.

    Attributes:
        row: the row in the table of joints, from 1, or None.
        context: as `ActionMap.predict` takes it.
        contexts: the most likely contexts with their probabilities, by name; empty if unknown.
    """

    row: int | None
    context: str | np.ndarray | None
    contexts: dict[str, float]


def suggest(
    words: Sequence[str], context: str | None, joints: Path | None, top: int, folder: Path | None, as_json: bool
) -> None:
    """Print the most likely actions, with their probabilities and the feelings that lead to them.

    Args:
        words: an emotion, or several as EMOTION=PROBABILITY that sum to 1.
        context: a context or activity by name, or None.
        joints: a CSV of joints, to predict the context of each row from; or None.
        top: how many actions.
        folder: the folder of a map; None for the hand-written one. With joints, it must have a classifier.
        as_json: print one JSON object per person and line instead of text.

    Raises:
        InputError: an emotion or context is unknown, probabilities do not sum to 1, or a file is bad.
    """
    if top < 1:
        raise InputError(f"--top: found {top}, expected at least 1")
    emotions = _emotions(words)
    actions = ActionMap.load(folder)
    people = _people(joints, folder, actions) if joints else [_person(context, actions)]
    for person in people:
        table = actions.suggest(emotions, person.context, top=top)
        rows = table.round({"probability": 4}).to_dict("records")
        if as_json:
            row = {} if person.row is None else {"row": person.row}
            result = {"emotions": emotions, "contexts": person.contexts, "source": actions.source, "actions": rows}
            print(json.dumps(row | result))
        else:
            print(_text(person, emotions, rows))
    if not as_json:
        print(f"\nSuggestions, not predictions: {actions.source}.")


def suggester(classes: Sequence[str]) -> Suggest:
    """Return a function that names a person's most likely action, by the hand-written action map.

    It returns "" if the most probable class is not one of the seven emotions with known actions, see `action_note`.
    Probabilities of such classes do not count.
    """
    emotions = [_emotion_of(name) for name in classes]
    # The probability of an action is linear in those of the emotions, so each face needs only one product.
    by_emotion = ActionMap.load().predict(np.eye(len(FER2013)))
    actions, table = list(by_emotion.columns), by_emotion.to_numpy()
    none = np.zeros(len(actions))
    rows = np.array([table[FER2013.index(emotion)] if emotion else none for emotion in emotions])

    return _Suggester(emotions, actions, rows)


@dataclass(frozen=True)
class _Suggester:
    """See `suggester`, in which a nested function could not be pickled. rows: float (classes, actions)."""

    emotions: list[str]
    actions: list[str]
    rows: np.ndarray

    def __call__(self, probabilities: np.ndarray) -> str:
        if not self.emotions[int(probabilities.argmax())]:
            return ""
        return str(self.actions[int((probabilities @ self.rows).argmax())])


def action_note(classes: Sequence[str]) -> str:
    """Return a note that names the classes without a known action; empty if there are none."""
    unknown = [name for name in classes if not _emotion_of(name)]
    known = f"actions are known for seven emotions ({', '.join(FER2013)})"
    return f"{known}: none is suggested for {', '.join(unknown)}" if unknown else ""


def has_actions(classes: Sequence[str]) -> bool:
    """Tell whether actions are known for some of the classes."""
    return any(map(_emotion_of, classes))


def _emotion_of(name: str) -> str:
    """Return the action map's emotion for a name; empty if there is none."""
    return canonical(name) if is_emotion(name) and canonical(name) in FER2013 else ""


def _emotions(words: Sequence[str]) -> dict[str, float]:
    if len(words) == 1 and "=" not in words[0]:
        return {_emotion(words[0]): 1.0}
    emotions: dict[str, float] = {}
    for word in words:
        name, _, value = word.partition("=")
        emotion = _emotion(name)
        try:
            probability = float(value)
        except ValueError:
            raise InputError(f"found {word!r}, expected EMOTION=PROBABILITY such as happy=0.7") from None
        if emotion in emotions:
            raise InputError(f"found {emotion} twice, expected it once")
        emotions[emotion] = probability
    return emotions


def _emotion(name: str) -> str:
    if emotion := _emotion_of(name):
        return emotion
    near = difflib.get_close_matches(name.lower(), FER2013, n=1)
    expected = f"{near[0]}, or another" if near else "one"
    raise InputError(f"emotion: found {name!r}, expected {expected} of {', '.join(FER2013)}")


def _person(context: str | None, actions: ActionMap) -> Person:
    if context is None:
        return Person(None, None, {})
    return Person(None, context, {actions.context(context): 1.0})


def _people(joints: Path, folder: Path | None, actions: ActionMap) -> Iterator[Person]:
    from mien.actions.context_classifier import ContextClassifier  # SciPy takes a while to load
    from mien.actions.mpii import read_joints

    if folder is None:
        raise InputError("--joints: needs --model with the folder of a map that was made with action_map.mpii")
    classifier = ContextClassifier.load(folder)
    probabilities = classifier.predict_proba(*read_joints(joints))
    for row, probability in enumerate(probabilities, start=1):
        by_name = dict(zip(classifier.contexts, probability.tolist(), strict=True))
        likeliest = sorted(by_name, key=lambda name: -by_name[name])[:_TOP_CONTEXTS]
        ordered = np.array([by_name.get(str(name), 0.0) for name in actions.contexts])
        yield Person(row, ordered, {name: round(by_name[name], 4) for name in likeliest})


def _text(person: Person, emotions: dict[str, float], rows: list[dict[Any, Any]]) -> str:
    head = [_listed(emotions)]
    if person.contexts:
        name = (
            f"{person.context}: " if isinstance(person.context, str) and person.context not in person.contexts else ""
        )
        head.append(name + _listed(person.contexts))
    if person.row is not None:
        head.insert(0, f"row {person.row}")
    width = max(len(row["action"]) for row in rows)
    lines = [f"{row['probability']:>7.1%}  {row['action']:<{width}}  {row['because']}" for row in rows]
    return "\n".join([" | ".join(head), *lines])


def _listed(probabilities: dict[str, float]) -> str:
    if list(probabilities.values()) == [1.0]:
        return next(iter(probabilities))
    return ", ".join(f"{name} {value:.0%}" for name, value in probabilities.items())
