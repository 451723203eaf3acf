"""The Action Units that go with an emotion: those that a face shows and that most people show in it."""

from collections.abc import Mapping
from functools import cache

from mien.aus.facs import column
from mien.aus.rules import AuTable

_TABLE = "du_martinez"  # its shares are of 230 people; as rules, it is the best of the tables on AUs that people coded
_MOST = 0.5  # of the people
_SHOWN = 30  # intensity of an AU, 0..100


def reasons(emotion: str, aus: Mapping[str, float]) -> list[str]:
    """Return the AUs that speak for an emotion, strongest first: ["AU12", "AU06"].

    They are those that the face shows and that at least half of the people of Du, Tao & Martinez (2014) show in the
    emotion. They are read beside the emotion, not before it: it may stand without any.

    Args:
        emotion: any class; the table names none for neutral, and for what is no emotion.
        aus: intensities 0..100, by name.
    """
    shown = [name for name in _prototype(emotion) if aus.get(name, 0) >= _SHOWN]
    return sorted(shown, key=lambda name: -aus[name])


@cache
def _prototype(emotion: str) -> tuple[str, ...]:
    rule = AuTable.load(_TABLE).emotions.get(emotion)
    if rule is None:
        return ()
    often = [au for au, share in rule.optional.items() if share >= _MOST]
    return tuple(column(au) for au in sorted([*rule.positive, *often]))
