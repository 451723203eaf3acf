"""Tables of images in other forms than fer2013.csv: they become that form, in a temporary file.

Read are tables with other separators or encodings, with other names of columns, without a header, with one column per
pixel, with pixels from 0 to 1, and packed ones: in a zip or tar, by gzip, bzip2 or xz.
"""

import codecs
import csv
import io
import math
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np

from mien._io.errors import InputError, within
from mien._io.urls import Location
from mien.data.readers.csv import MAX_ROW
from mien.data.readers.label_table import LABEL_COLUMNS, SPLIT_COLUMNS, normalized_column
from mien.data.readers.names import is_hidden, split_name
from mien.data.readers.packed_files import (
    DAMAGED,
    MAX_SMALL,
    is_packed,
    packed_size,
    read_to_end,
    tar_of,
    uncompressed,
    unpacking,
)

#: Bytes by which the form of a table is recognised.
SAMPLE = 2**17

_LOOKED_AT = 10  # lines, for the first two that are not empty
_MIN_PIXELS = 256  # numbers in a cell or a row that are an image, 16 x 16
_MAX_RATIO = 1_000  # unpacked to packed; digits shrink to a third, equal rows far more
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LABEL_NAMES = ("emotion", *LABEL_COLUMNS)  # a table may have both the number and the name
_NAMED_PIXELS = re.compile(rb"\bpixels\b")  # in the header of a table of images that has a fault
_PIXEL_NAME = re.compile(r"(?:pixels?|px|p|x)?[\W_]*(\d+)(?:[_x-](\d+))?", re.IGNORECASE)  # pixel7, pixel_0_7
_NUMBER = re.compile(r"(?:\d{1,3}(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?")  # 107.0: as pandas writes numbers
_FRACTION = re.compile(r"\.\d*[1-9]|\de-")
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


def is_image_table(path: Path) -> bool:
    """Tell whether a file is a table of images, compressed or not, or a tar. Raises OSError if it is unreadable."""
    with path.open("rb") as file:
        sample = _sample(file)
        file.seek(0)
        if not is_packed(sample):
            return recognise(sample) is not None or _NAMED_PIXELS.search(sample.partition(b"\n")[0]) is not None
        try:
            if archive := tar_of(file):
                archive.close()
                return True
            with uncompressed(file) as unpacked:
                return recognise(_sample(unpacked)) is not None
        except DAMAGED:
            return True  # as opening it will say


@contextmanager
def open_packed(path: Location, file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Yield name and content of the table in a compressed file or a tar. The name is empty for a compressed file.

    Raises:
        InputError: it is damaged, or holds no table of images or several.
    """
    with unpacking(path):
        archive = tar_of(file)
        if archive is None:
            with uncompressed(file) as unpacked:
                yield "", unpacked
            return
        with archive:
            members = {info.name: info for info in archive.getmembers() if info.isfile() and is_table(info.name)}
            read_to_end(archive)

            def extracted(name: str) -> BinaryIO:
                return cast("BinaryIO", archive.extractfile(members[name]))

            name = one_table(path, [*members], extracted)
            with extracted(name) as table:
                yield name, table


@contextmanager
def open_in_zip(path: Location, archive: zipfile.ZipFile) -> Iterator[tuple[str, BinaryIO]]:
    """Yield name and content of the table of images in a zip for which `tables_in` returns names.

    Raises:
        InputError: it is damaged, or holds no table of images or several.
    """

    def extracted(name: str) -> BinaryIO:
        return cast("BinaryIO", archive.open(name))

    with unpacking(path):
        name = one_table(path, tables_in(archive), extracted)
        with extracted(name) as table:
            yield name, table


def tables_in(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the CSVs in a zip."""
    return [info.filename for info in archive.infolist() if is_table(info.filename)]


def recognise(sample: bytes) -> Form | None:
    """Return the form of a table of images by its first bytes, None if it is no such table."""
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


def write_standard(path: Location, file: BinaryIO, standard: BinaryIO) -> list[str]:
    """Write a table of images as fer2013.csv would have it, and return what the user should know about it.

    Args:
        path: for messages.
        file: the table, of a form that `recognise` knows.
        standard: the file to write; afterwards positioned at its start.

    Raises:
        InputError: it is no table of square images with labels, a row has another number of cells, or the text cannot
            be decoded.
    """
    sample = _sample(file)
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


def _white_of_fractions(sample: bytes, form: Form) -> int | None:
    """Return what stands for white where pixels have fractions, by the first rows: 1 or 255; None where none has."""
    lines = sample.decode(form.encoding, "replace").splitlines()[form.above + form.has_header :]
    numbers: list[float] = []
    has_fractions = False
    for cells in csv.reader(lines[:-1] or lines, delimiter=form.separator, skipinitialspace=True):
        if len(cells) == form.width:
            pixels = _pixels_of(cells, form)
            has_fractions |= bool(_FRACTION.search(pixels))
            numbers += map(float, filter(_NUMBER.fullmatch, pixels.split()))
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


def _check(path: Location, form: Form) -> None:
    if form.label is None:
        raise InputError(f"{path}: found a table of images without labels, expected a column emotion")
    if math.isqrt(len(form.pixels)) ** 2 != len(form.pixels):
        raise InputError(
            f"{path}: found {len(form.pixels):,} columns of pixels, expected those of a square, as 2,304 (48 x 48), or "
            "one column pixels"
        )


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
    numeric = [column for column, cell in enumerate(cells) if _NUMBER.fullmatch(cell)]
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
    return len(numbers) >= _MIN_PIXELS and all(_NUMBER.fullmatch(number) for number in numbers[:_MIN_PIXELS])


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


def _sample(file: BinaryIO) -> bytes:
    return file.read(SAMPLE)


def one_table(path: Location, names: Sequence[str], open_member: Callable[[str], BinaryIO]) -> str:
    """Return the name of the table of images among files; of several, the only one that has splits.

    Raises:
        InputError: there is none, or several.
    """
    forms = {}
    for name in names:
        with open_member(name) as member:
            if form := recognise(_sample(member)):
                forms[name] = form
    with_splits = [name for name, form in forms.items() if form.usage is not None]
    if len(forms) == 1 or len(with_splits) == 1:
        return (with_splits or [*forms])[0]
    found = ", ".join(forms or names)
    if not names:
        raise InputError(
            f"{path}: holds neither images nor a CSV, expected images in emotion folders, or a table of images with "
            "columns emotion and pixels"
        )
    if not forms:
        raise InputError(f"{path}: holds {found}, which is not a table of images, expected columns emotion and pixels")
    raise InputError(f"{path}: holds several tables of images: {found}; unpack it and name one")


def is_table(name: str) -> bool:
    """Tell by its name whether a file is a CSV."""
    return name.lower().endswith((".csv", ".tsv")) and not is_hidden(name)
