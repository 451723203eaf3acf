"""The columns of a table of images and labels, by their names or by what cells hold."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mien.data.labels import LabelNames
from mien.data.readers.names import is_image, split_name

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
_NUMBER = re.compile(r"\d{1,2}")  # a label without a header
_MIN_MARKS = 2  # columns of classes with 0 or 1
_MARK, _NO_MARK = ("1", "1.0", "True", "true"), ("0", "0.0", "False", "false", "")


class Columns(NamedTuple):
    """The positions of columns in a table.

    Attributes:
        image: of the names of images.
        label: of labels; the last one of several marks.
        split: of splits; None without one.
        name: of the column of labels; empty without a header.
        marks: of classes, of which each image has a 1 in one's column; empty if labels are in one column.
        others: of further columns whose names are those of labels; they are compared.
    """

    image: int
    label: int
    split: int | None
    name: str
    marks: tuple[int, ...] = ()
    others: tuple[int, ...] = ()

    def label_in(self, header: Sequence[str], cells: Sequence[str]) -> str:
        """Return a row's label; empty if not just one class has a 1, or a cell is neither 0 nor 1."""
        if not self.marks:
            return cells[self.label].strip()
        found = [header[column] for column in self.marks if cells[column].strip() in _MARK]
        return found[0] if len(found) == 1 and self.is_marked(cells) else ""

    def is_marked(self, cells: Sequence[str]) -> bool:
        """Tell whether a row has 0 or 1 in each of the columns of classes."""
        return len(cells) > self.label and {cells[column].strip() for column in self.marks} <= {*_MARK, *_NO_MARK}

    def split_in(self, cells: Sequence[str]) -> str | None:
        """Return the split that a row names; None if it names none."""
        has_cell = self.split is not None and self.split < len(cells)
        return split_name(cells[self.split]) if self.split is not None and has_cell else None


def named_columns(header: Sequence[str], labels: LabelNames) -> Columns | None:
    """Return the columns of a header that names an image, and labels or classes; None if it does not."""
    names = [*map(normalized_column, header)]
    kinds = (IMAGE_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS)
    image, label, split = (next((names.index(name) for name in known if name in names), None) for known in kinds)
    if image is None:
        return None
    if label is not None:
        others = tuple(at for at, name in enumerate(names) if name in LABEL_COLUMNS and at not in (label, image))
        return Columns(image, label, split, header[label], others=others)
    marks = tuple(column for column, name in enumerate(header) if column != image and labels.emotion(name))
    return Columns(image, max(marks), split, f"{header[marks[0]]} ..", marks) if len(marks) >= _MIN_MARKS else None


def columns_of_cells(cells: Sequence[str], labels: LabelNames) -> Columns | None:
    """Return the columns of a row that names an image, its label and perhaps its split; of two cells, any label."""
    image = next((column for column, cell in enumerate(cells) if names_image(cell)), None)
    others = [column for column in range(len(cells)) if column != image]
    meant = [column for column in others if labels.emotion(cells[column]) or _NUMBER.fullmatch(cells[column])]
    label = next(iter(meant or (others if len(others) == 1 else [])), None)
    if image is None or label is None:
        return None
    split = next((column for column in others if split_name(cells[column])), None)
    return Columns(image, label, split, "")


def names_image(path: str) -> bool:
    """Tell whether a path of any operating system ends with the name of an image."""
    return is_image(path.replace("\\", "/").rpartition("/")[2])


def normalized_column(name: str) -> str:
    """Return the name of a column in small letters, with underscores between its words."""
    return re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")
