"""The user's own labelled AU table, which replaces or joins the synthetic rows that train the AU network."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mien._io.errors import InputError, note, within
from mien.aus.facs import COLUMNS
from mien.aus.readers import PERSON_NAMES, keys, open_aus
from mien.aus.readers.column_names import abbreviated, find_column
from mien.aus.readers.identity import FACE_NUMBERS
from mien.config import LabelledTable, TrainAu
from mien.emotions import canonical, in_order, is_emotion
from mien.splits import SPLITS, stratified_group_split, stratified_split

_PERSON = "train_au.labelled.person"
_SPLIT = "split"
_ORIGIN = "origin"


def training_rows(synthetic: pd.DataFrame, config: TrainAu, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows to train and measure the AU network on, and their classes in label order.

    Without `config.source`, these are the synthetic rows; otherwise the rows of that table. If `config.combine` is
    "add", the synthetic rows of train are included.

    Args:
        synthetic: rows of generate_aus: the AU columns (0..100), emotion and split.
        config: the section train_au.
        seed: for the splits.

    Returns:
        The same columns; with "add" also `origin` (synthetic or own).

    Raises:
        InputError: the table cannot be read or split, or has fewer than two classes.
    """
    path = config.source.path
    if path is None:
        return synthetic, list(synthetic["emotion"].unique())
    own = read_labelled(path, config.labelled, seed)
    classes = [name for name in config.labelled.classes if name in set(own["emotion"])] or in_order(own["emotion"])
    if config.combine == "replace":
        return own, classes
    known = list(synthetic["emotion"].unique())
    if not set(classes) & set(known):
        raise InputError(
            f"{path}: found classes {', '.join(classes)}, expected some of the synthetic rows' ({', '.join(known)}) "
            "where train_au.combine is add"
        )
    learnt = synthetic[synthetic[_SPLIT] == "train"].assign(**{_ORIGIN: "synthetic"})
    both = pd.concat([learnt, own.assign(**{_ORIGIN: "own"})], ignore_index=True)
    return both, [*known, *(name for name in classes if name not in known)]


def repeated(rows: pd.DataFrame) -> pd.DataFrame:
    """Repeat the user's own training rows until they are about as many as the synthetic ones."""
    if _ORIGIN not in rows:
        return rows
    own = rows[(rows[_ORIGIN] == "own") & (rows[_SPLIT] == "train")]
    times = max(round((rows[_ORIGIN] == "synthetic").sum() / len(own)), 1)
    note(f"train_au.combine: your {len(own):,} training rows count {times:,} times, to balance the synthetic ones")
    return pd.concat([rows, *[own] * (times - 1)], ignore_index=True)


def read_labelled(path: Path, table: LabelledTable, seed: int) -> pd.DataFrame:
    """Read a labelled AU table and split it. Notes count what is left out.

    Returns:
        The AU columns (float32, 0..100), emotion and split.

    Raises:
        InputError: the table cannot be read or split, a label is unknown, or fewer than two classes are left.
    """
    with open_aus(path, missing="zero") as header:
        names = header.names
    with within(path):
        person = _person_column(names, table.person)
        split = _split_column(names, table.label, person)
    columns = {key: name for key, name in (("label", table.label), ("person", person), ("split", split)) if name}
    with open_aus(path, missing="zero", kept=set(columns.values())) as opened:
        chunks = list(opened.chunks())
        for text in opened.notes:
            note(f"{path}: {text}")
    intensities = np.concatenate([chunk.intensities for chunk in chunks])
    reliable = np.concatenate([chunk.reliable for chunk in chunks])
    kept = pd.concat([chunk.kept for chunk in chunks], ignore_index=True)
    rows = pd.DataFrame({key: keys(kept[name]) if key == "person" else kept[name] for key, name in columns.items()})
    with within(path):
        rows["emotion"] = _classes(rows["label"], reliable, table)
        rows = rows[rows["emotion"] != ""]
        if rows["emotion"].nunique() < 2:
            found = f"{len(rows):,} rows of {', '.join(rows['emotion'].unique()) or 'no class'}"
            raise InputError(f"found {found}, expected at least two classes")
        splits = _splits(rows, table, seed)
    aus = pd.DataFrame(intensities[rows.index], rows.index, COLUMNS)
    return aus.assign(emotion=rows["emotion"], split=splits).reset_index(drop=True)


def _person_column(names: Sequence[str], wanted: str) -> str | None:
    if wanted == "none":
        return None
    if wanted != "auto":
        if (position := find_column(names, wanted)) is None:
            raise InputError(f"found no column {wanted} ({_PERSON}) in {abbreviated(names)}")
        return names[position]
    if (position := find_column(names, *PERSON_NAMES)) is not None:
        return names[position]
    number = find_column(names, *FACE_NUMBERS)
    more = "" if number is None else f" ({names[number]} identifies the people of one video; {_PERSON} may name it)"
    note(f"no column identifies people{more}: a person may be in train and in test (data leakage)")
    return None


def _split_column(names: Sequence[str], label: str, person: str | None) -> str | None:
    position = find_column(names, _SPLIT)
    others = (find_column(names, label), person and find_column(names, person))
    return None if position is None or position in others else names[position]


def _classes(labels: pd.Series, reliable: np.ndarray, table: LabelledTable) -> pd.Series:
    """Return the class of each row; "" for rows that are left out."""
    left_out: Counter[str] = Counter()
    meaning = {label: _meaning(label, table.classes) for label in labels[reliable].unique()}
    for label, meant in meaning.items():
        if meant is None:
            row = int(np.argmax((labels == label).to_numpy() & reliable)) + 1
            raise InputError(
                f"row {row}, column {table.label}: unknown emotion {label!r}, expected angry, disgust, fear, happy, "
                "sad, surprise, neutral, contempt or a synonym; train_au.labelled.classes names other labels"
            )
        if not meant:
            left_out[label or "an empty cell"] += int((labels[reliable] == label).sum())
    if left_out:
        shown = ", ".join(f"{label} {rows:,}" for label, rows in left_out.most_common(10))
        note(f"{left_out.total():,} rows left out because of their labels: {shown}{' ..' * (len(left_out) > 10)}")
    return labels.map(lambda label: meaning.get(label) or "").where(reliable, "")


def _meaning(label: str, classes: Collection[str]) -> str | None:
    """Return the class that a label means; "" to leave its rows out; None if the label is unknown."""
    if label in classes or not label:
        return label
    emotion = canonical(label) if is_emotion(label) else None
    if classes:
        return emotion if emotion in classes else ""
    return emotion


def _splits(rows: pd.DataFrame, table: LabelledTable, seed: int) -> pd.Series:
    """Return the split of each row: the table's own, or one cut by person or row."""
    emotions, people = rows["emotion"], rows.get("person")
    if people is not None and (people == "").any():
        raise InputError(f"row {people.index[people == ''][0] + 1}: found no person, expected one in each row")
    splits = pd.Series("train", rows.index)
    if _SPLIT in rows:
        splits = rows[_SPLIT].str.lower().replace(dict.fromkeys(("val", "valid", "dev"), "validation"))
        if unknown := sorted({*splits} - {*SPLITS}):
            raise InputError(f"column {_SPLIT}: found {unknown[0]!r}, expected train, validation or test")
    for name, share in (("test", table.test_share), ("validation", table.validation_share)):
        if (splits == name).any():
            continue
        train = emotions[splits == "train"]
        if people is None:
            splits[stratified_split(train, share, name, seed)] = name
        else:
            splits[stratified_group_split(train, people[train.index], share, name, seed)] = name
    _check_splits(emotions, splits, people)
    return splits


def _check_splits(emotions: pd.Series, splits: pd.Series, people: pd.Series | None) -> None:
    if people is not None:
        shared = splits.groupby(people).nunique()
        if (shared > 1).any():
            raise InputError(f"{shared.idxmax()} is in {shared.max()} splits, expected each person in one of them")
        counts = people.groupby(splits).nunique()
        note("no person is in two splits: " + ", ".join(f"{counts[name]} in {name}" for name in SPLITS))
    present = set(zip(emotions, splits, strict=True))
    absent = [(emotion, name) for emotion in emotions.unique() for name in SPLITS if (emotion, name) not in present]
    if absent:
        raise InputError(f"found no row of {absent[0][0]} in {absent[0][1]}, expected each class in each split")
