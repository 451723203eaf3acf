"""Columns of face boxes in tables of images and labels. They are not read, but named."""

import re
from collections.abc import Sequence

_BOX = "(?:face)?(?:bbox|boundingbox|box|rectangle|rect|roi)"
_ONE = re.compile(rf"{_BOX}(?:es)?")  # a column of whole boxes
_PREFIX = re.compile(rf"(?:{_BOX}|face)(?=.)")
#: The names of four columns, without prefix.
_FOUR = (
    ("x", "y", "w", "h"), ("x", "y", "width", "height"), ("x", "y", "x2", "y2"), ("x1", "y1", "x2", "y2"),
    ("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"), ("minx", "miny", "maxx", "maxy"),
    ("xmin", "ymin", "width", "height"), ("x1", "y1", "width", "height"), ("x1", "y1", "w", "h"),
    ("left", "top", "right", "bottom"), ("left", "top", "width", "height"), ("left", "top", "w", "h"),
    ("xcenter", "ycenter", "width", "height"), ("centerx", "centery", "width", "height"), ("cx", "cy", "w", "h"),
)  # fmt: skip


def box_columns(header: Sequence[str]) -> list[str]:
    """Return the columns of a table that look like the boxes of faces, as written; none if there are none."""
    plain = {re.sub(r"[\W_]", "", name.lower()): name for name in header}
    by_prefix: dict[str, dict[str, str]] = {}
    for column, name in plain.items():
        prefix = match[0] if (match := _PREFIX.match(column)) else ""
        by_prefix.setdefault(prefix, {})[column.removeprefix(prefix)] = name
    for four in _FOUR:
        for columns in by_prefix.values():
            if columns.keys() >= {*four}:
                return [columns[name] for name in four]
    return [name for column, name in plain.items() if _ONE.fullmatch(column)]


def box_note(table: str, columns: Sequence[str]) -> str:
    """Return the note on a table whose boxes are not read."""
    return (
        f"{', '.join(columns)} of {table} look like boxes of faces, which are not read; each picture counts as one "
        "face unless --detector (prepare_fer.detector) finds the faces in it"
    )
