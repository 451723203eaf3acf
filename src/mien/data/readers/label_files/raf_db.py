"""RAF-DB's list of labels, `list_patition_label.txt`: a line such as `train_00001.jpg 5` for each image."""

import re
from collections import Counter
from collections.abc import Sequence

from mien._io.errors import InputError, within
from mien.data.label_notes import unknown_note
from mien.data.labels import CODES, LabelNames
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile, meaning, stem

_LIST = re.compile(r"list_par?tition_label\.txt")  # the authors misspell it
_SPLIT = re.compile(r"(train|test)_")


def raf_db_list(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> FileLabels | None:
    """Return the labels of images by RAF-DB's list; numbers are RAF-DB's unless label names say otherwise.

    Raises:
        InputError: a line has another form, or a label that names no emotion looks misspelt.
    """
    lists = [name for name in others if _LIST.fullmatch(name.rpartition("/")[2].lower())]
    data = read(lists[0]) if lists else None
    if data is None:
        return None
    labels = labels.with_codes(CODES["RAF-DB"])
    with within(lists[0]):
        listed = _labels(data.decode("utf-8-sig", "replace"), labels)
    of_images = {name: listed[stem(name)] for name in names if stem(name) in listed}
    emotions = {name: labels.emotion(label) or labels.code(label) for name, label in of_images.items()}
    unknown = Counter(label for name, label in of_images.items() if emotions[name] is None)
    return FileLabels(
        emotions,
        [
            f"labels are read from {lists[0]}, a list as of RAF-DB: {meaning(labels)}",
            *([unknown_note(unknown, "label")] if unknown else []),
        ],
        lists,
        {name: match[1] for name in names if (match := _SPLIT.match(name.rpartition("/")[2]))},
        {name for name in of_images if emotions[name] is None},
    )


def _labels(text: str, labels: LabelNames) -> dict[str, str]:
    """Return the label of each image, by its name without suffix."""
    listed = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        image, _, label = line.strip().rpartition(" ")
        if not image:
            raise InputError(f"line {number}: found {line.strip()!r}, expected IMAGE LABEL, as in train_00001.jpg 5")
        listed[stem(image)] = label
        if not (labels.emotion(label) or labels.code(label)):
            labels.check(label)
    return listed
