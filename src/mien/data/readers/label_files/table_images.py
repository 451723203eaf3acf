"""The images that a table of labels names, and the rows of each."""

from collections import defaultdict
from collections.abc import Iterable

from mien._io.errors import within
from mien.data.readers.label_files.table_rows import Row, Rows
from mien.data.readers.row_images import images_by_row, one_image
from mien.data.readers.split_folders import SplitFolders


class TableImages:
    """The images that a table names.

    Attributes:
        by_row: the images, by their names in the table; see `images_by_row`.
    """

    def __init__(self, table: Rows, names: Iterable[str], folder: str = "") -> None:
        """Find the images. names: of those in the source. folder: of the table in the source."""
        names = list(names)
        self._table = table
        self._splits = SplitFolders(names)
        self.by_row = images_by_row(names, {name: table.splits(name) for name in table.by_name}, folder, self._splits)

    def rows(self) -> dict[str, list[Row]]:
        """Return the rows of each image; of rows with several splits, those with the image's."""
        rows = {}
        for key, images in self.by_row.items():
            of_key = self._table.by_name[key]
            for name in images:
                same = [row for row in of_key if row.split == self._splits.above(name)]
                rows[name] = same if same and len(self._table.splits(key)) > 1 else of_key
        return rows

    def check(self) -> None:
        """Raise InputError if a row names several images."""
        for key, images in self.by_row.items():
            by_split: dict[str | None, list[str]] = defaultdict(list)
            for name in images:
                by_split[self._splits.above(name) if len(self._table.splits(key)) > 1 else None].append(name)
            place = self._table.by_name[key][-1].place
            with within(f"{place}, column {self._table.column}" if self._table.column else place):
                for same in by_split.values():
                    one_image(key, same)
