"""Labels in tables beside the images: CSV files with a column of file names and one of labels."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from mien._io.errors import InputError, within
from mien.data.label_notes import unknown_note
from mien.data.labels import CODES, EMPTY, SKIP, LabelNames
from mien.data.readers.label_files.box_columns import box_note
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile, meaning
from mien.data.readers.label_files.table_columns import names_image
from mien.data.readers.label_files.table_images import TableImages
from mien.data.readers.label_files.table_rows import Row, Rows, read_table
from mien.emotions.label_sets import normalized

_SUFFIXES, _LISTS = (".csv", ".tsv"), (".txt", ".lst")
_MAX_LISTS = 20  # more are one per image, such as boxes
_MIN_SHARE = 0.5  # of all images that the tables name
_SHOWN = 3  # missing images in a note


def table_labels(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> FileLabels | None:
    """Return the labels of images by tables among other files; None if these name fewer than half of the images.

    Raises:
        InputError: a row names several images, or see `labels_of_rows`.
    """
    rows: dict[str, list[Row]] = defaultdict(list)
    tables: dict[str, Rows] = {}
    images: list[TableImages] = []
    missing: list[str] = []
    for other, table in _tables(others, labels, read):
        found = TableImages(table, names, other.rpartition("/")[0])
        if found.by_row:
            tables[other] = table
            missing += missing_notes(other, table, found.by_row)
            images.append(found)
            for name, same in found.rows().items():
                rows[name] += same
    if not rows or len(rows) < _MIN_SHARE * len(names):
        return None
    read_labels = labels_of_rows(tables, rows, labels)
    for found in images:
        found.check()
    return replace(read_labels, notes=[*read_labels.notes, *missing])


def _tables(others: Sequence[str], labels: LabelNames, read: ReadFile) -> Iterator[tuple[str, Rows]]:
    """Yield the tables of images among other files, with their names."""
    lists = [other for other in others if other.lower().endswith(_LISTS)]
    for other in [name for name in others if name.lower().endswith(_SUFFIXES)] + lists[:_MAX_LISTS]:
        if table := read_table(other, read(other), labels):
            yield other, table.within_source()


def unread_tables(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> list[str]:
    """Return notes on tables of images and labels that are not read, as they name fewer than half of the images.

    Arguments are those of `table_labels`.
    """
    notes = []
    for other, table in _tables(others, labels, read):
        found = TableImages(table, names, other.rpartition("/")[0]).by_row
        absent = next((image for image in table.by_name if image not in found and names_image(image)), "")
        if names and (found or absent):
            which = f", such as {absent}, which is not there" if absent else ""
            images = "image" if len(table.by_name) == 1 else "images"
            notes.append(
                f"{other} is not read: it names {len(table.by_name):,} {images}{which}, and {len(found):,} of the "
                f"{len(names):,} images here, such as {names[0]}; expected at least half of them, and equal paths or "
                "ends of paths"
            )
    return notes


def labels_of_rows(tables: Mapping[str, Rows], rows: Mapping[str, Sequence[Row]], labels: LabelNames) -> FileLabels:
    """Return the labels of images by rows.

    Args:
        tables: by their names.
        rows: of them, by the name of the image in the source; the last one counts.
        labels: what labels mean.

    Raises:
        InputError: a label looks misspelt, all labels have to name a class and one names none, or the rows of an
            image have different labels.
    """
    codes = {table.codes for table in tables.values()} - {""}
    for name in codes:
        labels = labels.with_codes(CODES[name])
    emotions: dict[str, str | None] = {}
    splits: dict[str, str | None] = {}
    unknown: dict[str, str] = {}
    for name, every in rows.items():
        same = [row for row in every if row.label] or every
        _check_same(name, same, labels)
        row = same[-1]
        emotions[name], splits[name] = _class_of(row.label, labels), row.split
        if emotions[name] is None:
            with within(row.cell):
                labels.check(row.label)
            unknown[name] = row.label or EMPTY
    numbers = f", numbers as those of {', '.join(codes)}: {meaning(labels)}" if codes else ""
    notes = [f"labels are read from {', '.join(tables)}{numbers}"]
    notes += [box_note(name, table.boxes) for name, table in tables.items() if table.boxes]
    notes += [_incomplete_note(name, table.incomplete) for name, table in tables.items() if table.incomplete]
    if again := sum(len(same) - len({row.table for row in same}) for same in rows.values()):
        name = "row names" if again == 1 else "rows name"
        notes.append(f"{again:,} {name} an image that has a row already; the last row counts")
    if unknown:
        notes.append(unknown_note(Counter(unknown.values()), "label"))
    notes += _other_column_notes(rows, emotions, labels)
    return FileLabels(emotions, notes, [*tables], splits, {*unknown})


def missing_notes(name: str, table: Rows, found: Collection[str]) -> list[str]:
    """Return a note on the images of a table that are not there. found: the names in the table that are."""
    missing = [image for image in table.by_name if image not in found]
    if not missing:
        return []
    shown = ", ".join(missing[:_SHOWN]) + (" .." if len(missing) > _SHOWN else "")
    return [f"{len(missing):,} of {len(table.by_name):,} images that {name} names are not there: {shown}"]


def _other_column_notes(
    rows: Mapping[str, Sequence[Row]], emotions: Mapping[str, str | None], labels: LabelNames
) -> list[str]:
    """Return notes on further columns of labels that name another class than the column that is read."""
    differing: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name, same in rows.items():
        for row in same:
            for column, label in row.others:
                other, emotion = _class_of(label, labels), emotions[name]
                if other and emotion and other != emotion and SKIP not in (other, emotion):
                    differing[row.table, row.column, column].append(f"row {row.number} has {row.label!r} and {label!r}")
    return [
        f"{table}: the columns {read} and {other} name different classes in {len(found):,} "
        f"{'row' if len(found) == 1 else 'rows'}: {read} is read; {found[0]}"
        for (table, read, other), found in differing.items()
    ]


def _incomplete_note(table: str, rows: Sequence[int]) -> str:
    name = "row names no image or ends" if len(rows) == 1 else "rows name no image or end"
    return f"{table}: {len(rows):,} {name} before the label: left out, the first is row {rows[0]}"


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
