"""The list of labels that RAF-DB's authors give beside one folder of images: `list_patition_label.txt`."""

import re

from mien._io.errors import InputError
from mien.data.labels import CODES, SKIP, LabelNames

_NAME = re.compile(r"list_par?tition_label\.txt")  # the authors misspell it
_SPLIT = re.compile(r"(train|test)_")


class LabelList:
    """The labels of images by their file names; numbers are those of RAF-DB where label names say nothing else.

    Attributes:
        note: what the user should know.
    """

    def __init__(self, name: str, data: bytes, labels: LabelNames) -> None:
        """Read a list of lines such as `train_00001.jpg 5`.

        Raises:
            InputError: a line has another form, or a label that names no emotion looks misspelt.
        """
        labels = labels.with_codes(CODES["RAF-DB"])
        self._emotions: dict[str, str | None] = {}
        for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), 1):
            if not line.strip():
                continue
            image, _, label = line.strip().rpartition(" ")
            if not image:
                raise InputError(
                    f"line {number}: found {line.strip()!r}, expected IMAGE LABEL, as in train_00001.jpg 5"
                )
            emotion = labels.emotion(label) or labels.code(label)
            if emotion is None:
                labels.check(label)
            self._emotions[_stem(image)] = None if emotion == SKIP else emotion
        meaning = ", ".join(f"{code} {emotion}" for code, emotion in sorted(labels.emotions.items()))
        self.note = f"labels are read from {name}, a list as of RAF-DB: {meaning}"

    def labels(self, file: str) -> tuple[str | None, str | None]:
        """Return the emotion and the split of an image by its file name; None where the list has none."""
        split = _SPLIT.match(file)
        return self._emotions.get(_stem(file)), split[1] if split else None


def is_label_list(name: str) -> bool:
    """Tell by its name whether a file is such a list."""
    return bool(_NAME.fullmatch(name.rpartition("/")[2].lower()))


def _stem(file: str) -> str:
    return file.strip().rpartition("/")[2].rpartition(".")[0].removesuffix("_aligned")
