"""Checks of the arguments of the Python API, which come from any caller."""

from numbers import Integral, Real

import numpy as np

from mien._io.errors import InputError

_MAX_SHOWN = 10**18  # Python refuses to print integers of thousands of digits


def check_number(name: str, value: object, low: float, high: float) -> None:
    """Raise InputError unless an argument is a number within low .. high."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name}: found {value!r}, expected a number, {low:g} to {high:g}")
    number = int(value) if isinstance(value, Integral) else float(value)
    if not low <= number <= high:
        found = _shown(number) if isinstance(number, int) else f"{number:g}"
        raise InputError(f"{name}: found {found}, expected {low:g} to {high:g}")


def check_whole(name: str, value: object, smallest: int, largest: int, unit: str = "") -> None:
    """Raise InputError unless an argument is a whole number within smallest .. largest."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(f"{name}: found {value!r}, expected a whole number, at least {smallest}{unit}")
    number = int(value)
    if number < smallest:
        raise InputError(f"{name}: found {_shown(number)}, expected at least {smallest}{unit}")
    if number > largest:
        raise InputError(f"{name}: found {_shown(number)}, expected at most {largest:,}{unit}")


def _shown(number: int) -> str:
    return str(number) if abs(number) < _MAX_SHOWN else "a huge number"


def check_flag(name: str, value: object) -> None:
    """Raise InputError unless an argument is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name}: found {value!r}, expected True or False")
