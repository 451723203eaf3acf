"""FERPlus' votes: a table in each of its folders, `label.csv`, or one for all, `fer2013new.csv`."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from mien._io.errors import InputError, within
from mien.data import ferplus
from mien.data.label_notes import counted
from mien.data.labels import LabelNames
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile, stem

_FOLDER = re.compile(r"fer2013(?:train|valid|test)")
_TABLE = re.compile(r"fer2013new.*\.csv")
_CELLS = 12  # image, box, ten votes
_MAX_DIGITS = 9  # of a number of votes


def ferplus_votes(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> FileLabels | None:
    """Return the labels that more than half of the taggers of FERPlus agree on, by the paper's rules.

    One table for all counts only beside FERPlus' folders. The folders name the splits.

    Raises:
        InputError: a line of a table has another form.
    """
    by_folder = [name for name in others if _is_folders_table(name)]
    for_all = [name for name in others if _TABLE.fullmatch(name.rpartition("/")[2].lower())]
    tables = by_folder or (for_all if any(map(_in_folder, names)) else [])
    votes = {image: of_image for name in tables for image, of_image in _votes_of(name, read(name) or b"")}
    if not votes:
        return None
    emotions, reasons = ferplus.majority(ferplus.in_order_of_choices(np.array([*votes.values()])))
    by_image = {image: labels.decoded(emotion) for image, emotion in zip(votes, emotions, strict=True) if emotion}
    left_out = Counter(reasons[reasons != ""].tolist())
    notes = [
        f"labels are those that more than half of FERPlus' taggers agree on, by the votes in {', '.join(tables)}",
        *([f"taggers of FERPlus agree on no emotion: {counted(left_out)}; left out"] if left_out else []),
    ]
    found = {name: by_image.get(name.rpartition(".")[0]) or by_image.get(stem(name)) for name in names}
    voted = {name for name in names if name.rpartition(".")[0] in votes or stem(name) in votes}
    return FileLabels(found, notes, {*by_folder, *for_all}, noted={name for name in voted if not found[name]})


def _is_folders_table(name: str) -> bool:
    return name.rpartition("/")[2].lower() == "label.csv" and _in_folder(name)


def _in_folder(name: str) -> bool:
    return bool(_FOLDER.fullmatch(name.lower().rpartition("/")[0].rpartition("/")[2]))


def _votes_of(name: str, data: bytes) -> Iterator[tuple[str, list[int]]]:
    """Yield the images of a table and their votes. Images are named by their paths, or without folders in one for all.

    A line is such as `fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0`; empty ones say nothing. A fer2013new.csv
    has a header and no box; whole rows without a name are of images that FERPlus did not write.
    """
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline="")))
    except csv.Error as error:
        raise InputError(f"{name}: cannot be read ({error}), expected a table of votes") from None
    if _is_folders_table(name):
        for number, cells in enumerate(rows, 1):
            if cells:
                with within(f"{name}: line {number}"):
                    yield f"{name.rpartition('/')[0]}/{stem(cells[0])}", _votes(cells, cells[2:])
        return
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    first = header.index("image name") if "image name" in header else len(header)
    if len(header) - first != _CELLS - 1:
        raise InputError(f"{name}: found columns {', '.join(header)[:100]!r}, expected Image name and ten of votes")
    for number, cells in enumerate(rows[1:], 1):
        if not any(cell.strip() for cell in cells) or (len(cells) == len(header) and not cells[first].strip()):
            continue
        with within(f"{name}: row {number}"):
            yield stem("".join(cells[first : first + 1]).strip()), _votes(cells, cells[first + 1 :])


def _votes(cells: Sequence[str], votes: Sequence[str]) -> list[int]:
    numbers = [vote.strip() for vote in votes]
    if len(numbers) != _CELLS - 2 or not all(number.isdecimal() and len(number) <= _MAX_DIGITS for number in numbers):
        raise InputError(f"found {','.join(cells)[:100]!r}, expected the name of an image, its box and ten votes")
    return list(map(int, numbers))
