"""Images named in a table: paths relative to the table, and labels."""

import re
from pathlib import Path
from typing import Any

from mien._io.errors import InputError, within
from mien.data.decode import Decoder, decode
from mien.data.labels import SKIP, LabelNames
from mien.data.readers.folder import FolderReader, FolderSource, list_folder
from mien.data.readers.label_files.table import labels_of_rows, missing_notes
from mien.data.readers.label_files.table_columns import names_image
from mien.data.readers.label_files.table_images import TableImages
from mien.data.readers.label_files.table_rows import MAX_TABLE, Rows, read_table
from mien.data.readers.layout_notes import skipped_notes
from mien.data.readers.people import People
from mien.data.readers.source import Entry, Files, Source
from mien.data.readers.split_folders import SplitFolders

_SAMPLE = 2**16  # bytes that tell whether a file is such a table
_IMAGE = re.compile(r"image|img|file|path|photo|pic", re.IGNORECASE)  # at the start of a column's name
_FIRST = 3  # rows that tell whether a table is about images


def image_table(path: Path, labels: LabelNames | None = None) -> Rows | None:
    """Return the rows of a table of images and labels; None if the file is something else.

    Args:
        path: the file.
        labels: what labels mean; used to recognize a table without a header.

    Raises:
        OSError: it cannot be read.
    """
    labels = labels or LabelNames()
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
        table = read_table(path.name, sample, labels)
        if not table or not _names_images(path, table):
            return None
        return read_table(path.name, sample + file.read(MAX_TABLE), labels)


class TableSource(FolderSource):
    """The images that a table names.

    Paths are relative to the table's folder. If there is no image at a path, images anywhere in that folder count if
    their paths end like it, with or without a suffix.
    """

    def __init__(self, path: Path, table: Rows, labels: LabelNames | None = None, decoder: Decoder = decode) -> None:
        """Find the images.

        Args:
            path: of the table.
            table: its rows, see `image_table`.
            labels: what labels mean.
            decoder: decodes the images.

        Raises:
            InputError: no image is there, or none has a label; a label looks misspelt; a row names several images; the
                rows of an image have different labels; or some images have a split and others have none.
        """
        self.path = path
        images = _found(path.parent, table)
        rows = images.rows()
        names = sorted(rows)
        with within(path.parent):
            read = labels_of_rows({path.name: table}, rows, labels or LabelNames())
            skipped = [name for name in names if read.emotions[name] == SKIP]
            images.check()
        people = People(names)
        splits = SplitFolders(names, labels)
        self.notes = [
            *read.notes,
            *missing_notes(path.name, table, images.by_row),
            *skipped_notes(skipped),
            *people.notes,
            *splits.notes,
        ]
        if not rows:
            raise InputError(f"{path}: {'; '.join(self.notes[1:])}, expected paths relative to {path.parent}")
        entries = [
            Entry(name, emotion, split or splits.above(name), people.person(name))
            for name in names
            for emotion, split in [read.labels(name)]
            if emotion and emotion != SKIP
        ]
        if not entries:
            raise InputError(f"{path}: found no image with a label: {'; '.join(self.notes)}")
        if len({entry.split is None for entry in entries}) > 1:
            unsplit = next(entry.origin for entry in entries if entry.split is None)
            raise InputError(f"{path}: {unsplit}: has no split, but other images are of train, validation or test")
        self.notes += splits.unread_notes([entry.origin for entry in entries if not entry.split])
        keys = [entry.origin for entry in entries]
        self._files: Files[Any] = Files(entries, keys, FolderReader(path.parent), decoder)
        self.total: int | None = len(entries)


def _names_images(path: Path, table: Rows) -> bool:
    """Tell by its first rows whether a table is about images, from their names or the files beside it."""
    if any(map(names_image, [*table.by_name][:_FIRST])):
        return True
    return bool(_IMAGE.match(table.column)) and bool(_found(path.parent, table).by_row)


def untracked_notes(source: Source) -> list[str]:
    """Return a note for the pipeline if a source is a table, because its images are not deps of the stage."""
    if not isinstance(source, TableSource):
        return []
    return ["DVC watches this table, and not the images; name the folder that holds both, and it watches all"]


def _found(folder: Path, table: Rows) -> TableImages:
    """Return the existing images of each row, as paths from the folder."""
    at_paths = [name for name in table.by_name if (folder / name).is_file()]
    return TableImages(table, at_paths or list_folder(folder).names)
