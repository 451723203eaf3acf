"""Pixels as text in the cells of a fer2013.csv."""

import re

import numpy as np

from mien._io.errors import InputError
from mien.data.readers.csv_rows import cell_text, row_name


def parse_pixels(values: list[memoryview], first: int, side: int) -> np.ndarray:
    """Parse the pixels of rows from number `first` on to uint8 (rows, side, side).

    All rows at once: the last three digits before each blank are weighted and added. If every byte is a blank or one of
    these digits, the cells are numbers 0..255 with single blanks between; otherwise each row is parsed by itself.

    Raises:
        InputError: a row has other than side x side whole numbers 0..255.
    """
    count = side**2
    text = np.frombuffer(b" ".join([b"  ", *values, b""]), np.uint8)  # three blanks lead, so that three bytes precede
    ends = np.flatnonzero(text[3:] == ord(" "))  # of numbers; each is the place of the third byte before the blank
    last = np.cumsum([len(value) + 1 for value in values]) - 1
    if len(ends) == len(values) * count and np.array_equal(ends[count - 1 :: count], last):
        digits = text - np.uint8(ord("0"))
        hundreds, tens, ones = (digits[offset:].take(ends) for offset in range(3))
        has_tens = tens < 10
        has_hundreds = has_tens & (hundreds < 10)
        counted = 3 + 2 * len(ends) + np.count_nonzero(has_tens) + np.count_nonzero(has_hundreds)
        hundreds *= has_hundreds
        tens *= has_tens
        below_hundred = 10 * tens + ones
        numbers = 100 * hundreds + below_hundred  # past 255 it starts again at 0
        if counted == len(text) and ones.max() < 10 and hundreds.max() < 3 and (numbers >= below_hundred).all():
            return numbers.reshape(-1, side, side)
    return np.stack([_parse_row(value.tobytes(), row, side) for row, value in enumerate(values, first)])


def _parse_row(value: bytes, row: int, side: int) -> np.ndarray:
    numbers = value.split()
    if len(numbers) != side**2:
        colours = "; colours? one grey value per pixel is read" if len(numbers) == 3 * side**2 else ""
        raise InputError(
            f"{row_name(row)}, column pixels: found {len(numbers):,} numbers, expected {side**2:,} ({side} x {side})"
            f"{colours}"
        )
    for position, number in enumerate(numbers, 1):
        if not re.fullmatch(rb"0{0,99}\d{1,3}", number) or int(number) > 255:
            raise InputError(
                f"{row_name(row)}, pixel {position}: found {cell_text(number)!r}, expected a whole number 0..255"
            )
    return np.array([int(number) for number in numbers], np.uint8).reshape(side, side)
