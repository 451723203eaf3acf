"""Params, names and figures in the form that MLflow takes: one text per value, whoever logs it."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from numbers import Real
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mien._io.errors import InputError
from mien._io.yaml import check, flat, parse_yaml
from mien.config import Params
from mien.config.renames import translated
from mien.experiments import layout

_REFUSED = re.compile(r"[^\w.\- :]")  # in names of params and metrics; a slash separates a stage from its figures
_MAX_NAME, _MAX_PARAM = 250, 6000  # characters


def param_texts(params: BaseModel) -> dict[str, str]:
    """Return all settings of the pipeline as texts, section and key joined by dots, so that runs compare by them."""
    return _texts(params.model_dump())


def recorded_param_texts(text: str) -> dict[str, str]:
    """Return what a stage logs of a params.yaml, given as text: its validated values.

    Of one that is no longer valid, as another revision wrote it, the values that stand there.
    """
    params, _ = translated(parse_yaml(text, layout.PARAMS), layout.PARAMS)
    with suppress(InputError):
        return param_texts(check(Params, params, layout.PARAMS))
    return _texts(params)


def agree(logged: Mapping[str, str], params: Mapping[str, str]) -> bool:
    """Return whether a run that has some params can take others: MLflow never changes one."""
    return all(logged.get(key, value) == value for key, value in params.items())


def figures(stage: str, folder: Path) -> dict[str, float]:
    """Return what a stage measured, as STAGE/NAME, from the JSON files in the folder of its report."""
    values: dict[str, float] = {}
    if (path := folder / layout.metrics(stage).name).exists():
        values |= _metric_values(stage, json.loads(path.read_text()))
    if stage == "evaluate" and (path := folder / layout.per_class().name).exists():
        values |= _metric_values(stage, {path.stem: json.loads(path.read_text())})
    return values


def _metric_values(stage: str, tree: Mapping[str, object]) -> dict[str, float]:
    """Return figures as STAGE/NAME, the names of nested ones joined by dots. What is no number is left out."""
    numbers = {name: value for name, value in flat(tree).items() if isinstance(value, Real)}
    return {f"{stage}/{_name(name)}": float(value) for name, value in numbers.items()}


def _texts(tree: Mapping[str, Any]) -> dict[str, str]:
    return {_name(key): str(value)[:_MAX_PARAM] for key, value in flat(tree).items()}


def _name(name: str) -> str:
    """Return a name without the characters that MLflow refuses, which labels and keys of users may have."""
    return _REFUSED.sub("_", name)[:_MAX_NAME]
