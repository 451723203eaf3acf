"""Labels of images in the form of YOLO, as Roboflow and Kaggle have them: `labels/NAME.txt` beside `images/NAME.jpg`.

Each line of such a file is a box, `CLASS x y width height`; `data.yaml` has the names of the classes.
"""

import re
from collections.abc import Sequence
from typing import Any, Self

import yaml

from mien.data.labels import SKIP, LabelNames
from mien.data.readers.label_list import ReadFile

_LINE = re.compile(r"(\d+)(?: +[\d.eE+-]+){4,}")
_NAMES = ("data.yaml", "data.yml", "dataset.yaml")
_MAX_BYTES = 2**20
_MIN_SHARE = 0.5  # of all images that have a file of boxes


class BoxLabels:
    """The labels of images by the classes of their boxes. Images with boxes of several classes are left out.

    Attributes:
        notes: what the user should know.
    """

    def __init__(self, files: dict[str, str], classes: dict[str, str | None], read: ReadFile) -> None:
        """Read the files of boxes. files: by image. classes: by number."""
        self._files = {*files.values()}
        self._emotions: dict[str, str | None] = {}
        several = 0
        for image, path in files.items():
            found = {classes.get(number) for number in _numbers(read(path))}
            several += len(found) > 1
            emotion = next(iter(found)) if len(found) == 1 else None
            self._emotions[image] = None if emotion == SKIP else emotion
        images = "image" if several == 1 else "images"
        meaning = ", ".join(f"{number} {emotion}" for number, emotion in classes.items() if emotion)
        self.notes = [
            f"labels are read from labels/*.txt, as of YOLO: {meaning}; boxes are not cut out, detectors find faces",
            *([f"{several:,} {images} with boxes of several classes left out"] if several else []),
        ]

    @classmethod
    def of(cls, names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> Self | None:
        """Return the labels of images; None if fewer than half have a file of boxes, or no class has a name."""
        present = {*others}
        files = {name: path for name in names if (path := _file_of(name)) in present}
        if (
            not files
            or len(files) < _MIN_SHARE * len(names)
            or not any(_numbers(read(path)) for path in files.values())
        ):
            return None
        listed = next((name for name in others if name.rpartition("/")[2].lower() in _NAMES), None)
        given = _class_names(read(listed)) if listed else {}
        numbers = dict.fromkeys([*given, *labels.emotions])
        classes = {number: labels.code(number) or labels.emotion(given.get(number, "")) for number in numbers}
        return cls(files, classes, read) if any(classes.values()) else None

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """Return the class of an image, None without one; and None, as the folders name the splits."""
        return self._emotions.get(name), None

    def is_read(self, name: str) -> bool:
        """Tell whether a file holds boxes, or the names of classes."""
        return name in self._files or name.rpartition("/")[2].lower() in _NAMES


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
