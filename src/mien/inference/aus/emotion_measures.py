"""Shares and probabilities of emotions in tables with one row per face."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mien._io.errors import note
from mien.aus.readers.column_names import plain
from mien.inference.aus.class_columns import ClassColumns
from mien.inference.aus.table_cells import Table

#: Kinds of measures.
SHARE, PROBABILITY = "share", "probability"


def emotion_measures(tables: Sequence[Table], own: Sequence[str]) -> list[pd.DataFrame | None]:
    """Return shares and probabilities of emotions in each table, NaN in rows without an emotion; None without emotions.

    What is an emotion in one table is one in all. Notes name the columns of which this is in doubt.

    Args:
        tables: the tables.
        own: columns that are not probabilities.
    """
    columns = [_class_columns(table, own) if table.has_emotions else None for table in tables]
    answers = {emotion for table in tables if table.has_emotions for emotion in table.emotions.unique()} - {""}
    known = answers | {name for of_table in columns if of_table for name in of_table.certain(answers)}
    others = {name for of_table in columns if of_table for name in of_table.others()} - known
    return [
        _measures(table, *of_table.decided(answers, known, others), of_table.numbers) if of_table else None
        for table, of_table in zip(tables, columns, strict=True)
    ]


def measure_frame(columns: Mapping[tuple[str, str], object], index: pd.Index) -> pd.DataFrame:
    """Return measures as a table whose columns are named (kind, name)."""
    frame = pd.DataFrame(dict(enumerate(columns.values())), index)
    frame.columns = pd.Index(list(columns), tupleize_cols=False)
    return frame


def _class_columns(table: Table, own: Sequence[str]) -> ClassColumns:
    names = {str(table.column(name).name) for name in own if table.has(name)}
    cells, emotions = table.after_confidence, table.emotions
    spelled = {plain(emotion): emotion for emotion in emotions.unique()}
    columns = [spelled.get(plain(str(name)), str(name)) for name in cells]
    if len({*columns}) == len(columns):  # Happy and happy are one emotion
        cells = cells.set_axis(columns, axis=1)
    return ClassColumns.of(cells, emotions, names)


def _measures(
    table: Table, names: Sequence[str], doubtful: Sequence[str], numbers: Mapping[str, pd.Series]
) -> pd.DataFrame:
    emotions = table.emotions
    has_one = emotions != ""
    for are_classes in (True, False):
        if same := [name for name in doubtful if (name in names) == are_classes]:
            _note_doubt(table, same, are_classes=are_classes)
    if not names and has_one.any():
        note(
            f"{table.path}: found no probabilities that sum to 1 after confidence: only shares of emotions are measured"
        )
    shares = {
        (SHARE, name): (emotions == name).astype(float).where(has_one)
        for name in dict.fromkeys([*names, *emotions[has_one].unique()])
    }
    means = {(PROBABILITY, name): numbers[name].where(has_one) for name in names}
    return measure_frame({**shares, **means}, emotions.index)


def _note_doubt(table: Table, names: Sequence[str], *, are_classes: bool) -> None:
    read_as = (
        "emotions that nobody shows; if they are columns of your own, put them before emotion"
        if are_classes
        else "columns of your own, as no emotion has such a name"
    )
    found = f"the probabilities of emotions sum to 1 without {', '.join(names)}"
    note(f"{table.path}: {found}, which is next to 0 in each row: read as {read_as}")
