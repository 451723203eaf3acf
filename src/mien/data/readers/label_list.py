"""Labels in files beside images whose folders name no label.

RAF-DB has a list, `list_patition_label.txt`, and ExpW one of faces, `label.lst`; FERPlus a table of votes in each of
its folders, `label.csv`, or one for all, `fer2013new.csv`; AffectNet a file for each image, `annotations/NAME_exp.npy`;
CK+ one for the last image of a sequence, `S005_001_00000011_emotion.txt`.
"""

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np

from mien._io.errors import InputError, within
from mien.data import ferplus
from mien.data.labels import CODES, SKIP, LabelNames, counted
from mien.emotions import FER2013

_RAF_DB = re.compile(r"list_par?tition_label\.txt")  # the authors misspell it
_RAF_DB_SPLIT = re.compile(r"(train|test)_")
_FERPLUS_FOLDER = re.compile(r"fer2013(?:train|valid|test)")
_FERPLUS_CELLS = 12  # image, box, ten votes
_FERPLUS_TABLE = re.compile(r"fer2013new.*\.csv")
_AFFECT_NET = re.compile(r"(?P<above>.*?)(?:annotations/)?(?P<image>[^/]+)_exp\.npy")
_CK_PLUS = re.compile(r"(?:.*/)?(?P<image>S\d{3}_\d{3}_\d{8})_emotion\.txt")
_CK_PLUS_CODES = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
_EXPW = re.compile(r"(?P<image>\S.*?\.\w+) +\d+(?: +-?[\d.]+){5} +(?P<label>\d)")  # image, face, box, confidence
_MAX_LABEL = 1000  # bytes of a file with one number

#: Returns the content of a file of the source, None if it cannot be read.
ReadFile = Callable[[str], bytes | None]


class FileLabels(Protocol):
    """Labels of images that are not in folders of emotions.

    Attributes:
        notes: what the user should know.
    """

    notes: list[str]

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """Return the class and the split of an image by its name in the source; None if there is none."""

    def is_read(self, name: str) -> bool:
        """Tell whether a file holds some of the labels."""


def find_labels(names: Sequence[str], others: Sequence[str], labels: LabelNames, read: ReadFile) -> FileLabels | None:
    """Return the labels that a data set has in files beside its images; None if it has none.

    Args:
        names: of the images.
        others: of all other files.
        labels: what labels mean.
        read: reads one of the others.

    Raises:
        InputError: such a file is damaged.
    """
    if (name := next(filter(_is_raf_db, others), None)) and (data := read(name)) is not None:
        with within(name):
            return _RafDbList(name, data, labels)
    if tables := [name for name in others if _is_ferplus(name)]:
        votes = _FerPlusVotes(tables, labels, read)
        return votes if votes.notes else None
    if any(map(_in_ferplus, names)) and (tables := [name for name in others if _is_ferplus_table(name)]):
        return _FerPlusVotes(tables, labels, read)
    if lists := [name for name in others if name.rpartition("/")[2].lower() == "label.lst"]:
        with within(lists[0]):
            return _expw_list(lists[0], read(lists[0]) or b"", labels)
    if matches := [match for name in others if (match := _CK_PLUS.fullmatch(name))]:
        return _ck_plus_files({match["image"]: match[0] for match in matches}, labels, read)
    if matches := [match for name in others if (match := _AFFECT_NET.fullmatch(name))]:
        files = {match["above"] + match["image"]: match[0] for match in matches}
        return _AffectNetFiles(names, files, labels, read)
    return None


class _RafDbList:
    """Labels by file name. Numbers are those of RAF-DB unless label names say otherwise."""

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
        self.notes = [f"labels are read from {name}, a list as of RAF-DB: {_meaning(labels)}"]

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """See `FileLabels`."""
        split = _RAF_DB_SPLIT.match(name.rpartition("/")[2])
        return self._emotions.get(_stem(name)), split[1] if split else None

    def is_read(self, name: str) -> bool:
        """See `FileLabels`."""
        return _is_raf_db(name)


class _FerPlusVotes:
    """The labels that more than half of the taggers of FERPlus agree on, by the paper's rules."""

    def __init__(self, tables: Sequence[str], labels: LabelNames, read: ReadFile) -> None:
        """Read tables of lines such as `fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0`; empty ones say nothing.

        Raises:
            InputError: a line has another form.
        """
        images: list[str] = []
        votes: list[list[int]] = []
        for name in tables:
            folder = name.rpartition("/")[0]
            text = (read(name) or b"").decode("utf-8-sig", "replace")
            if _is_ferplus_table(name):
                with within(name):
                    of_table, votes_of_table = _table_of_votes(_rows(name, text))
                images += of_table
                votes += votes_of_table
                continue
            for number, cells in enumerate(_rows(name, text), 1):
                if cells:
                    images.append(f"{folder}/{_stem(cells[0])}")
                    with within(f"{name}: line {number}"):
                        votes.append(_votes(cells))
        self.notes: list[str] = []
        self._emotions: dict[str, str] = {}
        if not images:
            return
        emotions, reasons = ferplus.majority(ferplus.in_order_of_choices(np.array(votes)))
        self._emotions = {
            image: labels.renamed(emotion) for image, emotion in zip(images, emotions, strict=True) if emotion
        }
        left_out = Counter(reasons[reasons != ""].tolist())
        self.notes = [
            f"labels are those that more than half of FERPlus' taggers agree on, by the votes in {', '.join(tables)}",
            *([f"taggers of FERPlus agree on no emotion: {counted(left_out)}"] if left_out else []),
        ]

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """See `FileLabels`; the folders name the splits."""
        path = name.rpartition(".")[0]
        return self._emotions.get(path) or self._emotions.get(path.rpartition("/")[2]), None

    def is_read(self, name: str) -> bool:
        """See `FileLabels`."""
        return _is_ferplus(name) or _is_ferplus_table(name)


class _ByFileName:
    """Labels by file name, of a data set without splits."""

    def __init__(self, emotions: dict[str, str | None], files: Iterable[str], notes: list[str]) -> None:
        """Keep the emotions of images, by name without suffix, and the names of the files that they were read from."""
        self._emotions, self._files, self.notes = emotions, {*files}, notes

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """See `FileLabels`."""
        emotion = self._emotions.get(_stem(name))
        return None if emotion == SKIP else emotion, None

    def is_read(self, name: str) -> bool:
        """See `FileLabels`."""
        return name in self._files


def _expw_list(name: str, data: bytes, labels: LabelNames) -> _ByFileName:
    """Read ExpW's list, one line per face; images whose faces have several labels are left out.

    A line is such as `angry_actor_104.jpg 0 28 113 226 141 22.9362 0`.

    Raises:
        InputError: a line has another form.
    """
    labels = labels.with_codes(FER2013)
    faces: dict[str, set[str | None]] = {}
    for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), 1):
        if line.strip():
            if not (match := _EXPW.fullmatch(line.strip())):
                raise InputError(f"line {number}: found {line.strip()[:100]!r}, expected a line of ExpW's list")
            faces.setdefault(_stem(match["image"]), set()).add(labels.code(match["label"]))
    several = sum(len(emotions) > 1 for emotions in faces.values())
    notes = [
        f"labels are read from {name}, a list as of ExpW: {_meaning(labels)}; its boxes are not read, "
        "detectors find faces",
        *[f"{several:,} {'image' if several == 1 else 'images'} with faces of several labels left out"] * bool(several),
    ]
    return _ByFileName(
        {image: emotions.pop() for image, emotions in faces.items() if len(emotions) == 1}, [name], notes
    )


def _ck_plus_files(files: dict[str, str], labels: LabelNames, read: ReadFile) -> _ByFileName:
    """Read CK+'s labels, one file per sequence, by the name of its last image; numbers are CK+'s own."""
    labels = labels.with_codes(_CK_PLUS_CODES)
    codes = {image: _whole(read(path)) for image, path in files.items()}
    emotions = {image: labels.code(code) for image, code in codes.items()}
    others = Counter(code for image, code in codes.items() if emotions[image] is None)
    notes = [
        f"labels are read from *_emotion.txt, of the last image of each sequence, as of CK+: {_meaning(labels)}",
        *([f"labels of CK+ that are not emotions: {counted(others)}"] if others else []),
    ]
    return _ByFileName(emotions, files.values(), notes)


class _AffectNetFiles:
    """AffectNet's labels, one file per image. Numbers are AffectNet's unless label names say otherwise."""

    def __init__(self, names: Sequence[str], files: dict[str, str], labels: LabelNames, read: ReadFile) -> None:
        """Read the files of images.

        Args:
            names: of the images, such as train_set/images/7.jpg.
            files: their labels' files, by train_set/7.
            labels: what labels mean.
            read: reads one of them.
        """
        labels = labels.with_codes(CODES["AffectNet"])
        self._emotions: dict[str, str | None] = {}
        others: Counter[str] = Counter()
        for name in names:
            folder, _, file = name.rpartition("/")
            above = folder.rpartition("images")[0]
            stem = file.rpartition(".")[0]
            if path := files.get(above + stem) or files.get(f"{folder}/{stem}".lstrip("/")):
                code = _number(read(path))
                emotion = labels.code(code)
                self._emotions[name] = None if emotion == SKIP else emotion
                if emotion is None:
                    others[code] += 1
        self.notes = [f"labels are read from *_exp.npy, as of AffectNet: {_meaning(labels)}"]
        if others:
            self.notes.append(f"labels of AffectNet that are not emotions: {counted(others)}")

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """See `FileLabels`; the folders name the splits."""
        return self._emotions.get(name), None

    def is_read(self, name: str) -> bool:
        """See `FileLabels`."""
        return bool(_AFFECT_NET.fullmatch(name))


def _meaning(labels: LabelNames) -> str:
    return ", ".join(f"{code} {emotion}" for code, emotion in sorted(labels.emotions.items()))


def _is_raf_db(name: str) -> bool:
    return bool(_RAF_DB.fullmatch(name.rpartition("/")[2].lower()))


def _is_ferplus(name: str) -> bool:
    folder, _, file = name.lower().rpartition("/")
    return file == "label.csv" and bool(_FERPLUS_FOLDER.fullmatch(folder.rpartition("/")[2]))


def _is_ferplus_table(name: str) -> bool:
    return bool(_FERPLUS_TABLE.fullmatch(name.rpartition("/")[2].lower()))


def _in_ferplus(name: str) -> bool:
    return bool(_FERPLUS_FOLDER.fullmatch(name.lower().rpartition("/")[0].rpartition("/")[2]))


def _table_of_votes(rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[int]]]:
    """Return names of images and their votes by a fer2013new.csv; images without a name were not written by FERPlus."""
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "image name" not in header or len(header) - header.index("image name") != _FERPLUS_CELLS - 1:
        raise InputError(f"found columns {', '.join(header)[:100]!r}, expected Image name and ten of votes")
    first = header.index("image name")
    images, votes = [], []
    for number, cells in enumerate(rows[1:], 1):
        if cells and cells[first].strip():
            with within(f"row {number}"):
                images.append(_stem(cells[first]))
                votes.append(_votes([cells[first], "", *cells[first + 1 :]]))
    return images, votes


def _whole(data: bytes | None) -> str:
    """Return the number in a file as text, which CK+ writes as 3.0000000e+00."""
    try:
        return str(int(float(data or b"")))
    except (ValueError, OverflowError):
        return "unreadable"


def _rows(name: str, text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise InputError(f"{name}: cannot be read ({error}), expected a table of votes") from None


def _votes(cells: Sequence[str]) -> list[int]:
    numbers = [cell.strip() for cell in cells[2:]]
    if len(cells) != _FERPLUS_CELLS or not all(number.isdecimal() and len(number) < 10 for number in numbers):
        raise InputError(f"found {','.join(cells)[:100]!r}, expected the name of an image, its box and ten votes")
    return list(map(int, numbers))


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


def _stem(file: str) -> str:
    return file.strip().rpartition("/")[2].rpartition(".")[0].removesuffix("_aligned")
