"""Recipes: named sets of params that belong together, for `dvc exp run`."""

import re
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from mien._io.errors import InputError, note
from mien._io.nested import flatten, merge, set_in
from mien._io.yaml import check, read_yaml
from mien.config import Params, read_params
from mien.experiments import layout
from mien.experiments.left_over import left_over

# words that -S accepts; a regular expression such as (.+)_\d+ needs quotes
_UNQUOTED = re.compile(r"[\w/.+-]+", re.ASCII)


def names() -> list[str]:
    """Return the names of the recipes in the repository."""
    return sorted(path.stem for path in layout.RECIPES.glob("*.yaml"))


def recipe_flags(*chosen: str, params: Path = layout.PARAMS) -> list[str]:
    """Return recipes as `-S section.key=value` flags for `dvc exp run`. Later recipes override earlier ones.

    What earlier runs left in params.yaml is set back to the committed values, with a note, see `left_over`.

    Raises:
        InputError: there is no such recipe or no folder of recipes, or the changed params.yaml is not valid.
    """
    if not layout.RECIPES.is_dir():
        raise InputError(
            f"{layout.RECIPES}: no such folder here; go to the root of a clone of mien, which has the recipes"
        )
    paths = [layout.RECIPES / f"{name}.yaml" for name in chosen]
    for path in paths:
        if not path.exists():
            expected = ", ".join(names()) or "those in the repository"
            raise InputError(f"{path}: no such recipe, expected one of {expected}")
    recipes = [read_params(path) for path in paths]
    base: Any = read_params(params)
    recipe: Any = reduce(merge, recipes, {})
    restored = left_over(base, recipe, _readable_recipes(), params)
    for key, value in restored.items():
        base = set_in(base, key, value)
    for path, changes in zip(paths, recipes, strict=True):
        base = merge(base, changes)
        check(Params, base, path)
    return set_flags(flatten(recipe) | restored)


def _readable_recipes() -> Iterator[Any]:
    for name in names():
        try:
            yield read_yaml(layout.RECIPES / f"{name}.yaml")
        except InputError as error:
            note(f"{error}; so what it left in params.yaml stays there")


def set_flags(changes: Mapping[str, Any]) -> list[str]:
    """Return `-S section.key=value` flags for `dvc exp run`, from values by keys such as train_cnn.network."""
    return [flag for key, value in changes.items() for flag in ("-S", f"{key}={_literal(value)}")]


def _literal(value: Any) -> str:
    """Return a value in the override grammar of `dvc exp run -S`, without blanks, because the shell splits at them."""
    if isinstance(value, list):
        return f"[{','.join(map(_literal, value))}]"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if len(text.split()) != 1:
        raise InputError(f"found {text!r}, expected a value without blanks: the shell would split it")
    return text if _UNQUOTED.fullmatch(text) else "'" + text.replace("'", r"\'") + "'"
