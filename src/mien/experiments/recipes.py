"""Recipes: named sets of params that belong together, for `dvc exp run`."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from mien._io.errors import InputError, note
from mien._io.nested import flatten, merge, unflatten
from mien._io.yaml import check, parse_yaml, read_yaml
from mien.config import Params, read_params
from mien.experiments import layout

# words that -S accepts; a regular expression such as (.+)_\d+ needs quotes
_UNQUOTED = re.compile(r"[\w/.+-]+", re.ASCII)


def names() -> list[str]:
    """Return the names of the recipes in the repository."""
    return sorted(path.stem for path in layout.RECIPES.glob("*.yaml"))


def recipe_flags(*chosen: str, params: Path = layout.PARAMS) -> list[str]:
    """Return recipes as `-S section.key=value` flags for `dvc exp run`. Later recipes override earlier ones.

    What other recipes left in params.yaml is set back to the committed values, with a note.

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
    restored = _left_over(_leaves(base), _leaves(recipe), params)
    for key, value in restored.items():
        base = merge(base, unflatten({key: value}))
    for path, changes in zip(paths, recipes, strict=True):
        base = merge(base, changes)
        check(Params, base, path)
    return set_flags(flatten(recipe) | restored)


def _left_over(base: Mapping[str, Any], recipe: Mapping[str, Any], params: Path) -> dict[str, Any]:
    """Return the committed values of params that other recipes of the same sections changed, by key. A note names them.

    `dvc exp run` leaves its params in the workspace, and a recipe names only those that it needs.
    """
    committed = _leaves(_committed(params))
    others = (_leaves(tree) for tree in _readable_recipes())
    related = set().union(*(keys for keys in others if _sections(keys) & _sections(recipe))) - recipe.keys()
    changed = sorted(key for key in related & base.keys() & committed.keys() if base[key] != committed[key])
    if changed:
        were = ", ".join(f"{key} ({base[key]} -> {committed[key]})" for key in changed)
        note(f"{params}: other recipes left params, which are set back as committed: {were}")
    return {key: committed[key] for key in changed}


def _readable_recipes() -> Iterator[Any]:
    for name in names():
        try:
            yield read_yaml(layout.RECIPES / f"{name}.yaml")
        except InputError as error:
            note(f"{error}; so what it left in params.yaml stays there")


def _leaves(tree: Any) -> dict[str, Any]:
    """Return nested mappings as one flat mapping; of anything else nothing, which `check` refuses."""
    return flatten(tree) if isinstance(tree, Mapping) else {}


def _sections(keys: Iterable[str]) -> set[str]:
    return {key.partition(".")[0] for key in keys}


def _committed(params: Path) -> Any:
    """Return params.yaml of the last commit; nothing without Git, or if it is not committed."""
    command = ["git", "show", f"HEAD:./{params.name}"]
    try:
        shown = subprocess.run(command, cwd=params.absolute().parent, check=True, capture_output=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return {}
    return parse_yaml(shown.stdout, params)


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
