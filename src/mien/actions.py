"""Actions: what a person in an emotion may do next. A suggestion from a hand-written table, no measurement."""

from pathlib import Path

import pandas as pd
from pydantic import Field, PositiveInt

from mien.emotions import FER2013
from mien.errors import InputError
from mien.schema import Schema


class ActionTable(Schema):
    """For each emotion the actions that may follow, with weights: how often, relative to the emotion's others."""

    source: str
    emotions: dict[str, dict[str, PositiveInt]] = Field(min_length=1)


def load_actions(path: Path) -> ActionTable:
    """Read an action table. Raises InputError unless it has exactly the seven emotions of FER2013."""
    table = ActionTable.read(path)
    if odd := set(table.emotions) ^ set(FER2013):
        raise InputError(f"{path}: emotions: {min(odd)!r} is missing or unknown, expected {', '.join(FER2013)}")
    return table


def action_map(table: ActionTable) -> pd.DataFrame:
    """Return P(action | emotion), the likeliest first: columns emotion, rank (from 1), action, probability."""
    rows = [
        (emotion, rank, action, weight / sum(weights.values()))
        for emotion, weights in ((emotion, table.emotions[emotion]) for emotion in FER2013)
        for rank, (action, weight) in enumerate(sorted(weights.items(), key=lambda item: -item[1]), start=1)
    ]
    return pd.DataFrame(rows, columns=["emotion", "rank", "action", "probability"]).round(4)
