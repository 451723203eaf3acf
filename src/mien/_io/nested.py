"""Nested mappings by keys with dots, such as train_cnn.network."""

from collections.abc import Mapping
from functools import reduce
from typing import Any


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one flat mapping, with keys joined by dots."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        leaves |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return leaves


def unflatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by keys with dots as nested mappings."""
    return reduce(lambda tree, item: set_in(tree, *item), values.items(), {})


def get_in(tree: Any, key: str, default: Any = None) -> Any:
    """Return the value of a key, `default` if there is none."""
    for name in key.split("."):
        if not isinstance(tree, Mapping) or name not in tree:
            return default
        tree = tree[name]
    return tree


def set_in(tree: Any, key: str, value: Any) -> Any:
    """Return mappings with a value set, unchanged where a section is not a mapping."""
    name, _, rest = key.partition(".")
    if not isinstance(tree, dict):
        return tree
    return tree | {name: set_in(tree.get(name, {}), rest, value) if rest else value}


def remove_in(tree: Any, key: str) -> Any:
    """Return mappings without a key, and without a section that it leaves empty."""
    name, _, rest = key.partition(".")
    inner = remove_in(tree[name], rest) if rest else None
    others = {other: value for other, value in tree.items() if other != name}
    return others | ({name: inner} if inner else {})


def merge(base: Any, changes: Any) -> Any:
    """Merge nested mappings: values of `changes` replace those of the same key."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return base | {key: merge(base.get(key), value) for key, value in changes.items()}
