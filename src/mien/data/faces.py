"""Notes on the faces that a detector looked for in a source."""

import re

import pandas as pd

_FIRST_CLAUSE = re.compile(r"^[^;]*")  # what a file holds; then comes what was guessed of it
_NUMBER = re.compile(r"-?\d[\d.,]*(?:e[+-]?\d+)?")


def without_face(index: pd.DataFrame) -> pd.Series:
    """Tell which rows have a readable picture without a face, bool; none if no detector was used.

    index: with the columns width and, where faces were looked for, faces.
    """
    if "faces" not in index:
        return pd.Series(False, index=index.index)
    return (index["faces"] == 0) & index["width"].notna()


def face_notes(index: pd.DataFrame, face: str) -> list[str]:
    """Return notes on pictures without a face, pictures with several faces, and what was guessed about files.

    Args:
        index: with the columns origin, width and, where faces were looked for, faces; and remark, if images are files.
        face: which one of several was taken, such as "largest".
    """
    if "faces" not in index:
        return _remarks(index) if "remark" in index else []
    missing, several = index.loc[without_face(index), "origin"], index.loc[index["faces"] > 1, "origin"]
    return [
        *([_shows(missing, "no face that was found; left out")] if len(missing) else []),
        *([_shows(several, f"several faces; the {face} one was taken")] if len(several) else []),
        *_remarks(index),
    ]


def _remarks(index: pd.DataFrame) -> list[str]:
    """Return one note per kind of remark; those of a kind differ in the numbers of their first clause alone."""
    rows = index[index["remark"] != ""]
    kinds = rows["remark"].str.replace(_FIRST_CLAUSE, lambda clause: _NUMBER.sub("#", clause[0]), regex=True)
    notes = []
    for _, alike in rows.groupby(kinds, sort=False):
        which = ", each" if (alike["remark"] == alike["remark"].iloc[0]).all() else ", with other numbers"
        others = f" and {len(alike) - 1:,} more{which}" if len(alike) > 1 else ""
        notes.append(f"{alike['origin'].iloc[0]}{others}: {alike['remark'].iloc[0]}")
    return notes


def _shows(origins: pd.Series, what: str) -> str:
    if len(origins) == 1:
        return f"{origins.iloc[0]} shows {what}"
    return f"{len(origins):,} images show {what}; {origins.iloc[0]} is the first"
