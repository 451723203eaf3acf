"""Classes of a data set: allowed names, and groups of labels that become one class."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches
from functools import cached_property
from typing import Self

import numpy as np

from mien._io.errors import InputError
from mien.emotions import FER_PLUS, canonical, is_emotion, names

#: The maximum number of classes, because figures have a row and a column for each.
MAX_CLASSES = 100

#: Names that no class may have: the words for skipped images and unsure faces, and the other columns of tables with a
#: column for each class.
RESERVED = frozenset(
    ("skip", "unsure", "file", "face", "faces", "row", "rows", "frame", "seconds", "left", "top", "width", "height",
     "emotion", "confidence", "prediction set", "reasons", "action")
)  # fmt: skip
_AU = re.compile(r"au\d\d")

_MAX_LENGTH = 50  # characters of a name
_JOINERS = "\u200c\u200d"  # stand between letters of Persian, Hindi and other scripts
_NEGATION = re.compile(r"^(?:un|non|not|dis|anti) ?")
_SIMILARITY = 0.8  # similarity of a misspelt name, by difflib: 0.93 for suprise and surprise


def name_fault(name: str) -> str:
    """Return why a name is not allowed for a class; empty if it is allowed.

    Names of classes are used for folders, columns, metrics and plots.
    """
    is_plain = all(_is_letter(char) or char in " _-" for char in name)
    if not is_plain or not 0 < len(name) <= _MAX_LENGTH or name[0] in " -" or name[-1] in " -":
        return f"found {name!r}, expected a name of at most {_MAX_LENGTH} letters, digits, blanks, _ and -"
    return reserved_fault(name)


def reserved_fault(name: str) -> str:
    """Return that a name has another meaning in tables with a column for each class; empty if it has none."""
    is_reserved = normalized(name) in RESERVED or _AU.fullmatch(normalized(name))
    return f"found {name!r}, which has another meaning, expected another name" if is_reserved else ""


def normalized(name: str) -> str:
    """Return a name without differences that do not matter: case, and the character between words.

    Accents may be characters of their own, as in file names of macOS. A name without any letter stays as it is.
    """
    text = unicodedata.normalize("NFC", name)
    words = "".join(char if _is_letter(char) else " " for char in text).split()
    return " ".join(words).casefold() or text.strip()


def _is_letter(char: str) -> bool:
    """Tell whether a character is part of a word: also vowel signs and accents, which `\\w` of `re` leaves out."""
    return char.isalnum() or unicodedata.category(char).startswith("M") or char in _JOINERS


def similar(name: str, others: Iterable[str]) -> str | None:
    """Return the known name or emotion that is similar to a name, and not its opposite; None if there is none."""
    known = {**{other: other for other in names()}, **{normalized(other): other for other in others}}
    close = get_close_matches(normalized(name), known, n=1, cutoff=_SIMILARITY)
    return known[close[0]] if close and not _is_opposite(normalized(name), close[0]) else None


def _is_opposite(name: str, other: str) -> bool:
    """Tell whether a name is another one behind a negation: unhappy, and not a misspelt `unetral` or `dissgust`."""
    rest = _NEGATION.sub("", name)
    return rest != name and _ratio(rest, other) > _ratio(name, other)


def _ratio(name: str, other: str) -> float:
    return SequenceMatcher(None, other, name).ratio()


@dataclass(frozen=True)
class Merge:
    """Groups of labels that become one class each.

    Attributes:
        groups: the labels of each group, by its name. A label that is a synonym of an emotion is that emotion.
    """

    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, groups: Mapping[str, Sequence[str]]) -> Self:
        """Make groups from the values of params.yaml.

        Raises:
            InputError: a group cannot have its name or has no label, or a label is in two groups.
        """
        merge = cls({group: tuple(dict.fromkeys(map(_label, labels))) for group, labels in groups.items()})
        group_of: dict[str, str] = {}
        for group, labels in merge.groups.items():
            if fault := name_fault(group):
                raise InputError(fault)
            if not labels or not all(labels):
                raise InputError(f"found no label in {group}, expected some, as in negative: [angry, sad]")
            for label in dict.fromkeys((*labels, _label(group))):
                if (other := group_of.setdefault(normalized(label), group)) != group:
                    raise InputError(f"found {label!r} in {other} and in {group}, expected each label in one group")
        return merge

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse groups from the command line, such as negative=angry+sad,positive=happy.

        Raises:
            InputError: the text has another form; or see `of`.
        """
        groups: dict[str, list[str]] = {}
        for item in filter(None, (item.strip() for item in text.split(","))):
            group, equals, labels = (part.strip() for part in item.partition("="))
            if not equals or not group or not labels:
                raise InputError(f"found {item!r}, expected GROUP=LABEL+LABEL, as in negative=angry+sad")
            if group in groups:
                raise InputError(f"found the group {group!r} twice, expected it once")
            groups[group] = [label.strip() for label in labels.split("+")]
        return cls.of(groups)

    @cached_property
    def _group_of(self) -> dict[str, str]:
        return {label: group for group, labels in self.groups.items() for label in (*labels, _label(group))}

    @property
    def labels(self) -> list[str]:
        """All names of groups and of their labels."""
        return list(dict.fromkeys(name for group, labels in self.groups.items() for name in (group, *labels)))

    def class_of(self, label: str) -> str:
        """Return the class of a label: its group, or the label itself if it is in none."""
        return self._group_of.get(label, label)

    def classes_of(self, labels: Iterable[str]) -> list[str]:
        """Return the classes of labels, each once. A group takes the position of its first label."""
        return list(dict.fromkeys(map(self.class_of, labels)))

    def sum_columns(self, values: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """Return values (N, labels), such as votes or probabilities, summed by class: (N, classes of the labels)."""
        classes = self.classes_of(labels)
        sums = np.zeros((len(values), len(classes)), values.dtype)
        for column, label in enumerate(labels):
            sums[:, classes.index(self.class_of(label))] += values[:, column]
        return sums

    def check_used(self, occurring: Iterable[str], known: Iterable[str] = ()) -> None:
        """Refuse groups without images, and labels that are neither an emotion nor a label of images.

        Args:
            occurring: the labels of images. known: other valid names, such as the classes of a network.

        Raises:
            InputError: names the group and the label.
        """
        occurring, known = {*occurring}, {*known}
        for group, labels in self.groups.items():
            for label in labels:
                if label not in occurring | known and label not in FER_PLUS:
                    raise InputError(f"{group}: found no image of {label!r}, expected some{_hint(label, occurring)}")
            if not occurring & {group, _label(group), *labels}:
                raise InputError(f"{group}: found no image of {', '.join(labels)}, expected some of each group")

    def notes(self, counts: Mapping[str, int]) -> list[str]:
        """Return one note per group: its number of images by label. counts: numbers of images, by label."""
        notes = []
        for group, labels in self.groups.items():
            members = dict.fromkeys((*labels, _label(group), group))
            parts = [f"{label} ({counts[label]:,})" for label in members if counts.get(label)]
            absent = [label for label in labels if not counts.get(label)]
            without = f"; no image is labelled {', '.join(absent)}" if absent else ""
            notes.append(f"{group} is {', '.join(parts)}{without}")
        return notes


def _label(name: str) -> str:
    name = name.strip()
    return canonical(name) if is_emotion(name) else name


def _hint(label: str, occurring: Iterable[str]) -> str:
    meant = similar(label, occurring)
    return f"; did you mean {meant}?" if meant else ""
