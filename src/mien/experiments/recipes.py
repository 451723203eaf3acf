"""Recipes: named sets of params that belong together, given to DVC as one experiment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien._io.errors import InputError
from mien._io.yaml import check, flat
from mien.config import Params, read_params

FOLDER = Path("recipes")


def names() -> list[str]:
    """Return the names of the recipes in the repository."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def flags(*chosen: str, params: Path = Path("params.yaml")) -> list[str]:
    """Return the `-S section.key=value` flags that make `dvc exp run` follow recipes, each laid over those before.

    Raises:
        InputError: there is no such recipe, or params.yaml with the recipe laid over it is not valid.
    """
    recipe: Any = {}
    base: Any = None
    for name in chosen:
        path = FOLDER / f"{name}.yaml"
        if not path.exists():
            expected = ", ".join(names()) or "those in the repository"
            raise InputError(f"{path}: no such recipe, expected one of {expected}")
        base = base or read_params(params)
        recipe = overlaid(recipe, read_params(path))
        check(Params, overlaid(base, recipe), path)
    return words(flat(recipe))


def words(changes: Mapping[str, Any]) -> list[str]:
    """Return the `-S section.key=value` flags of `dvc exp run` for values by keys such as train_cnn.network."""
    return [word for key, value in changes.items() for word in ("-S", f"{key}={_literal(value)}")]


def overlaid(below: Any, above: Any) -> Any:
    """Return a tree of mappings with another laid over it."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {key: overlaid(below.get(key), value) for key, value in above.items()}


def _literal(value: Any) -> str:
    """Write a value as the override grammar of `dvc exp run -S` reads it, without blanks (the shell splits at them)."""
    if isinstance(value, list):
        return f"[{','.join(map(_literal, value))}]"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if len(text.split()) != 1:
        raise InputError(f"found {text!r}, expected a value without blanks: the shell would split it")
    return text
