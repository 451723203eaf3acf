"""Labels in tables beside the images: CSV files with a column of file names and one of labels."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self, TypeVar

from mien._io.errors import within
from mien.data.labels import EMPTY, SKIP, LabelNames, unknown_note
from mien.data.readers.names import split_name

#: Names of the columns that hold the names of images, in small letters.
IMAGE_COLUMNS = (
    "image", "images", "file", "files", "filename", "file_name", "image_name", "image_path", "path", "filepath",
    "file_path", "pth", "img", "img_name", "img_path", "image_id", "name", "id",
)  # fmt: skip
_LABELS = ("label", "labels", "emotion", "emotions", "expression", "class", "class_name", "category", "target")
_SPLITS = ("usage", "split", "set", "subset")
_SUFFIXES = (".csv", ".tsv")
_MAX_TABLE = 2**26  # bytes
_MIN_SHARE = 0.5  # of all images that the tables name

_R = TypeVar("_R")


class _Row(NamedTuple):
    """What a table says of an image: where, its label as it stands there, and its split."""

    place: str
    label: str
    split: str | None


class LabelTable:
    """The labels of images by tables.

    Attributes:
        notes: what the user should know.
    """

    def __init__(self, tables: Sequence[str], rows: dict[str, _Row], labels: LabelNames) -> None:
        """Read labels. rows: by the name of the image in the source.

        Raises:
            InputError: a label looks misspelt, or all labels have to name a class and one names none.
        """
        self._tables = set(tables)
        self._rows: dict[str, tuple[str | None, str | None]] = {}
        unknown: Counter[str] = Counter()
        for name, row in rows.items():
            emotion = labels.emotion(row.label) or labels.code(row.label)
            if emotion is None:
                with within(row.place):
                    labels.check(row.label)
                unknown[row.label or EMPTY] += 1
            self._rows[name] = None if emotion == SKIP else emotion, row.split
        self.notes = [f"labels are read from {', '.join(tables)}"]
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
        """Return the labels of images by tables among other files; None where these name fewer than half of the images.

        Raises:
            InputError: see the class.
        """
        rows: dict[str, _Row] = {}
        tables = []
        for other in others:
            found = matched_rows(names, _rows(other, read(other))) if other.lower().endswith(_SUFFIXES) else {}
            if found:
                tables.append(other)
                rows |= found
        return cls(tables, rows, labels) if rows and len(rows) >= _MIN_SHARE * len(names) else None

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """Return the class and the split of an image by its name in the source; None where no table has them."""
        return self._rows.get(name, (None, None))

    def is_read(self, name: str) -> bool:
        """Tell whether a file is one of the tables."""
        return name in self._tables


def _rows(table: str, data: bytes | None) -> dict[str, _Row]:
    """Return the rows of a table by the name of the image that they are about; none where it is another table."""
    if not data or len(data) > _MAX_TABLE:
        return {}
    text = data.decode("utf-8-sig", "replace")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        return dict(_named(table, csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)))
    except csv.Error:
        return {}


def _named(table: str, reader: Iterator[list[str]]) -> Iterator[tuple[str, _Row]]:
    header = [name.strip().lower() for name in next(reader, [])]
    kinds = (IMAGE_COLUMNS, _LABELS, _SPLITS)
    image, label, split = (next((header.index(name) for name in names if name in header), None) for names in kinds)
    if image is None or label is None:
        return
    of_table = split_name(table.rpartition("/")[2].rpartition(".")[0].split("_")[0])
    for number, cells in enumerate(reader, 1):
        if len(cells) > max(image, label):
            cell = split_name(cells[split]) if split is not None and split < len(cells) else None
            row = _Row(f"{table}: row {number}, column {header[label]}", cells[label].strip(), cell or of_table)
            yield cells[image].strip().replace("\\", "/").removeprefix("./").lstrip("/"), row


def matched_rows(names: Sequence[str], rows: Mapping[str, _R]) -> dict[str, _R]:
    """Return rows by names of images in the source, of which the table may have the end, with or without a suffix."""
    matched = {}
    for name in names if rows else ():
        parts = name.split("/")
        ends = ["/".join(parts[start:]) for start in range(len(parts))]
        keys = (key for end in ends for key in (end, end.rpartition(".")[0]))
        if (key := next((key for key in keys if key in rows), None)) is not None:
            matched[name] = rows[key]
    return matched
