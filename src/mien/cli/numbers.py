"""Types of numbers on the command line. NaN would pass every bound, as no comparison with it is true."""

import math
from typing import Any

import click


class Number(click.types.FloatParamType):
    """A number: not NaN, and not infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return a `float`."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"found {value}, expected a number.", param, ctx)
        return number


class _Within(Number, click.FloatRange):
    """A number within bounds."""


NUMBER = Number()
POSITIVE = _Within(0, min_open=True)
SHARE = _Within(0, 1)
