"""The meaning of labels: folder names and CSV cells become emotions, or classes of the data set's own."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from mien._io.errors import InputError
from mien.data.seen_labels import SeenLabels
from mien.emotions import FER2013, FER_PLUS, canonical, is_emotion
from mien.emotions.label_sets import normalized, similar

#: What to do with images whose label names no emotion.
UnknownClasses = Literal["skip", "fail"]

#: The word in label names for images to leave out.
SKIP = "skip"

#: The labels of a row with an empty cell, and of an image in no folder.
EMPTY, NO_FOLDER = "(empty)", "no folder"

#: The numeric labels of published data sets.
CODES = {
    "RAF-DB": ("", "surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"),
    "FER2013": FER2013,
    "AffectNet": ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"),
    "CK+ as a CSV": FER_PLUS,
}

_WORDS = "class|label|emotion|expression|category"  # prefixes of a number or a name
_CODE = re.compile(rf"(?:(?:{_WORDS})[\W_]*)?0*(\d+)(?:\.0+)?", re.IGNORECASE)  # 1.0: as pandas writes numbers
_AROUND = re.compile(  # additions before and after a name: class_0_angry, happy (1), sad_faces
    rf"^(?:{_WORDS})?[\d\W_]+|[\W_]+(?:faces?|images?|photos?|emotions?|expressions?|people)$|[\d\W_]+$", re.IGNORECASE
)


@dataclass(frozen=True)
class LabelNames:
    """Maps labels to emotions, or to classes of the data set's own.

    Names of emotions and their synonyms need no entry, also with a number before or after them (0_angry). The same
    holds for own classes. An own class that is a synonym of an emotion (joy) stands for that emotion.

    Attributes:
        emotions: the meaning of all other labels, by the label in lower case; numbers without leading zeros also stand
            for class001 and the like. "skip" leaves the images out.
        unknown: what to do with images whose label names no emotion and no own class.
        classes: the wanted classes, in order; empty for all emotions. Classes that are not in FER_PLUS are own classes.
        seen: what was asked for so far, shared by copies.
    """

    emotions: Mapping[str, str] = field(default_factory=dict)
    unknown: UnknownClasses = "skip"
    classes: tuple[str, ...] = ()
    seen: SeenLabels = field(default_factory=SeenLabels, compare=False, repr=False)

    @classmethod
    def of(
        cls, label_names: Mapping[int | str, str], unknown: UnknownClasses = "skip", classes: Iterable[str] = ()
    ) -> "LabelNames":
        """Make label names from the values of params.yaml.

        Args:
            label_names: the meaning of labels that name neither an emotion nor one of `classes`.
            unknown: see the class.
            classes: see the class.

        Raises:
            InputError: a label means neither an emotion nor one of `classes`.
        """
        names = cls({}, unknown, tuple(dict.fromkeys(classes)))
        emotions = {}
        for label, name in label_names.items():
            key = _key(str(label))
            if not key:
                raise InputError(f"found an empty label for {name!r}, expected LABEL=EMOTION")
            emotions[key] = SKIP if name == SKIP else names.meaning(name)
        return replace(names, emotions=emotions)

    @classmethod
    def parse(cls, text: str, unknown: UnknownClasses = "skip", classes: Iterable[str] = ()) -> "LabelNames":
        """Parse names from the command line, such as 1=surprise,2=fear. classes: see `of`.

        Raises:
            InputError: there is no such emotion, or the text has another form.
        """
        label_names: dict[int | str, str] = {}
        for item in filter(None, (item.strip() for item in text.split(","))):
            label, equals, name = (part.strip() for part in item.partition("="))
            if not equals or not label or not name:
                raise InputError(f"found {item!r}, expected LABEL=EMOTION, as in 1=surprise,2=fear")
            if label in label_names:
                raise InputError(f"found the label {label!r} twice, expected it once")
            label_names[label] = name
        return cls.of(label_names, unknown, classes)

    @cached_property
    def _own(self) -> dict[str, str]:
        return {normalized(name): name for name in self.classes if name not in FER_PLUS}

    @cached_property
    def _renamed(self) -> dict[str, str]:
        synonyms = [name for name in reversed(self.classes) if is_emotion(name)]
        return {canonical(name): name for name in synonyms if canonical(name) not in self.classes}

    @cached_property
    def names(self) -> list[str]:
        """All classes that labels can mean: the emotions in the order of FER2013, then the own classes."""
        return list(dict.fromkeys([*map(self.renamed, FER_PLUS), *self._own.values()]))

    def in_order(self, labels: Iterable[str]) -> list[str]:
        """Return those of `names` that occur among labels, in order."""
        present = set(labels)
        return [name for name in self.names if name in present]

    def renamed(self, emotion: str) -> str:
        """Return the own class for an emotion, or the emotion itself."""
        return self._renamed.get(emotion, emotion)

    def decoded(self, emotion: str) -> str:
        """Return what the label name of an emotion says where a data set's own code means it, or "skip"."""
        self.seen.add(emotion)
        return self.emotions.get(emotion) or self.renamed(emotion)

    def meaning(self, name: str) -> str:
        """Return the emotion or own class of a name. Raises InputError if there is none."""
        if own := self._own.get(normalized(name)):
            return own
        if self._own and not is_emotion(name):
            raise InputError(f"unknown class {name!r}, expected one of {', '.join(self.classes)} or an emotion")
        return self.renamed(canonical(name))

    def own_class(self, label: str) -> str | None:
        """Return the own class with the label's name; None if there is none."""
        names = (label, _bare(label)) if self._own else ()
        return next((own for name in names if (own := self._own.get(normalized(name)))), None)

    def emotion(self, label: str) -> str | None:
        """Return the class that a label names by a word, or "skip"; None if it names none or is a number."""
        self.seen.add(_folded(label))
        if own := self.own_class(label):
            return own
        if _CODE.fullmatch(label.strip()):
            return None
        if emotion := self.emotions.get(_folded(label)):
            return emotion
        for name in (label.strip(), _bare(label)):
            if is_emotion(name):
                return self.renamed(canonical(name))
        return None

    def code(self, label: str) -> str | None:
        """Return the class of a numbered label, such as 1 or class001, or "skip"; None if it has none."""
        self.seen.add(_key(label))
        return self.emotions.get(_key(label))

    def with_codes(self, codes: Iterable[str]) -> "LabelNames":
        """Return a copy with an emotion for each number from 0 on.

        If one of these numbers has a name already, or no class is an emotion, the numbers belong to another data set
        and nothing changes.
        """
        emotions = {str(code): self.decoded(emotion) for code, emotion in enumerate(codes) if emotion}
        if emotions.keys() & self.emotions.keys() or (self.classes and not any(map(is_emotion, self.classes))):
            return self
        return replace(self, emotions={**emotions, **self.emotions})

    def with_fer2013(self) -> "LabelNames":
        """Return a copy with the numbers of FER2013's table, see `with_codes`; 7 is contempt, as in CK+."""
        return self.with_codes(FER2013 if "7" in self.emotions else FER_PLUS)

    def suggestion(self, label: str) -> str | None:
        """Return the emotion or own class with a name similar to a label; None if there is none."""
        close = similar(_bare(label), self._own.values())
        return self.meaning(close) if close else None

    def check(self, label: str) -> None:
        """Refuse a label that names no emotion if it looks misspelt, or if all labels must be known.

        Raises:
            InputError: says what was found and expected, and how to name the label.
        """
        if emotion := self.suggestion(label):
            raise InputError(
                f"found {label!r}, expected an emotion; did you mean {emotion}? --labels {label}={emotion} "
                f"(prepare_fer.label_names) names it, --labels {label}={SKIP} leaves it out"
            )
        if self.unknown == "fail":
            raise InputError(f"found {label!r}, expected {self.expected()}; {naming([label])}")

    def expected(self) -> str:
        """Return the valid labels, for messages."""
        emotions = f"an emotion ({', '.join(FER2013)})"
        return f"{emotions} or a class ({', '.join(self._own.values())})" if self._own else emotions


def naming(labels: Iterable[str]) -> str:
    """Return how to name labels, with the names of data sets that use these numbers."""
    labels = sorted({*labels} - {EMPTY, NO_FOLDER})
    codes = {int(code) for label in labels if (code := _key(label)).isdecimal()}
    published = [
        f"for {source} {','.join(f'{code}={emotions[code]}' for code in sorted(codes))}"
        for source, emotions in CODES.items()
        if len(codes) > 1 and codes == {code for code, emotion in enumerate(emotions) if emotion}
    ]
    if published:
        return f"--labels (prepare_fer.label_names) names them, {', '.join(published)}"
    if codes == {7}:
        return "--labels 7=contempt (prepare_fer.label_names) names it as in CK+"
    if not labels:
        return "each image needs a label"
    names = f"--labels {labels[0]}=EMOTION (prepare_fer.label_names) names it"
    own = [label for label in labels if not _CODE.fullmatch(label)]
    return f"{names}, prepare_fer.classes: [{own[0]}, ..] makes it a class of its own" if own else names


def _bare(label: str) -> str:
    """Return a label without additions around its name: "Happy Faces (1)" becomes Happy."""
    return _AROUND.sub("", _AROUND.sub("", label))


def _key(label: str) -> str:
    text = _folded(label)
    code = _CODE.fullmatch(text)
    return str(int(code[1])) if code else text


def _folded(label: str) -> str:
    return unicodedata.normalize("NFC", label.strip()).lower()  # file names of macOS part letters from their accents
