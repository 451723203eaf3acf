"""What earlier runs left in params.yaml: `dvc exp run` keeps its params there; a recipe names only those it needs."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mien._io.errors import note
from mien._io.yaml import parse_yaml
from mien.config.renames import translated

_SOURCE = ".source"
#: Params beside a source that say what it means. They are wrong for the source that a recipe names.
_OF_SOURCE = ("classes", "detector", "face", "labels", "person", "unknown_classes")
#: Mappings whose keys are words of users. `dvc exp run -S` cannot empty them: it breaks a params.yaml with comments.
_WHOLE = ("label_names", "merge", "target")
_NOTHING = object()


def left_over(base: Any, recipe: Any, others: Iterable[Any], params: Path) -> dict[str, Any]:
    """Return the committed values of params that are set back for a recipe, by key. A note names them.

    They are those that other recipes of the same sections set, and those that describe another source than that of the
    recipe. Whatever else differs in these sections may be meant: it stays, and a note names it.

    Args:
        base: the params.
        recipe: the changes of the recipe.
        others: those of all recipes.
        params: the file of `base`.
    """
    committed = translated(_committed(params), params)[0]
    own = _values(recipe)
    changed = {key: pair for key, pair in _differing(base, committed).items() if key not in own}
    related = set().union(*(keys for keys in map(_values, others) if _sections(keys) & _sections(own)))
    back = {key: pair for key, pair in changed.items() if key in related or _describes(key, own)}
    back = {key: pair for key, pair in back.items() if pair[1] is not _NOTHING and key.rpartition(".")[2] not in _WHOLE}
    stay = [key for key in changed if key not in back and _sections([key]) <= _sections(own) | {"base"}]
    if back:
        were = ", ".join(f"{key} ({was} -> {value})" for key, (was, value) in back.items())
        note(f"{params}: earlier runs left params, which are set back as committed: {were}")
    if stay:
        hint = f"that stays (git checkout {params} sets all back)"
        note(f"{params}: differs from the commit also in {', '.join(stay)}; {hint}")
    return {key: value for key, (_, value) in back.items()}


def _differing(base: Any, committed: Any) -> dict[str, tuple[Any, Any]]:
    """Return the values of both by key, sorted, where they differ."""
    was, values = _values(base), _values(committed)
    pairs = {key: (was.get(key, _NOTHING), values.get(key, _NOTHING)) for key in sorted(was | values)}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _describes(key: str, recipe: Iterable[str]) -> bool:
    """Tell whether a param describes a source that the recipe replaces."""
    sections = [source.removesuffix(_SOURCE) for source in recipe if source.endswith(_SOURCE)]
    return any(key == f"{section}.{name}" for section in sections for name in _OF_SOURCE)


def _values(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one flat mapping; of anything else nothing, which `check` refuses."""
    values: dict[str, Any] = {}
    for key, value in tree.items() if isinstance(tree, Mapping) else ():
        is_section = isinstance(value, Mapping) and key not in _WHOLE
        values |= _values(value, f"{prefix}{key}.") if is_section else {f"{prefix}{key}": value}
    return values


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
