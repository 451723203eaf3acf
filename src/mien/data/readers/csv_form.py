"""The form of a table of images: encoding, separator, header and columns, by its first bytes.

Known are tables with other separators, encodings or names of columns than fer2013.csv, without a header, with one
column per pixel, and with pixels from 0 to 1.
"""

import codecs
import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from mien.data.readers.label_files.table_columns import LABEL_COLUMNS, SPLIT_COLUMNS, normalized_column
from mien.data.readers.names import split_name

#: Bytes by which the form of a table is recognised.
SAMPLE = 2**17
#: A pixel as text; 107.0 and 1.07e2: as pandas writes numbers.
NUMBER = re.compile(r"(?:\d{1,3}(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?")

_LOOKED_AT = 10  # lines, for the first two that are not empty
_MIN_PIXELS = 256  # numbers in a cell or a row that are an image, 16 x 16
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LABEL_NAMES = ("emotion", *LABEL_COLUMNS)  # a table may have both the number and the name
_PIXEL_NAME = re.compile(r"(?:pixels?|px|p|x)?[\W_]*(\d+)(?:[_x-](\d+))?", re.IGNORECASE)  # pixel7, pixel_0_7
_ABOVE = re.compile(r"\ufeff?(?:sep=.|#.*|\s*)")  # lines above a header: Excel's hint, comments


class Form(NamedTuple):
    """The form of a table of images.

    Attributes:
        encoding: of its text.
        separator: between cells.
        has_header: whether its first row has the names of columns.
        label, usage: the columns of labels and splits; None if there is none.
        pixels: the column of all pixels, or those of single ones, in order.
        width: cells of a row.
        notes: what the user should know.
        above: lines before the header or the first row.
        has_gaps: whether empty lines stand between rows.
    """

    encoding: str
    separator: str
    has_header: bool
    label: int | None
    usage: int | None
    pixels: list[int]
    width: int
    notes: list[str]
    above: int = 0
    has_gaps: bool = False


def recognise(sample: bytes) -> Form | None:
    """Return the form of a table of images by its first bytes, None if it is another file."""
    encoding = _encoding(sample)
    text = sample.decode(encoding, "replace").removeprefix("\ufeff")
    lines = text.splitlines()
    above = next((number for number, line in enumerate(lines) if not _ABOVE.fullmatch(line)), len(lines))
    lines = lines[above:]
    if not lines:
        return None
    filled = [line for line in lines[:_LOOKED_AT] if line.strip()][:2]
    has_gaps = len(filled) > 1 and not lines[1].strip()
    notes = ["lines end with carriage returns"] if "\n" not in text and "\r" in text else []
    notes += [f"{above} {'line' if above == 1 else 'lines'} above the table left out"] * bool(above)
    notes += ["empty lines between rows are left out"] * has_gaps
    for separator in sorted(_SEPARATORS, key=lambda separator: -lines[0].count(separator)):
        try:
            names, *more = csv.reader(filled, delimiter=separator, skipinitialspace=True)
        except (csv.Error, ValueError):
            continue
        names = [name.strip() for name in names]
        if form := _with_header(names, more[0] if more else [], encoding, separator) or _without_header(
            names, encoding, separator
        ):
            return form._replace(notes=[*form.notes, *notes], above=above, has_gaps=has_gaps)
    return None


def is_standard(form: Form) -> bool:
    """Tell whether a table has the form of fer2013.csv."""
    return not form.notes and form.encoding == "utf-8" and len(form.pixels) == 1


def _with_header(names: Sequence[str], first: Sequence[str], encoding: str, separator: str) -> Form | None:
    lower = [*map(normalized_column, names)]
    if any(_is_pixels(name) for name in names):
        return None
    notes = [] if separator == "," else [f"cells are separated by {_SEPARATORS[separator]}"]
    pixels = [lower.index("pixels")] if lower.count("pixels") == 1 else _pixel_columns([name.lower() for name in names])
    if not pixels:
        pixels = [column for column, cell in enumerate(first) if _is_pixels(cell)]
        if len(pixels) != 1 or len(first) < len(names) or _column(lower, _LABEL_NAMES) is None:
            return None
        notes.append(f"the column {names[pixels[0]]} is read as pixels")
    if len(pixels) > 1:
        notes.append(f"each of {len(pixels):,} pixels has its own column")
    label = _column(lower, _LABEL_NAMES)
    usage = _column(lower, SPLIT_COLUMNS)
    if label is not None and lower[label] != "emotion":
        notes.append(f"the column {names[label]} is read as emotion")
    if len(pixels) == 1 and pixels[0] < len(first) and not re.fullmatch(r"[\d\s]*", first[pixels[0]]):
        notes.append("pixels are lists, or written with a decimal point")
    if usage is not None and lower[usage] != "usage":
        notes.append(f"the column {names[usage]} is read as Usage")
    width = len(names)
    if len(first) > width and not any(first[width:]):
        width = len(first)
        notes.append("rows have an empty cell more than the header")
    return Form(encoding, separator, True, label, usage, pixels, width, notes)


def _without_header(cells: Sequence[str], encoding: str, separator: str) -> Form | None:
    long = [column for column, cell in enumerate(cells) if _is_pixels(cell)]
    numeric = [column for column, cell in enumerate(cells) if NUMBER.fullmatch(cell)]
    usage = next((column for column, cell in enumerate(cells) if split_name(cell)), None)
    if len(long) == 1:
        pixels = long
    elif len(numeric) > _MIN_PIXELS and len(numeric) + (usage is not None) + 1 >= len(cells):
        label = next((column for column in range(len(cells)) if column not in numeric and column != usage), numeric[0])
        pixels = [column for column in numeric if column != label]
    else:
        return None
    others = [column for column in range(len(cells)) if column not in pixels and column != usage]
    if len(others) != 1:
        return None
    notes = [
        "has no header; " + ("its columns are known from their content" if len(pixels) == 1 else "pixels are cells")
    ]
    return Form(encoding, separator, False, others[0], usage, pixels, len(cells), notes)


def _is_pixels(cell: str) -> bool:
    numbers = re.split(r"[\s,;]+", cell.strip("[] "))
    return len(numbers) >= _MIN_PIXELS and all(NUMBER.fullmatch(number) for number in numbers[:_MIN_PIXELS])


def _pixel_columns(names: Sequence[str]) -> list[int]:
    """Return the columns with one pixel each, in the order of their numbers."""
    numbers = {
        column: (int(match[1]), int(match[2] or 0))
        for column, name in enumerate(names)
        if (match := _PIXEL_NAME.fullmatch(name))
    }
    if len(numbers) < _MIN_PIXELS or len({*numbers.values()}) < len(
        numbers
    ):  # grey levels of the first row are not names
        return []
    return sorted(numbers, key=numbers.__getitem__)


def _column(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if names.count(name) == 1), None)


def _encoding(sample: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if sample.startswith(mark):
            return encoding
    head = sample[:200]
    if head[1::2].count(0) > len(head) // 3:
        return "utf-16-le"
    return "utf-16-be" if head[::2].count(0) > len(head) // 3 else "utf-8"
