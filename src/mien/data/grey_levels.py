"""What is black and white in pictures of more than 8 bits: integers of 16 or 32 bits, and floats."""

from collections.abc import Callable

import numpy as np

_MAX_OF_INTEGERS = (255, 1023, 4095, 16383, 65535)
_MAX_OF_FLOATS = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
_SIXTEEN_BITS = (0.0, 65535.0)
_OVERSHOOT = 0.1  # tolerance, as resampling may leave the range of floats


def as_eight_bits(values: np.ndarray, report: Callable[[str], None]) -> np.ndarray:
    """Return grey values of any type as uint8. report: takes a line about a range that was guessed."""
    if values.dtype == np.uint8:
        return values
    low, high = range_of(values, report)
    if (values.dtype, low, high) == (np.uint16, *_SIXTEEN_BITS):
        return (values >> 8).astype(np.uint8)
    return quantized(values, low, high)


def quantized(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values as uint8, `low` as black and `high` as white."""
    share = (np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def range_of(values: np.ndarray, report: Callable[[str], None]) -> tuple[float, float]:
    """Return the values of black and white: the smallest usual range that contains all values, else their own range."""
    finite = values[np.isfinite(values)]
    lowest, highest = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if np.issubdtype(values.dtype, np.floating):
        low, high = _range_of_floats(lowest, highest)
    else:
        low, high = _range_of_integers(lowest, highest)
        if (values.dtype, low, high) == (np.uint16, *_SIXTEEN_BITS):
            return low, high
    report(f"holds values from {lowest:g} to {highest:g}; {low:g} was taken for black and {high:g} for white")
    return low, high


def _range_of_integers(lowest: float, highest: float) -> tuple[float, float]:
    if lowest < 0:
        return lowest, highest
    return 0.0, next((float(white) for white in _MAX_OF_INTEGERS if highest <= white), highest)


def _range_of_floats(lowest: float, highest: float) -> tuple[float, float]:
    for white in _MAX_OF_FLOATS:
        if highest <= white * (1 + _OVERSHOOT):
            if lowest >= -white * _OVERSHOOT:
                return 0.0, white
            if lowest >= -white * (1 + _OVERSHOOT):
                return -white, white
    return lowest, highest
