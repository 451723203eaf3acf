"""Labels in words of the names of image files, such as happy_01.png."""

import re
from collections.abc import Sequence
from itertools import pairwise

from mien.data.labels import SKIP, LabelNames
from mien.data.readers.label_files.file_labels import FileLabels

_MIN_SHARE = 0.5  # of all images that have such words
_MIN_CLASSES = 2
_NEGATIONS = {"not", "no", "non", "un", "dis", "anti"}


def words_in_names(names: Sequence[str], labels: LabelNames) -> FileLabels | None:
    """Return the labels of images by words in their names, such as happy_01.png.

    None if fewer than half of the names have words for one class alone, or all of them for the same.
    """
    found = {name: _classes_in(name, labels) for name in names}
    emotions = {name: next(iter(classes)) for name, classes in found.items() if len(classes) == 1}
    if len(emotions) < _MIN_SHARE * len(names) or len(set(emotions.values())) < _MIN_CLASSES:
        return None
    example, emotion = next(iter(emotions.items()))
    meant = "left out" if emotion == SKIP else emotion
    return FileLabels(
        emotions, [f"labels are read from words in file names, such as {example.rpartition('/')[2]}: {meant}"]
    )


def _classes_in(name: str, labels: LabelNames) -> set[str]:
    """Return the classes that words in a name are; none if one stands behind a negation."""
    stem = name.rpartition("/")[2].rpartition(".")[0]
    words = re.findall(r"[^\W\d_]+|\d+", stem)
    if any(before.lower() in _NEGATIONS and labels.emotion(word) for before, word in pairwise(words)):
        return set()
    return {emotion for word in words if (emotion := labels.emotion(word))}
