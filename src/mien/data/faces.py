"""Notes on the faces that a detector looked for in a source."""

import pandas as pd

_SHOWN = 5  # kinds of remarks in a note


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
    rows = index[index["remark"] != ""]
    counts = rows["remark"].value_counts(sort=False)
    notes = []
    for remark in counts.index[:_SHOWN]:
        first = rows.loc[rows["remark"] == remark, "origin"].iloc[0]
        others = f" and {counts[remark] - 1:,} more, each" if counts[remark] > 1 else ""
        notes.append(f"{first}{others}: {remark}")
    if more := int(counts.iloc[_SHOWN:].sum()):
        notes.append(f"{more:,} more images were read with such remarks")
    return notes


def _shows(origins: pd.Series, what: str) -> str:
    if len(origins) == 1:
        return f"{origins.iloc[0]} shows {what}"
    return f"{len(origins):,} images show {what}; {origins.iloc[0]} is the first"
