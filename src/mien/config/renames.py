"""Renamed params: old names are accepted for one release, each with a note that gives the new name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from mien._io.errors import InputError, note
from mien._io.nested import get_in, remove_in, set_in
from mien.config.training import StartWeightsName
from mien.config.types import PLACEHOLDERS

#: New key by old key, in the same section.
KEYS = {
    "compute.engine": "compute.executor",
    "train_cnn.mixing.share": "train_cnn.mixup.share",
    "train_cnn.mixing.mixup": "train_cnn.mixup.alpha",
    "evaluate.views": "evaluate.tta",
}

_WEIGHTS, _START = "train_cnn.transfer.weights", "train_cnn.transfer.path"  # weights could also be a path

_PRETRAINED = {
    "src/mien/shipped/cnn": "src/mien/inference/weights/mien.onnx",
    "src/mien/shipped/cnn_small": "src/mien/inference/weights/mien_small.onnx",
}
_TABLES = {
    "src/mien/tables/seed.yaml": "src/mien/aus/tables/prototypes.yaml",
    "src/mien/tables/emfacs.yaml": "src/mien/aus/tables/emfacs.yaml",
    "src/mien/tables/du_martinez.yaml": "src/mien/aus/tables/du_martinez.yaml",
}
#: New value by old value of a key; also for items of a list.
VALUES: dict[str, dict[str, str]] = {
    "generate_aus.table": _TABLES,
    "generate_aus.realistic_tables": {"seed": "prototypes"},
    "prepare_fer.ferplus.votes": {"": str(PLACEHOLDERS / "ferplus_votes")},
    "train_cnn.distillation.teacher": {**_PRETRAINED, "": _PRETRAINED["src/mien/shipped/cnn"]},
    "evaluate.real_aus": {"": str(PLACEHOLDERS / "real_aus")},
    "action_map.emotic": {"": str(PLACEHOLDERS / "emotic")},
    "action_map.mpii": {"": str(PLACEHOLDERS / "mpii")},
}


def renamed(params: Any, path: object) -> Any:
    """Return params from a file with old names replaced, and print a note for each.

    Args:
        params: mappings of mappings, possibly incomplete; anything else is returned unchanged.
        path: the file, for notes and errors.

    Raises:
        InputError: the old and the new name of a key are both there.
    """
    current, notes = translated(params, path)
    for text in notes:
        note(f"{path}: {text}")
    return current


def translated(params: Any, path: object) -> tuple[Any, list[str]]:
    """Return what `renamed` returns, and the notes, without printing them."""
    notes = []
    for old, new in KEYS.items():
        if (value := get_in(params, old, _ABSENT)) is _ABSENT:
            continue
        if get_in(params, new, _ABSENT) is not _ABSENT:
            raise InputError(f"{path}: found both {old} and {new}, which is its new name; expected only one")
        params = set_in(remove_in(params, old), new, value)
        notes.append(f"{old} is now {new}")
    for key, values in VALUES.items():
        value = get_in(params, key, _ABSENT)
        items = value if isinstance(value, list) else [value]
        if outdated := [item for item in items if isinstance(item, str) and item in values]:
            notes += [f"{key}: {item!r} is now {values[item]}" for item in outdated]
            new_items = [values[item] if item in outdated else item for item in items]
            params = set_in(params, key, new_items if isinstance(value, list) else new_items[0])
    weights = get_in(params, _WEIGHTS, _ABSENT)
    if isinstance(weights, str) and weights not in get_args(StartWeightsName) and Path(weights).exists():
        if get_in(params, _START, _ABSENT) not in (_ABSENT, str(PLACEHOLDERS / "start_network")):
            raise InputError(f"{path}: found paths in both {_WEIGHTS} and {_START}, expected weights none")
        params = set_in(set_in(params, _WEIGHTS, "none"), _START, weights)
        notes.append(f"{_WEIGHTS}: {weights} is now {_START}: name it there, and DVC sees when it changes")
    return params, notes


def renamed_keys(values: Mapping[str, Any], path: object) -> dict[str, Any]:
    """Return values by keys such as train_cnn.mixup.share, old ones replaced; print a note for each.

    Raises:
        InputError: the old and the new name of a key are both there.
    """
    for old in [key for key in values if isinstance(key, str) and key in KEYS]:
        if KEYS[old] in values:
            raise InputError(f"{path}: found both {old} and {KEYS[old]}, which is its new name; expected only one")
        note(f"{path}: {old} is now {KEYS[old]}")
    return {KEYS.get(key, key): value for key, value in values.items()}


def renamed_table(table: str) -> str:
    """Return the name or path of an AU table; print a note where it is an old one."""
    current = (VALUES["generate_aus.realistic_tables"] | _TABLES).get(table, table)
    if current != table:
        note(f"the AU table {table} is now called {current}")
    return current


_ABSENT = object()
