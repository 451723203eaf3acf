"""CK+'s labels: one file for the last image of each sequence, `S005_001_00000011_emotion.txt`."""

import re
from collections import Counter
from collections.abc import Sequence

from mien.data.label_notes import counted
from mien.data.labels import LabelNames
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile, meaning, stem

_FILE = re.compile(r"(?:.*/)?(?P<image>S\d{3}_\d{3}_\d{8})_emotion\.txt")
_CODES = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")


def ck_plus_files(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> FileLabels | None:
    """Return the labels of images by CK+'s files; numbers are CK+'s own."""
    files = {match["image"]: match[0] for name in others if (match := _FILE.fullmatch(name))}
    if not files:
        return None
    labels = labels.with_codes(_CODES)
    codes = {image: _whole(read(path)) for image, path in files.items()}
    emotions = {image: labels.code(code) for image, code in codes.items()}
    unknown = Counter(code for image, code in codes.items() if emotions[image] is None)
    notes = [
        f"labels are read from *_emotion.txt, of the last image of each sequence, as of CK+: {meaning(labels)}",
        *([f"labels of CK+ that are not emotions: {counted(unknown)}; left out"] if unknown else []),
    ]
    found = {name: emotions[stem(name)] for name in names if stem(name) in emotions}
    return FileLabels(found, notes, {*files.values()}, noted={name for name in found if found[name] is None})


def _whole(data: bytes | None) -> str:
    """Return the number in a file as text, which CK+ writes as 3.0000000e+00."""
    try:
        return str(int(float(data or b"")))
    except (ValueError, OverflowError):
        return "unreadable"
