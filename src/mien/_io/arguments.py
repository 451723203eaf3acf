"""Checks of the arguments of the Python API, which come from any caller."""

from numbers import Integral, Real

import numpy as np

from mien._io.errors import InputError


def check_number(name: str, value: object, low: float, high: float) -> None:
    """Raise InputError unless an argument is a number within low .. high."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name}: found {value!r}, expected a number, {low:g} to {high:g}")
    if not low <= float(value) <= high:
        raise InputError(f"{name}: found {value:g}, expected {low:g} to {high:g}")


def check_whole(name: str, value: object, smallest: int, unit: str = "") -> None:
    """Raise InputError unless an argument is a whole number, at least `smallest`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(f"{name}: found {value!r}, expected a whole number, at least {smallest}{unit}")
    if value < smallest:
        raise InputError(f"{name}: found {value}, expected at least {smallest}{unit}")


def check_flag(name: str, value: object) -> None:
    """Raise InputError unless an argument is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name}: found {value!r}, expected True or False")
