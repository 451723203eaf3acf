"""Params, names and figures in MLflow's form, the same whoever logs them."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from numbers import Real
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mien._io.errors import InputError
from mien._io.nested import flatten
from mien._io.yaml import check, parse_yaml
from mien.config import Params
from mien.config.renames import translated
from mien.experiments import layout

_REFUSED = re.compile(r"[^\w.\- :]")  # in names of params and metrics; a slash separates a stage from its figures
_MAX_NAME, _MAX_PARAM = 250, 6000  # characters


def param_texts(params: BaseModel) -> dict[str, str]:
    """Return all settings of the pipeline as texts, with section and key joined by dots."""
    return _texts(params.model_dump())


def recorded_param_texts(text: str) -> dict[str, str]:
    """Return the params that a stage logs from the text of a params.yaml: its validated values.

    If it is from another revision and no longer valid, return its values as written.
    """
    params, _ = translated(parse_yaml(text, layout.PARAMS), layout.PARAMS)
    with suppress(InputError):
        return param_texts(check(Params, params, layout.PARAMS))
    return _texts(params)


def are_compatible(logged: Mapping[str, str], params: Mapping[str, str]) -> bool:
    """Tell whether params can be added to a run with existing params, as MLflow never changes a param."""
    return all(logged.get(key, value) == value for key, value in params.items())


def figures(stage: str, folder: Path) -> dict[str, float]:
    """Return a stage's figures as STAGE/NAME, from the JSON files in its report folder."""
    values: dict[str, float] = {}
    if (path := folder / layout.metrics(stage).name).exists():
        values |= _metric_values(stage, json.loads(path.read_text()))
    if stage == "evaluate" and (path := folder / layout.per_class().name).exists():
        values |= _metric_values(stage, {path.stem: json.loads(path.read_text())})
    return values


def _metric_values(stage: str, tree: Mapping[str, object]) -> dict[str, float]:
    """Return figures as STAGE/NAME, with nested names joined by dots. Values that are not numbers are left out."""
    numbers = {name: value for name, value in flatten(tree).items() if isinstance(value, Real)}
    return {f"{stage}/{_name(name)}": float(value) for name, value in numbers.items()}


def _texts(tree: Mapping[str, Any]) -> dict[str, str]:
    return {_name(key): str(value)[:_MAX_PARAM] for key, value in flatten(tree).items()}


def _name(name: str) -> str:
    """Return a name without characters that MLflow refuses; users' labels and keys may contain them."""
    return _REFUSED.sub("_", name)[:_MAX_NAME]
