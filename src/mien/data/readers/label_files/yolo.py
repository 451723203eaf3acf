"""Labels of images in the form of YOLO, as Roboflow and Kaggle have them: `labels/NAME.txt` beside `images/NAME.jpg`.

Each line of such a file is a box, `CLASS x y width height`; `data.yaml` has the names of the classes.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import yaml

from mien.data.label_notes import unknown_note
from mien.data.labels import LabelNames
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile

_LINE = re.compile(r"(\d+)(?: +[\d.eE+-]+){4,}")
_NAMES = ("data.yaml", "data.yml", "dataset.yaml")
_MAX_BYTES = 2**20
_MIN_SHARE = 0.5  # of all images that have a file of boxes
_MAX_SHOWN = 60  # characters of a line in a note


def box_labels(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> FileLabels | None:
    """Return the labels of images by the classes of their boxes. Images with boxes of several classes are left out.

    None if fewer than half of the images have a file of boxes, or no class has a name.
    """
    present = {*others}
    files = {name: path for name in names if (path := _file_of(name)) in present}
    if len(files) < _MIN_SHARE * len(names):
        return None
    lines = {name: _lines(read(path)) for name, path in files.items()}
    numbers = {name: {*filter(None, map(_number, of_image))} for name, of_image in lines.items()}
    listed = next(filter(_is_list_of_classes, others), None)
    given = _class_names(read(listed)) if listed else {}
    classes = _classes(given, {*chain.from_iterable(numbers.values())}, labels)
    if not any(numbers.values()) or not any(classes.values()):
        return None
    found = {name: {classes.get(number) for number in of_image} for name, of_image in numbers.items()}
    emotions = {name: next(iter(classes)) for name, classes in found.items() if len(classes) == 1}
    unknown = Counter(given.get(min(numbers[name]), min(numbers[name])) for name in emotions if emotions[name] is None)
    meaning = ", ".join(f"{number} {emotion}" for number, emotion in classes.items() if emotion)
    notes = [
        f"labels are read from labels/*.txt, as of YOLO: {meaning}; boxes are not cut out, detectors find faces",
        *_left_out([name for name in found if len(found[name]) > 1], "boxes of several classes"),
        *_left_out([name for name in found if not found[name]], "no box"),
        *([unknown_note(unknown, "class")] if unknown else []),
        *_line_notes({files[name]: of_image for name, of_image in lines.items()}),
    ]
    noted = {name for name in found if not emotions.get(name)}
    return FileLabels(emotions, notes, {*files.values(), *filter(_is_list_of_classes, others)}, noted=noted)


def _left_out(names: Sequence[str], what: str) -> list[str]:
    images = "image" if len(names) == 1 else "images"
    return [f"{len(names):,} {images} with {what} left out; {names[0]} is the first"] if names else []


def _line_notes(lines: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a note on lines that are no boxes. lines: by file."""
    other = [(path, line) for path, of_file in lines.items() for line in of_file if not _number(line)]
    if not other:
        return []
    (path, line), count = other[0], f"{len(other):,} {'line is' if len(other) == 1 else 'lines are'}"
    return [f"{count} no box, CLASS x y width height; the first is {line[:_MAX_SHOWN]!r} in {path}"]


def _classes(given: Mapping[str, str], used: Iterable[str], labels: LabelNames) -> dict[str, str | None]:
    """Return the class of each number. given: the names of numbers. used: the numbers of boxes."""
    numbers = dict.fromkeys([*given, *sorted(used, key=int)])
    return {number: labels.code(number) or labels.emotion(given.get(number, "")) for number in numbers}


def _is_list_of_classes(name: str) -> bool:
    return name.rpartition("/")[2].lower() in _NAMES


def _file_of(image: str) -> str:
    folder, _, file = image.rpartition("/")
    above, _, last = folder.rpartition("images")
    return f"{above}labels{last}/{file.rpartition('.')[0]}.txt"


def _lines(data: bytes | None) -> list[str]:
    lines = (data or b"")[:_MAX_BYTES].decode("utf-8", "replace").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _number(line: str) -> str | None:
    match = _LINE.fullmatch(line)
    return str(int(match[1])) if match else None


def _class_names(data: bytes | None) -> dict[str, str]:
    try:
        content: Any = yaml.safe_load((data or b"")[:_MAX_BYTES])
    except yaml.YAMLError:
        return {}
    names = content.get("names") if isinstance(content, dict) else None
    pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else ()
    return {str(number): str(name) for number, name in pairs}
