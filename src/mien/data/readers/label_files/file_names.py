"""Labels in the names of image files, as the authors of JAFFE and KDEF give them."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mien.data.label_notes import counted
from mien.data.labels import LabelNames
from mien.data.readers.label_files.file_labels import FileLabels

_MIN_SHARE = 0.5  # of all images that have names of a form
_JAFFE = {
    "AN": "angry", "DI": "disgust", "FE": "fear", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
_KDEF = {
    "AF": "fear", "AN": "angry", "DI": "disgust", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
_VIEWS = {
    "S": "straight", "HL": "half left profile", "HR": "half right profile", "FL": "full left profile",
    "FR": "full right profile",
}  # fmt: skip


class Form(NamedTuple):
    """How a data set names its files; the pattern has the groups person, label and, if there are several, view."""

    source: str
    pattern: re.Pattern[str]
    emotions: dict[str, str]


FORMS = (
    Form("JAFFE", re.compile(r"(?P<person>[A-Z]{2})[._-](?P<label>[A-Z]{2})\d[._-]\d+\.\w+", re.IGNORECASE), _JAFFE),
    Form(
        "KDEF",
        re.compile(r"[AB](?P<person>[FM]\d\d)(?P<label>[A-Z]{2})(?P<view>S|HL|HR|FL|FR)\.\w+", re.IGNORECASE),
        _KDEF,
    ),
)
CK_PLUS = Form("CK+", re.compile(r"(?P<person>S\d{3})_\d{3}_\d{8}\.\w+", re.IGNORECASE), {})  # names hold no label


def form_of_names(names: Sequence[str], labels: LabelNames) -> FileLabels | None:
    """Return the labels of images by a data set's form of names; None if fewer than half of the names have one."""
    form, matches = matching_form(names, FORMS)
    if not form:
        return None
    meant = {code: labels.emotion(code) or labels.decoded(emotion) for code, emotion in form.emotions.items()}
    notes = [
        f"labels are read from file names, as of {form.source}: "
        + ", ".join(f"{code} {emotion}" for code, emotion in meant.items())
    ]
    if "view" in form.pattern.groupindex:
        views = Counter(_VIEWS[match["view"].upper()] for match in matches.values())
        notes.append(f"all views are read: {counted(views)}")
    return FileLabels({name: meant[match["label"].upper()] for name, match in matches.items()}, notes)


def matching_form(names: Sequence[str], forms: Sequence[Form]) -> tuple[Form | None, dict[str, re.Match[str]]]:
    """Return the form of at least half of the names, and the matches by name."""
    for form in forms:
        found = {name: match for name in names if (match := form.pattern.fullmatch(name.rpartition("/")[2]))}
        has_label = "label" in form.pattern.groupindex
        matches = {name: m for name, m in found.items() if not has_label or m["label"].upper() in form.emotions}
        if matches and len(matches) >= _MIN_SHARE * len(names):
            return form, matches
    return None, {}
