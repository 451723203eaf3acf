"""Labels in tables beside the images: CSV files with a column of file names and one of labels."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from mien._io.errors import InputError, within
from mien.data.labels import CODES, EMPTY, LabelNames, unknown_note
from mien.data.readers.label_files.box_columns import box_note
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile, meaning
from mien.data.readers.label_files.table_images import TableImages
from mien.data.readers.label_files.table_rows import Row, Rows, read_table
from mien.emotions.label_sets import normalized

_SUFFIXES, _LISTS = (".csv", ".tsv"), (".txt", ".lst")
_MAX_LISTS = 20  # more are one per image, such as boxes
_MIN_SHARE = 0.5  # of all images that the tables name


def table_labels(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> FileLabels | None:
    """Return the labels of images by tables among other files; None if these name fewer than half of the images.

    Raises:
        InputError: a row names several images, or see `labels_of_rows`.
    """
    rows: dict[str, list[Row]] = defaultdict(list)
    tables: dict[str, Rows] = {}
    images: list[TableImages] = []
    lists = [other for other in others if other.lower().endswith(_LISTS)]
    for other in [name for name in others if name.lower().endswith(_SUFFIXES)] + lists[:_MAX_LISTS]:
        if table := read_table(other, read(other), labels):
            table = table.within_source()
            found = TableImages(table, names, other.rpartition("/")[0])
            if found.by_row:
                tables[other] = table
                images.append(found)
                for name, same in found.rows().items():
                    rows[name] += same
    if not rows or len(rows) < _MIN_SHARE * len(names):
        return None
    read_labels = labels_of_rows(tables, rows, labels)
    for found in images:
        found.check()
    return read_labels


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
    unknown: Counter[str] = Counter()
    for name, every in rows.items():
        same = [row for row in every if row.label] or every
        _check_same(name, same, labels)
        row = same[-1]
        emotions[name], splits[name] = _class_of(row.label, labels), row.split
        if emotions[name] is None:
            with within(row.cell):
                labels.check(row.label)
            unknown[row.label or EMPTY] += 1
    numbers = f", numbers as those of {', '.join(codes)}: {meaning(labels)}" if codes else ""
    notes = [f"labels are read from {', '.join(tables)}{numbers}"]
    notes += [box_note(name, table.boxes) for name, table in tables.items() if table.boxes]
    notes += [_incomplete_note(name, table.incomplete) for name, table in tables.items() if table.incomplete]
    if again := sum(len(same) - len({row.table for row in same}) for same in rows.values()):
        name = "row names" if again == 1 else "rows name"
        notes.append(f"{again:,} {name} an image that has a row already; the last row counts")
    if unknown:
        notes.append(unknown_note(unknown, "label"))
    return FileLabels(emotions, notes, [*tables], splits)


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
