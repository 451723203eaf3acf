"""ExpW's list of faces, `label.lst`: a line such as `angry_actor_104.jpg 0 28 113 226 141 22.9362 0` for each face."""

import re
from collections import defaultdict
from collections.abc import Sequence

from mien._io.errors import InputError, within
from mien.data.labels import LabelNames
from mien.data.readers.label_files.file_labels import FileLabels, ReadFile, meaning, stem
from mien.emotions import FER2013

_LINE = re.compile(r"(?P<image>\S.*?\.\w+) +\d+(?: +-?[\d.]+){5} +(?P<label>\d)")  # image, face, box, confidence


def expw_list(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> FileLabels | None:
    """Return the labels of images by ExpW's list; images whose faces have several labels are left out.

    Raises:
        InputError: a line has another form.
    """
    name = next((name for name in others if name.rpartition("/")[2].lower() == "label.lst"), None)
    if name is None:
        return None
    labels = labels.with_codes(FER2013)
    with within(name):
        faces = _faces((read(name) or b"").decode("utf-8-sig", "replace"), labels)
    several = {image for image, emotions in faces.items() if len(emotions) > 1}
    emotions = {image: next(iter(found)) for image, found in faces.items() if len(found) == 1}
    images = "image" if len(several) == 1 else "images"
    notes = [
        f"labels are read from {name}, a list as of ExpW: {meaning(labels)}; its boxes are not read, "
        "detectors find faces",
        *([f"{len(several):,} {images} with faces of several labels left out"] if several else []),
    ]
    found = {name: emotions.get(stem(name)) for name in names}
    return FileLabels(found, notes, [name], noted={name for name in names if stem(name) in several})


def _faces(text: str, labels: LabelNames) -> dict[str, set[str | None]]:
    """Return the emotions of the faces in each image, by its name without suffix."""
    faces: dict[str, set[str | None]] = defaultdict(set)
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            if not (match := _LINE.fullmatch(line.strip())):
                raise InputError(f"line {number}: found {line.strip()[:100]!r}, expected a line of ExpW's list")
            faces[stem(match["image"])].add(labels.code(match["label"]))
    return faces
