"""Labels in the names of image files: as the authors of JAFFE and KDEF give them, or words such as happy_01.png."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Self

from mien.data.labels import SKIP, LabelNames, counted

_MIN_SHARE = 0.5  # of all images that have names of a form
_MIN_CLASSES = 2  # of images that are labelled by words
_NEGATIONS = {"not", "no", "non", "un", "dis", "anti"}
_MIN_PEOPLE = 3  # one for each split
_JAFFE = {
    "AN": "angry", "DI": "disgust", "FE": "fear", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
_KDEF = {
    "AF": "fear", "AN": "angry", "DI": "disgust", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
_VIEWS = {
    "S": "straight", "HL": "half left profile", "HR": "half right profile", "FL": "full left profile",
    "FR": "full right profile",
}  # fmt: skip


class _Form(NamedTuple):
    """How a data set names its files; the pattern has the groups person, label and, if there are several, view."""

    source: str
    pattern: re.Pattern[str]
    emotions: dict[str, str]


_FORMS = (
    _Form("JAFFE", re.compile(r"(?P<person>[A-Z]{2})[._-](?P<label>[A-Z]{2})\d[._-]\d+\.\w+", re.IGNORECASE), _JAFFE),
    _Form(
        "KDEF",
        re.compile(r"[AB](?P<person>[FM]\d\d)(?P<label>[A-Z]{2})(?P<view>S|HL|HR|FL|FR)\.\w+", re.IGNORECASE),
        _KDEF,
    ),
)


_CK_PLUS = _Form("CK+", re.compile(r"(?P<person>S\d{3})_\d{3}_\d{8}\.\w+", re.IGNORECASE), {})  # names hold no label


class FileNames:
    """Labels from the file names of images.

    Attributes:
        notes: what the user should know.
    """

    def __init__(self, form: _Form, matches: dict[str, re.Match[str]], labels: LabelNames) -> None:
        """Read names. matches: matches of the form, by image name."""
        self._emotions: dict[str, str | None] = {}
        for name, match in matches.items():
            code = match["label"].upper()
            emotion = labels.emotion(code) or labels.renamed(form.emotions[code])
            self._emotions[name] = None if emotion == SKIP else emotion
        codes = ", ".join(f"{code} {labels.emotion(code) or emotion}" for code, emotion in form.emotions.items())
        self.notes = [f"labels are read from file names, as of {form.source}: {codes}"]
        if "view" in form.pattern.groupindex:
            views = Counter(_VIEWS[match["view"].upper()] for match in matches.values())
            self.notes.append(f"all views are read: {counted(views)}")

    @classmethod
    def of(cls, names: Sequence[str], labels: LabelNames) -> Self | None:
        """Return the labels of images by their names; None if fewer than half of them have a known form."""
        form, matches = _matching_form(names, _FORMS)
        return cls(form, matches, labels) if form else None

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """Return the class of an image, None if its name holds none; and None, as it holds no split."""
        return self._emotions.get(name), None

    def is_read(self, name: str) -> bool:  # noqa: ARG002
        """Return False: no file holds labels."""
        return False


class People:
    """The people in images, by file name; nobody if fewer than half of the names have a known form.

    Attributes:
        notes: what the user should know.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Read the names of images."""
        form, matches = _matching_form(names, (*_FORMS, _CK_PLUS))
        self._people = {name: match["person"].upper() for name, match in matches.items()}
        count = len({*self._people.values()})
        self.notes: list[str] = []
        if form and count >= _MIN_PEOPLE:
            self.notes = [f"{count:,} people are known from file names, as in {form.source}; nobody is in two splits"]
        elif form:
            self.notes = [
                f"{count} {'person is' if count == 1 else 'people are'} in it; where the source has no splits, images "
                "of one person get into several, which flatters figures"
            ]
            self._people = {}

    def person(self, name: str) -> str:
        """Return the person in an image; empty if unknown."""
        return self._people.get(name, "")


class FileWords:
    """Labels from words in the file names of images, such as happy_01.png.

    Attributes:
        notes: what the user should know.
    """

    def __init__(self, emotions: dict[str, str | None]) -> None:
        """Start with the class of each image, by name; None for images to leave out."""
        self._emotions = emotions
        example = next(iter(emotions))
        self.notes = [
            f"labels are read from words in file names, such as {example.rpartition('/')[2]}: "
            f"{emotions[example] or 'left out'}"
        ]

    @classmethod
    def of(cls, names: Sequence[str], labels: LabelNames) -> Self | None:
        """Return the labels of images by words in their names.

        None if fewer than half of the names have words for one class alone, or all of them for the same.
        """
        found = {name: _classes_in(name, labels) for name in names}
        emotions = {name: next(iter(classes)) for name, classes in found.items() if len(classes) == 1}
        if len(emotions) < _MIN_SHARE * len(names) or len(set(emotions.values())) < _MIN_CLASSES:
            return None
        return cls({name: None if emotion == SKIP else emotion for name, emotion in emotions.items()})

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """Return the class of an image, None if its name holds none; and None, as it holds no split."""
        return self._emotions.get(name), None

    def is_read(self, name: str) -> bool:  # noqa: ARG002
        """Return False: no file holds labels."""
        return False


def _matching_form(names: Sequence[str], forms: Sequence[_Form]) -> tuple[_Form | None, dict[str, re.Match[str]]]:
    """Return the form of at least half of the names, and the matches by name."""
    for form in forms:
        found = {name: match for name in names if (match := form.pattern.fullmatch(name.rpartition("/")[2]))}
        has_label = "label" in form.pattern.groupindex
        matches = {name: m for name, m in found.items() if not has_label or m["label"].upper() in form.emotions}
        if matches and len(matches) >= _MIN_SHARE * len(names):
            return form, matches
    return None, {}


def _classes_in(name: str, labels: LabelNames) -> set[str]:
    """Return the classes that words in a name are; none if one stands behind a negation."""
    stem = name.rpartition("/")[2].rpartition(".")[0]
    words = re.findall(r"[^\W\d_]+|\d+", stem)
    if any(before.lower() in _NEGATIONS and labels.emotion(word) for before, word in pairwise(words)):
        return set()
    return {emotion for word in words if (emotion := labels.emotion(word))}
