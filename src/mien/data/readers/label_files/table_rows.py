"""The rows of a table of images and labels: CSV files of any usual separator and encoding."""

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple, Self

from mien.data.labels import LabelNames
from mien.data.readers.label_files.box_columns import box_columns
from mien.data.readers.label_files.table_columns import Columns, columns_of_cells, named_columns, normalized_column
from mien.data.readers.names import RAF_DB, split_name

_AFFECT_NET = {"subdirectory_filepath", "expression"}  # columns of its tables, whose labels are its numbers
_AU = re.compile(r"au[\W_]*\d{1,2}.*", re.IGNORECASE)
MAX_TABLE = 2**26  # bytes


class Row(NamedTuple):
    """A table's entry for an image.

    Attributes:
        table: the name of the table.
        number: of the row, from 1.
        column: the name of the column of labels, empty without one.
        label: as written.
        split: None if the row names none.
        others: the labels in further columns of labels, by their names.
    """

    table: str
    number: int
    column: str
    label: str
    split: str | None
    others: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """Where the row is, for messages."""
        return f"{self.table}: row {self.number}"

    @property
    def cell(self) -> str:
        """Where the label is, for messages."""
        return f"{self.place}, column {self.column}" if self.column else self.place


class Rows(NamedTuple):
    """The rows of a table.

    Attributes:
        column: the name of the column of images, empty without one.
        by_name: the rows of each image, by its name in the table, with slashes; the last one counts.
        codes: the data set whose numbers are the labels; empty if unknown.
        boxes: the columns that look like boxes of faces, which are not read.
        incomplete: the numbers of rows that end before the label or name no image. Empty lines do not count.
    """

    column: str
    by_name: dict[str, list[Row]]
    codes: str
    boxes: list[str]
    incomplete: list[int]

    def splits(self, name: str) -> set[str]:
        """Return the splits that the rows of an image name."""
        return {row.split for row in self.by_name[name] if row.split}

    def within_source(self) -> Self:
        """Return the rows by image names that do not start with a slash, as in archives."""
        return self._replace(by_name={name.lstrip("/"): rows for name, rows in self.by_name.items()})


def read_table(name: str, data: bytes | None, labels: LabelNames) -> Rows | None:
    """Return the rows of a table that names images and their labels; None if it is another table.

    Cells are separated by commas, semicolons, tabs or bars, or without any by blanks. Columns are recognized by their
    names, or by the content of the first row: an image and its label.

    Args:
        name: the table's name, for messages. If it names a split, such as train_labels.csv, its images belong to that
            split.
        data: its content.
        labels: what labels mean.
    """
    if not data or len(data) > MAX_TABLE:
        return None
    text = _decoded(data)
    first = text.partition("\n")[0]
    separator = max(",;\t|", key=first.count)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator if separator in first else " ", skipinitialspace=True
    )
    try:
        header, row = ([cell.strip() for cell in next(reader, [])] for _ in range(2))
        columns = _columns(header, row, labels)
        if columns is None:
            return None
        lines = chain([row] if columns.name else [header, row], reader)
        by_name, incomplete = _by_name(name, header, columns, lines)
    except csv.Error:
        return None
    codes = "AffectNet" if {*map(normalized_column, header)} >= _AFFECT_NET else ""
    if all(RAF_DB.fullmatch(image.rpartition("/")[2]) for image in by_name):
        codes = "RAF-DB"
    column = header[columns.image] if columns.name else ""
    return Rows(column, by_name, codes, box_columns(header) if columns.name else [], incomplete)


def _columns(header: Sequence[str], row: Sequence[str], labels: LabelNames) -> Columns | None:
    """Return the columns by the first two rows, of which the first may be a header; None of another table."""
    if any(map(_AU.fullmatch, header)):
        return None
    if columns := named_columns(header, labels):
        return columns if not columns.marks or columns.is_marked(row) else None  # no 0 and 1: votes or probabilities
    if columns := columns_of_cells(header, labels):
        return columns
    columns = columns_of_cells(row, labels)
    return columns._replace(name=header[columns.label]) if columns and columns.label < len(header) else columns


def _by_name(
    table: str, header: Sequence[str], columns: Columns, lines: Iterable[Sequence[str]]
) -> tuple[dict[str, list[Row]], list[int]]:
    """Return the rows of each image, and the numbers of incomplete rows."""
    of_table = split_name(table.rpartition("/")[2].rpartition(".")[0].split("_")[0])
    by_name: dict[str, list[Row]] = defaultdict(list)
    incomplete = []
    for number, cells in enumerate(lines, 1):
        is_whole = len(cells) > max(columns.image, columns.label)
        image = cells[columns.image].strip().replace("\\", "/").removeprefix("./") if is_whole else ""
        if image:
            split = columns.split_in(cells) or of_table
            others = tuple((header[at], cells[at].strip()) for at in columns.others if at < len(cells))
            by_name[image].append(Row(table, number, columns.name, columns.label_in(header, cells), split, others))
        elif any(cell.strip() for cell in cells):
            incomplete.append(number)
    return dict(by_name), incomplete


def _decoded(data: bytes) -> str:
    """Return a table as text in UTF-8, in UTF-16 with its mark, or as Windows writes it; with line feeds alone."""
    try:
        text = data.decode("utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")
