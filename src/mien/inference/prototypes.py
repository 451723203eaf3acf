"""The Action Units that support an emotion: shown by the face, and by most people with this emotion."""

from collections.abc import Mapping
from functools import cache

from mien.aus.facs import column
from mien.aus.rules import AuTable

_TABLE = "du_martinez"  # its shares come from 230 people; as rules, it is the best table on AUs coded by people
_MOST = 0.5  # share of the people
_SHOWN = 30  # intensity of an AU, 0..100


def reasons(emotion: str, aus: Mapping[str, float]) -> list[str]:
    """Return the AUs that support an emotion, strongest first: ["AU12", "AU06"].

    They are AUs that the face shows and that at least half of the people of Du, Tao & Martinez (2014) show in this
    emotion. They are read together with the emotion, not before it, so an emotion may have none.

    Args:
        emotion: any class. The table names no AUs for neutral and for classes that are not emotions.
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
