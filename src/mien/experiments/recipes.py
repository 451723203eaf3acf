"""Recipes: named sets of params that belong together, for `dvc exp run`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien._io.errors import InputError
from mien._io.yaml import check, flat
from mien.config import Params, read_params

FOLDER = Path("recipes")
_UNQUOTED = re.compile(r"[\w/.+-]+", re.ASCII)  # words that -S accepts unquoted; not (.+)_\d+


def names() -> list[str]:
    """Return the names of the recipes in the repository."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def recipe_flags(*chosen: str, params: Path = Path("params.yaml")) -> list[str]:
    """Return recipes as `-S section.key=value` flags for `dvc exp run`. Later recipes override earlier ones.

    Raises:
        InputError: there is no such recipe or no folder of recipes, or the changed params.yaml is not valid.
    """
    if not FOLDER.is_dir():
        raise InputError(f"{FOLDER}: no such folder here; go to the root of a clone of mien, which has the recipes")
    recipe: Any = {}
    base: Any = None
    for name in chosen:
        path = FOLDER / f"{name}.yaml"
        if not path.exists():
            expected = ", ".join(names()) or "those in the repository"
            raise InputError(f"{path}: no such recipe, expected one of {expected}")
        base = base or read_params(params)
        recipe = merged(recipe, read_params(path))
        check(Params, merged(base, recipe), path)
    return set_flags(flat(recipe))


def set_flags(changes: Mapping[str, Any]) -> list[str]:
    """Return `-S section.key=value` flags for `dvc exp run`, from values by keys such as train_cnn.network."""
    return [flag for key, value in changes.items() for flag in ("-S", f"{key}={_literal(value)}")]


def merged(base: Any, changes: Any) -> Any:
    """Return nested mappings merged: later values replace earlier ones of the same key."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return base | {key: merged(base.get(key), value) for key, value in changes.items()}


def _literal(value: Any) -> str:
    """Return a value in the override grammar of `dvc exp run -S`, without blanks, because the shell splits at them."""
    if isinstance(value, list):
        return f"[{','.join(map(_literal, value))}]"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if len(text.split()) != 1:
        raise InputError(f"found {text!r}, expected a value without blanks: the shell would split it")
    return text if _UNQUOTED.fullmatch(text) else "'" + text.replace("'", r"\'") + "'"
