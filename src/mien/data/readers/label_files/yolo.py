"""Labels of images in the form of YOLO, as Roboflow and Kaggle have them: `labels/NAME.txt` beside `images/NAME.jpg`.

Each line of such a file is a box, `CLASS x y width height`; `data.yaml` has the names of the classes.
"""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from mien.data.labels import LabelNames
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile

_LINE = re.compile(r"(\d+)(?: +[\d.eE+-]+){4,}")
_NAMES = ("data.yaml", "data.yml", "dataset.yaml")
_MAX_BYTES = 2**20
_MIN_SHARE = 0.5  # of all images that have a file of boxes


def box_labels(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> FileLabels | None:
    """Return the labels of images by the classes of their boxes. Images with boxes of several classes are left out.

    None if fewer than half of the images have a file of boxes, or no class has a name.
    """
    present = {*others}
    files = {name: path for name in names if (path := _file_of(name)) in present}
    if len(files) < _MIN_SHARE * len(names):
        return None
    numbers = {name: {*_numbers(read(path))} for name, path in files.items()}
    classes = _classes(others, labels, read)
    if not any(numbers.values()) or not any(classes.values()):
        return None
    found = {name: {classes.get(number) for number in of_image} for name, of_image in numbers.items()}
    several = sum(len(emotions) > 1 for emotions in found.values())
    images = "image" if several == 1 else "images"
    meaning = ", ".join(f"{number} {emotion}" for number, emotion in classes.items() if emotion)
    notes = [
        f"labels are read from labels/*.txt, as of YOLO: {meaning}; boxes are not cut out, detectors find faces",
        *([f"{several:,} {images} with boxes of several classes left out"] if several else []),
    ]
    emotions = {name: next(iter(classes)) for name, classes in found.items() if len(classes) == 1}
    return FileLabels(emotions, notes, {*files.values(), *filter(_is_list_of_classes, others)})


def _classes(others: Sequence[str], labels: LabelNames, read: ReadFile) -> dict[str, str | None]:
    """Return the class of each number."""
    listed = next(filter(_is_list_of_classes, others), None)
    given = _class_names(read(listed)) if listed else {}
    numbers = dict.fromkeys([*given, *labels.emotions])
    return {number: labels.code(number) or labels.emotion(given.get(number, "")) for number in numbers}


def _is_list_of_classes(name: str) -> bool:
    return name.rpartition("/")[2].lower() in _NAMES


def _file_of(image: str) -> str:
    folder, _, file = image.rpartition("/")
    above, _, last = folder.rpartition("images")
    return f"{above}labels{last}/{file.rpartition('.')[0]}.txt"


def _numbers(data: bytes | None) -> list[str]:
    lines = (data or b"")[:_MAX_BYTES].decode("utf-8", "replace").splitlines()
    return [str(int(match[1])) for line in lines if (match := _LINE.fullmatch(line.strip()))]


def _class_names(data: bytes | None) -> dict[str, str]:
    try:
        content: Any = yaml.safe_load((data or b"")[:_MAX_BYTES])
    except yaml.YAMLError:
        return {}
    names = content.get("names") if isinstance(content, dict) else None
    pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else ()
    return {str(number): str(name) for number, name in pairs}
