"""Labels in tables beside the images: CSV files with a column of file names and one of labels."""

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, Self

from mien._io.errors import InputError, within
from mien.data.labels import CODES, EMPTY, SKIP, LabelNames, unknown_note
from mien.data.readers.box_columns import box_columns, box_note
from mien.data.readers.names import RAF_DB, is_image, split_name
from mien.data.readers.row_images import images_by_row, one_image
from mien.data.readers.split_folders import SplitFolders
from mien.emotions.label_sets import normalized

#: Names of the columns that hold the names of images, in small letters.
IMAGE_COLUMNS = (
    "image", "images", "file", "files", "filename", "file_name", "image_name", "image_path", "path", "filepath",
    "file_path", "pth", "img", "img_name", "img_path", "subdirectory_filepath", "image_id", "name", "id",
)  # fmt: skip
#: Names of the columns that hold labels, and splits.
LABEL_COLUMNS = (
    "label", "labels", "emotion", "emotions", "expression", "class", "class_name", "label_name", "emotion_label",
    "category", "target", "emotion_name",
)  # fmt: skip
SPLIT_COLUMNS = ("usage", "split", "set", "subset")
_AFFECT_NET = {"subdirectory_filepath", "expression"}  # columns of its tables, whose labels are its numbers
_AU = re.compile(r"au[\W_]*\d{1,2}.*", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,2}")  # a label without a header
_SUFFIXES, _LISTS = (".csv", ".tsv"), (".txt", ".lst")
_MAX_LISTS = 20  # more are one per image, such as boxes
MAX_TABLE = 2**26  # bytes
_MIN_MARKS = 2  # columns of classes with 0 or 1
_MARK, _NO_MARK = ("1", "1.0", "True", "true"), ("0", "0.0", "False", "false", "")
_MIN_SHARE = 0.5  # of all images that the tables name


class Row(NamedTuple):
    """A table's entry for an image.

    Attributes:
        table: the name of the table.
        number: of the row, from 1.
        column: the name of the column of labels, empty without one.
        label: as written.
        split: None if the row names none.
    """

    table: str
    number: int
    column: str
    label: str
    split: str | None

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
        by_name: the rows by image name as in the table, with slashes.
        earlier: the rows before it, for each row whose image has several.
        codes: the data set whose numbers are the labels; empty if unknown.
        boxes: the columns that look like boxes of faces, which are not read.
    """

    column: str
    by_name: dict[str, Row]
    earlier: dict[str, list[Row]]
    codes: str
    boxes: list[str]

    def of(self, name: str) -> list[Row]:
        """Return all rows of an image by its name in the table; the last one counts."""
        return [*self.earlier.get(name, ()), self.by_name[name]]

    def within_source(self) -> Self:
        """Return the rows by image names that do not start with a slash, as in archives."""
        return self._replace(
            by_name={name.lstrip("/"): row for name, row in self.by_name.items()},
            earlier={name.lstrip("/"): rows for name, rows in self.earlier.items()},
        )

    def images(self, names: Iterable[str], folder: str = "") -> dict[str, list[str]]:
        """See `images_by_row`."""
        return images_by_row(names, {name: self._splits(name) for name in self.by_name}, folder)

    def by_image(self, images: Mapping[str, Sequence[str]]) -> dict[str, list[Row]]:
        """Return the rows of each image; of rows with several splits, those with the image's. images: see `images`."""
        splits = SplitFolders(name for found in images.values() for name in found)
        rows = {}
        for row, found in images.items():
            for name in found:
                same = [other for other in self.of(row) if other.split == splits.above(name)]
                rows[name] = same if same and len(self._splits(row)) > 1 else self.of(row)
        return rows

    def check(self, images: Mapping[str, Sequence[str]]) -> None:
        """Raise InputError if a row names several images. images: by row, see `images`."""
        splits = SplitFolders(name for found in images.values() for name in found)
        for row, found in images.items():
            by_split: dict[str | None, list[str]] = defaultdict(list)
            for name in found:
                by_split[splits.above(name) if len(self._splits(row)) > 1 else None].append(name)
            place = self.by_name[row].place
            with within(f"{place}, column {self.column}" if self.column else place):
                for same in by_split.values():
                    one_image(row, same)

    def _splits(self, name: str) -> set[str]:
        return {row.split for row in self.of(name) if row.split}


class LabelTable:
    """The labels of images by tables.

    Attributes:
        notes: what the user should know.
    """

    def __init__(self, tables: Mapping[str, Rows], rows: Mapping[str, Sequence[Row]], labels: LabelNames) -> None:
        """Read labels.

        Args:
            tables: by their names.
            rows: of them, by the name of the image in the source; the last one counts.
            labels: what labels mean.

        Raises:
            InputError: a label looks misspelt, all labels have to name a class and one names none, or the rows of an
                image have different labels.
        """
        self._tables = tables
        codes = {table.codes for table in tables.values()} - {""}
        for name in codes:
            labels = labels.with_codes(CODES[name])
        self._rows: dict[str, tuple[str | None, str | None]] = {}
        unknown: Counter[str] = Counter()
        for name, every in rows.items():
            same = [row for row in every if row.label] or every
            _check_same(name, same, labels)
            row = same[-1]
            emotion = _class_of(row.label, labels)
            if emotion is None:
                with within(row.cell):
                    labels.check(row.label)
                unknown[row.label or EMPTY] += 1
            self._rows[name] = None if emotion == SKIP else emotion, row.split
        meaning = ", ".join(f"{code} {emotion}" for code, emotion in sorted(labels.emotions.items()))
        numbers = f", numbers as those of {', '.join(codes)}: {meaning}" if codes else ""
        self.notes = [f"labels are read from {', '.join(tables)}{numbers}"]
        self.notes += [box_note(name, table.boxes) for name, table in tables.items() if table.boxes]
        if again := sum(len(same) - len({row.table for row in same}) for same in rows.values()):
            name = "row names" if again == 1 else "rows name"
            self.notes.append(f"{again:,} {name} an image that has a row already; the last row counts")
        if unknown:
            self.notes.append(unknown_note(unknown, "label"))

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        others: Iterable[str],
        labels: LabelNames,
        read: Callable[[str], bytes | None],
    ) -> Self | None:
        """Return the labels of images by tables among other files; None if these name fewer than half of the images.

        Raises:
            InputError: a row names several images, or see the class.
        """
        rows: dict[str, list[Row]] = defaultdict(list)
        tables: dict[str, Rows] = {}
        images: dict[str, dict[str, list[str]]] = {}
        others = [*others]
        lists = [other for other in others if other.lower().endswith(_LISTS)]
        for other in [name for name in others if name.lower().endswith(_SUFFIXES)] + lists[:_MAX_LISTS]:
            if table := read_table(other, read(other), labels):
                table = table.within_source()
                if found := table.images(names, other.rpartition("/")[0]):
                    tables[other], images[other] = table, found
                    for name, same in table.by_image(found).items():
                        rows[name] += same
        if not rows or len(rows) < _MIN_SHARE * len(names):
            return None
        read_labels = cls(tables, rows, labels)
        for other, table in tables.items():
            table.check(images[other])
        return read_labels

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """Return the class and the split of an image by its name in the source; None if no table has them."""
        return self._rows.get(name, (None, None))

    def is_read(self, name: str) -> bool:
        """Tell whether a file is one of the tables."""
        return name in self._tables


class _Columns(NamedTuple):
    """The positions of columns in a table, and the name of the label column; empty without a header."""

    image: int
    label: int
    split: int | None
    name: str
    marks: tuple[int, ...] = ()


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
    if separator not in first:
        separator = " "
    by_name: dict[str, Row] = {}
    earlier: dict[str, list[Row]] = defaultdict(list)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
        header, row = ([cell.strip() for cell in next(reader, [])] for _ in range(2))
        columns = _by_header(header) or _by_marks(header, labels) or _by_cells(header, labels)
        if columns and columns.marks and not _is_marked(row, columns.marks):
            return None  # votes or probabilities
        if columns is None and (columns := _by_cells(row, labels)) and columns.label < len(header):
            columns = columns._replace(name=header[columns.label])
        if columns is None or any(map(_AU.fullmatch, header)):
            return None
        of_table = split_name(name.rpartition("/")[2].rpartition(".")[0].split("_")[0])
        for number, cells in enumerate(chain([row] if columns.name else [header, row], reader), 1):
            if len(cells) > max(columns.image, columns.label):
                split = (
                    split_name(cells[columns.split])
                    if columns.split is not None and columns.split < len(cells)
                    else None
                )
                image = cells[columns.image].strip().replace("\\", "/").removeprefix("./")
                if image in by_name:
                    earlier[image].append(by_name[image])
                label = _marked(header, cells, columns.marks) if columns.marks else cells[columns.label].strip()
                by_name[image] = Row(name, number, columns.name, label, split or of_table)
    except csv.Error:
        return None
    codes = "AffectNet" if {*map(normalized_column, header)} >= _AFFECT_NET else ""
    if all(RAF_DB.fullmatch(image.rpartition("/")[2]) for image in by_name):
        codes = "RAF-DB"
    by_name.pop("", None)
    earlier.pop("", None)
    column = header[columns.image] if columns.name else ""
    return Rows(column, by_name, earlier, codes, box_columns(header) if columns.name else [])


def _check_same(name: str, rows: Sequence[Row], labels: LabelNames) -> None:
    """Refuse rows of one image with different labels. Other tables may tell of something else than classes."""
    *earlier, last = rows
    for row in earlier:
        meant = _class_of(last.label, labels)
        other = _class_of(row.label, labels)
        is_same = other == meant if other or meant else normalized(row.label) == normalized(last.label)
        if not is_same and (row.table == last.table or (other and meant)):
            raise InputError(
                f"{last.cell}: found {last.label!r} for {name}, but {row.label!r} in {row.place}, expected one label "
                "per image; longer paths if the rows name several images"
            )


def _class_of(label: str, labels: LabelNames) -> str | None:
    return labels.emotion(label) or labels.code(label)


def _by_header(header: Sequence[str]) -> _Columns | None:
    names = [*map(normalized_column, header)]
    kinds = (IMAGE_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS)
    image, label, split = (next((names.index(name) for name in known if name in names), None) for known in kinds)
    if image is None or label is None:
        return None
    return _Columns(image, label, split, header[label])


def _by_marks(header: Sequence[str], labels: LabelNames) -> _Columns | None:
    """Return the columns of a header that names an image and classes, of which each image has a 1 in one's column."""
    names = [*map(normalized_column, header)]
    image = next((names.index(name) for name in IMAGE_COLUMNS if name in names), None)
    marks = tuple(column for column, name in enumerate(header) if column != image and labels.emotion(name))
    if image is None or len(marks) < _MIN_MARKS:
        return None
    split = next((names.index(name) for name in SPLIT_COLUMNS if name in names), None)
    return _Columns(image, max(marks), split, f"{header[marks[0]]} ..", marks)


def _is_marked(cells: Sequence[str], marks: Sequence[int]) -> bool:
    return len(cells) > max(marks) and {cells[column].strip() for column in marks} <= {*_MARK, *_NO_MARK}


def _marked(header: Sequence[str], cells: Sequence[str], marks: Sequence[int]) -> str:
    """Return the class whose column has a 1; empty if none or several have, or a cell is neither 0 nor 1."""
    found = [header[column] for column in marks if cells[column].strip() in _MARK]
    return found[0] if len(found) == 1 and _is_marked(cells, marks) else ""


def _by_cells(cells: Sequence[str], labels: LabelNames) -> _Columns | None:
    """Return the columns of a row that names an image, its label and perhaps its split; of two cells, any label."""
    image = next((column for column, cell in enumerate(cells) if names_image(cell)), None)
    others = [column for column in range(len(cells)) if column != image]
    meant = [column for column in others if labels.emotion(cells[column]) or _NUMBER.fullmatch(cells[column])]
    label = next(iter(meant or (others if len(others) == 1 else [])), None)
    if image is None or label is None:
        return None
    split = next((column for column in others if split_name(cells[column])), None)
    return _Columns(image, label, split, "")


def names_image(path: str) -> bool:
    """Tell whether a path of any operating system ends with the name of an image."""
    return is_image(path.replace("\\", "/").rpartition("/")[2])


def normalized_column(name: str) -> str:
    """Return the name of a column in small letters, with underscores between its words."""
    return re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")


def _decoded(data: bytes) -> str:
    """Return a table as text in UTF-8, in UTF-16 with its mark, or as Windows writes it; with line feeds alone."""
    try:
        text = data.decode("utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")
