"""Finds columns of a table by name, however it is written: FaceScore, face_score and Face Score are one name."""

import re
from collections.abc import Sequence

from mien._io.errors import InputError


def plain(name: str) -> str:
    """Return a name without differences that do not matter: case, and the character between words."""
    return re.sub(r"[\W_]+", "", name).lower()


def positions_of(names: Sequence[str], name: str) -> list[int]:
    """Return the positions of a column: exactly of this name, else in any case, else also in any joining of words."""
    for form in (str, str.lower, plain):
        if found := [position for position, other in enumerate(names) if form(other) == form(name)]:
            return found
    return []


def find_column(names: Sequence[str], *known: str) -> int | None:
    """Return the position of the first of some names that a table has; None if it has none of them."""
    return next((positions[0] for name in known if (positions := positions_of(names, name))), None)


def column_position(names: Sequence[str], name: str) -> int:
    """Return the position of a column, see `positions_of`.

    Raises:
        InputError: there is no such column, or several.
    """
    found = positions_of(names, name)
    if len(found) != 1:
        raise InputError(f"found {len(found) or 'no'} column {name} in {abbreviated(names)}, expected it once")
    return found[0]


def abbreviated(names: Sequence[str]) -> str:
    """Return at most six column names, for a message."""
    return ", ".join(names[:6]) + (" .." if len(names) > 6 else "")
