"""Tables of images of other forms are rewritten as fer2013.csv has them: columns emotion, pixels and Usage."""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

import numpy as np

from mien._io.errors import InputError, within
from mien._io.urls import Location
from mien.data.readers.csv_form import NUMBER, SAMPLE, Form, recognise
from mien.data.readers.csv_rows import MAX_ROW
from mien.data.readers.packed_files import MAX_SMALL, packed_size

_MAX_RATIO = 1_000  # unpacked to packed; digits shrink to a third, equal rows far more
_FRACTION = re.compile(r"\.\d*[1-9]|\de-")


def write_standard(path: Location, file: BinaryIO, standard: BinaryIO) -> list[str]:
    """Write a table of images as fer2013.csv would have it, and return what the user should know about it.

    Args:
        path: for messages.
        file: the table, of a form that `recognise` knows.
        standard: the file to write; afterwards positioned at its start.

    Raises:
        InputError: it is not a table of square images with labels, a row has another number of cells, or the text
            cannot be decoded.
    """
    sample = file.read(SAMPLE)
    form = recognise(sample)
    file.seek(0)
    if form is None:
        raise InputError(f"{path}: holds no table of images, expected columns emotion and pixels")
    _check(path, form)
    white = _white_of_fractions(sample, form)
    standard.write(b"emotion,pixels\n" if form.usage is None else b"emotion,pixels,Usage\n")
    for row in _rows(path, file, form, white):
        standard.write(row.encode())
    standard.seek(0)
    notes = {None: [], 1: ["pixels are shares from 0 to 1, which are times 255"], 255: ["fractions are rounded"]}[white]
    return [*form.notes, *notes]


def _check(path: Location, form: Form) -> None:
    if form.label is None:
        raise InputError(f"{path}: found a table of images without labels, expected a column emotion")
    if math.isqrt(len(form.pixels)) ** 2 != len(form.pixels):
        raise InputError(
            f"{path}: found {len(form.pixels):,} columns of pixels, expected those of a square, as 2,304 (48 x 48), or "
            "one column pixels"
        )


def _white_of_fractions(sample: bytes, form: Form) -> int | None:
    """Return what stands for white where pixels have fractions, by the first rows: 1 or 255; None where none has."""
    lines = sample.decode(form.encoding, "replace").splitlines()[form.above + form.has_header :]
    numbers: list[float] = []
    has_fractions = False
    for cells in csv.reader(lines[:-1] or lines, delimiter=form.separator, skipinitialspace=True):
        if len(cells) == form.width:
            pixels = _pixels_of(cells, form)
            has_fractions |= bool(_FRACTION.search(pixels))
            numbers += map(float, filter(NUMBER.fullmatch, pixels.split()))
    if not has_fractions:
        return None
    return 1 if max(numbers, default=0) <= 1 else 255


def _rows(path: Location, file: BinaryIO, form: Form, white: int | None) -> Iterator[str]:
    encoding = "utf-8-sig" if form.encoding == "utf-8" else form.encoding
    text = io.TextIOWrapper(file, encoding, errors="strict", newline="")
    limit = csv.field_size_limit(MAX_ROW)
    unpacked, size = 0, packed_size(path)
    try:
        lines = islice(_lines(path, text), form.above, None)
        reader = csv.reader(lines, delimiter=form.separator, skipinitialspace=True)
        rows = filter(None, reader) if form.has_gaps else reader
        for number, cells in enumerate(rows, not form.has_header):
            if number == 0:
                continue
            unpacked += sum(map(len, cells)) + len(cells)
            if unpacked > max(MAX_SMALL, size * _MAX_RATIO):
                raise InputError(f"{path}: unpacks to over {_MAX_RATIO} times its size, expected a table of images")
            if not cells:
                yield "\n"
                continue
            if len(cells) != form.width:
                raise InputError(f"{path}: row {number}: found {len(cells):,} cells, expected {form.width:,}")
            with within(f"{path}: row {number}"):
                yield _standard_row(cells, form, white)
    except UnicodeError:
        raise InputError(f"{path}: found text that is not {form.encoding}, expected one encoding") from None
    except csv.Error as error:
        raise InputError(f"{path}: is not a table of cells ({error})") from None
    finally:
        csv.field_size_limit(limit)
        text.detach()


def _lines(path: Location, text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(MAX_ROW + 1):
        if len(line) > MAX_ROW:
            raise InputError(f"{path}: found a row of over {MAX_ROW:,} characters, expected the pixels of a face")
        yield line


def _standard_row(cells: Sequence[str], form: Form, white: int | None) -> str:
    others = [form.label, *([] if form.usage is None else [form.usage])]
    label, *usage = (re.sub(r'[,"\r\n]', " ", cells[column]) for column in others if column is not None)
    pixels = _pixels_of(cells, form)
    numbers = _rounded(pixels, white) if white else re.sub(r"\.0*(?!\d)", "", pixels)
    return ",".join([label, numbers, *usage]) + "\n"


def _pixels_of(cells: Sequence[str], form: Form) -> str:
    pixels = " ".join(cells[column].strip() for column in form.pixels)
    return re.sub(r'[,;"\[\]\s]+', " ", pixels).strip()


def _rounded(pixels: str, white: int) -> str:
    """Return fractions as whole numbers 0..255. Raises InputError where one is beyond white or is not a number."""
    values = pixels.split()
    try:
        shares = np.array(values, np.float64) / white
    except ValueError:
        return pixels  # refused as any other text is
    greys = np.rint(shares * 255)
    if not (in_range := (greys >= 0) & (greys <= 255)).all():  # NaN is not
        raise InputError(
            f"column pixels: found {values[in_range.argmin()]!r}, expected 0..{white}, as in the first rows"
        )
    return " ".join(map(str, greys.astype(int)))
