"""The search space of a hyperparameter search, and the trials that are drawn from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from mien._io.bounded import Count
from mien._io.nested import merge, unflatten
from mien._io.yaml import Schema, check
from mien.config import Params, read_params
from mien.config.renames import renamed_keys
from mien.experiments import layout, recipes

#: The upper bound for the number of trials, and for the CPUs and the GPUs of one.
MAX_OF_SEARCH = 10_000
#: What comes before each key of a search space.
SECTION = "train_cnn."


class Bounds(Schema):
    """Bounds of a number that is drawn uniformly, or uniformly on a log scale."""

    low: float
    high: float
    scale: Literal["linear", "log"]

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if not self.low < self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError(f"found {self.low} .. {self.high}, expected low < high, and both above 0 on a log scale")
        return self

    def draw(self, rng: np.random.Generator) -> float:
        """Draw a number, rounded to three digits where that is within the bounds."""
        log = self.scale == "log"
        low, high = (np.log(self.low), np.log(self.high)) if log else (self.low, self.high)
        value = rng.uniform(low, high)
        rounded = float(f"{np.exp(value) if log else value:.3g}")
        return min(max(rounded, self.low), self.high)


_Choices = Annotated[list[bool | int | float | str], Field(min_length=1)]
_Values = Annotated[
    Annotated[_Choices, Tag("choices")] | Annotated[Bounds, Tag("bounds")],
    Discriminator(lambda value: "choices" if isinstance(value, list) else "bounds"),
]


class SearchSpace(Schema):
    """The search space.

    Attributes:
        trials: the number of trials.
        grace_epochs: epochs before ASHA may stop a trial.
        draw: by key, such as train_cnn.network, a list of choices or bounds.
    """

    trials: Annotated[int, Field(gt=0, le=MAX_OF_SEARCH)]
    grace_epochs: Count
    draw: Annotated[dict[str, _Values], Field(min_length=1)]

    @field_validator("draw", mode="before")
    @classmethod
    def _renames_keys(cls, values: Any) -> Any:
        return renamed_keys(values, "draw") if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _draws_for_training_alone(self) -> Self:
        for key in self.draw:
            if not key.startswith(SECTION):
                raise ValueError(
                    f"draw: found {key}, expected keys of train_cnn; all trials learn from the same arrays"
                )
        return self

    def trial(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw a value for each key."""
        return {
            key: values.draw(rng) if isinstance(values, Bounds) else values[rng.integers(len(values))]
            for key, values in self.draw.items()
        }


@dataclass(frozen=True)
class Trial:
    """One set of params: the changes, by keys such as train_cnn.network, and all params with these changes."""

    name: str
    changes: Mapping[str, Any]
    params: Params

    @property
    def command(self) -> str:
        """The command that trains and evaluates the same params as a DVC experiment."""
        return " ".join(["dvc exp run --name", self.name, *recipes.set_flags(self.changes)])


def draw_trials(space: SearchSpace, count: int, prefix: str, path: Path) -> list[Trial]:
    """Draw trials by base.seed, from params.yaml and a search space.

    Args:
        count: the number of trials.
        prefix: trials are called prefix-0, prefix-1 and so on.
        path: the file of the search space, for messages.

    Raises:
        InputError: a trial has params that are not allowed. So all are checked before the first one begins.
    """
    base = read_params(layout.PARAMS)
    rng = np.random.default_rng(check(Params, base, layout.PARAMS).base.seed)
    trials = []
    for number in range(count):
        changes = space.trial(rng)
        params = check(Params, merge(base, unflatten(changes)), path)
        trials.append(Trial(f"{prefix}-{number}", changes, params))
    return trials
