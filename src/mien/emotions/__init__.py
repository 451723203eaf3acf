"""Emotions: label sets, their order, and synonyms used by data sets."""

from collections.abc import Iterable

from mien._io.errors import InputError

#: Class order of the FER2013 challenge (Goodfellow et al. 2013); a label is an index into it.
FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

#: The classes of FER+ (Barsoum et al. 2016): those of FER2013 in its order, and contempt.
FER_PLUS = (*FER2013, "contempt")

#: The six basic emotions (Ekman 1992), which Action Units can show, without neutral.
BASIC = ("happy", "surprise", "angry", "sad", "fear", "disgust")

_SYNONYMS = {
    "angry": ("anger",),
    "disgust": ("disgusted",),
    "fear": ("afraid", "fearful", "frightened", "scared"),
    "happy": ("happiness", "joy", "joyful"),
    "sad": ("sadness",),
    "surprise": ("surprised",),
    "neutral": ("calm", "neutrality"),
    "contempt": ("contemptuous",),
}
_CANONICAL = {name: emotion for emotion, names in _SYNONYMS.items() for name in (emotion, *names)}


def names() -> list[str]:
    """Return the names of all emotions and their synonyms."""
    return list(_CANONICAL)


def is_emotion(name: str) -> bool:
    """Tell whether `name` is an emotion or a known synonym of one, in any case."""
    return name.lower() in _CANONICAL


def canonical(name: str) -> str:
    """Return the emotion that `name` stands for ("Happiness" -> "happy"). Raises InputError for an unknown name."""
    try:
        return _CANONICAL[name.lower()]
    except KeyError:
        raise InputError(f"unknown emotion {name!r}, expected one of {', '.join(FER_PLUS)} or a synonym") from None


def in_order(names: Iterable[str]) -> list[str]:
    """Return the distinct emotions among `names` (canonical ones) in the order of FER2013, contempt last."""
    present = set(names)
    return [emotion for emotion in FER_PLUS if emotion in present]
