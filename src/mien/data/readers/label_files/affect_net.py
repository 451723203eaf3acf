"""AffectNet's labels: one file for each image, `annotations/NAME_exp.npy`."""

import io
import re
import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np

from mien.data.label_notes import counted
from mien.data.labels import CODES, LabelNames
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile, meaning

_FILE = re.compile(r"(?P<above>.*?)(?:annotations/)?(?P<image>[^/]+)_exp\.npy")
_MAX_LABEL = 1000  # bytes of a file with one number


def affect_net_files(
    names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile
) -> FileLabels | None:
    """Return the labels of images by AffectNet's files; numbers are AffectNet's unless label names say otherwise."""
    files = {match["above"] + match["image"]: match[0] for name in others if (match := _FILE.fullmatch(name))}
    if not files:
        return None
    labels = labels.with_codes(CODES["AffectNet"])
    codes = {name: _number(read(path)) for name in names if (path := _file_of(name, files))}
    emotions = {name: labels.code(code) for name, code in codes.items()}
    unknown = Counter(code for name, code in codes.items() if emotions[name] is None)
    notes = [
        f"labels are read from *_exp.npy, as of AffectNet: {meaning(labels)}",
        *([f"labels of AffectNet that are not emotions: {counted(unknown)}; left out"] if unknown else []),
    ]
    return FileLabels(emotions, notes, {*files.values()}, noted={name for name in codes if emotions[name] is None})


def _file_of(image: str, files: dict[str, str]) -> str | None:
    """Return the file with the label of an image such as train_set/images/7.jpg. files: by train_set/7."""
    folder, _, file = image.rpartition("/")
    stem = file.rpartition(".")[0]
    return files.get(folder.rpartition("images")[0] + stem) or files.get(f"{folder}/{stem}".lstrip("/"))


def _number(data: bytes | None) -> str:
    """Return the number in a .npy file as text. AffectNet stores a number or text."""
    if data is None or len(data) > _MAX_LABEL:
        return "unreadable"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of headers as Python 2 wrote them, or of types that NumPy gave up
            return str(np.load(io.BytesIO(data), allow_pickle=False).item()).strip()
    except Exception:  # noqa: BLE001 -- NumPy's about damaged files, SystemError among them, share no narrower base
        return "unreadable"
