"""The layout of a data set of image files, `[split/]EMOTION/IMAGE`, with usual variants of folder names."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from mien._io.errors import InputError, within
from mien._io.urls import Location
from mien.data.label_notes import unknown_note
from mien.data.labels import CODES, NO_FOLDER, SKIP, LabelNames
from mien.data.readers.label_files import FileLabels, ReadFile, data_set_labels, general_labels, unread_tables
from mien.data.readers.layout_notes import (
    but_files,
    file_notes,
    nested_notes,
    skipped_notes,
    unlabelled_notes,
    unread_tables_hint,
    way_to_name,
)
from mien.data.readers.names import RAF_DB
from mien.data.readers.people import People
from mien.data.readers.source import Entry
from mien.data.readers.split_folders import SplitFolders
from mien.emotions import FER2013

_MIN_CLASSES = 2  # that have to be known where other folders are left out

_NUMBERED = re.compile(r"(?:class[\W_]*)?0*(\d)", re.IGNORECASE)  # a folder of AffectNet
_AFFECT_NET = "affectnet"

_T = TypeVar("_T")


class _Labels(NamedTuple):
    """The labels from the folders above an image.

    Attributes:
        emotion: None if they name none; "skip" to leave the image out.
        split: None if they name none.
        depth: of the folder that names the emotion.
        is_nested: whether another folder names another emotion.
    """

    emotion: str | None
    split: str | None
    depth: int
    is_nested: bool = False


class Layout:
    """The images among the files of a folder or zip, labelled by their folders or by a list.

    Attributes:
        entries: of the images that have a label, in the order of the names given.
        notes: what the user should know.
    """

    def __init__(
        self,
        path: Location,
        names: Sequence[str],
        folders: Iterable[str] = (),
        others: Sequence[str] = (),
        labels: LabelNames | None = None,
        read: ReadFile = lambda _: None,
    ) -> None:
        """Read the names of images and folders, relative to the source and with slashes.

        Args:
            path: of the source, for messages.
            names: of the images.
            folders: all folders.
            others: the files that are not read as images.
            labels: what the names of folders mean.
            read: returns the content of one of `others`.

        Raises:
            InputError: there is no image with an emotion; a folder is named by what looks like a misspelt emotion, or
                by none if all have to be known; or some images are in split folders and some are not.
        """
        self._path = path
        self._names = names
        self._labels = labels or LabelNames()
        self._folders: dict[str, _Labels] = {}
        self._unread_tables: list[str] = []
        self._list = self._file_labels(others, read)
        self._people = People(names)
        self._splits = SplitFolders(names, self._labels)
        self.notes: list[str] = []
        if self._list:
            self.notes += self._list.notes
        elif self._is_raf_db():
            self._labels = self._labels.with_codes(CODES["RAF-DB"])
            self.notes.append(f"folders 1 to 7 are read as those of RAF-DB: {_codes('RAF-DB')}")
        elif self._is_affect_net():
            self._labels = self._labels.with_codes(CODES["AffectNet"])
            self.notes.append(f"folders 0 to 7 are read as those of AffectNet, as a name says: {_codes('AffectNet')}")
        self.notes += [*self._unread_tables, *self._people.notes, *self._splits.notes]
        entries = [self._entry(name) for name in names]
        self._kept = [bool(entry.emotion) and entry.emotion != SKIP for entry in entries]
        self.entries = self.select(entries)
        if self._unread_tables and len({entry.emotion for entry in self.entries}) < _MIN_CLASSES:
            raise InputError(f"{path}: {'; '.join(self._unread_tables)}")
        self._check_unknown(entries, others)
        if not self.entries and self._list:
            raise InputError(f"{path}: found no image with a label: {'; '.join(self._list.notes)}")
        if not self.entries:
            names = ", ".join(self._labels.classes or FER2013)
            raise InputError(
                f"{path}: found no image in an emotion folder{but_files(others)}, expected "
                f"[train|validation|test/]EMOTION/IMAGE with EMOTION one of {names}"
            )
        self._check_splits()
        left_out = [name for name in others if not (self._list and name in self._list.files)]
        self.notes += [
            *self._merged_notes(), *self._skipped_notes(entries), *file_notes(left_out), *self._empty_notes(folders),
            *self._splits.unread_notes([entry.origin for entry in self.entries if not entry.split]),
        ]  # fmt: skip

    def select(self, items: Iterable[_T]) -> list[_T]:
        """Return the items of the images that have a label. items: one for each of the names given."""
        return [item for item, is_kept in zip(items, self._kept, strict=True) if is_kept]

    def _file_labels(self, others: Sequence[str], read: ReadFile) -> FileLabels | None:
        """Return labels from files, or from image names if no folder names an emotion; None if there are none."""
        with within(self._path):
            if labels := data_set_labels(self._names, others, self._labels, read):
                return labels
        folders = {name.rpartition("/")[0] for name in self._names}
        meanings = (self._labels.emotion, self._labels.code)
        if any(meaning(part) for meaning in meanings for folder in folders for part in folder.split("/")):
            return None
        if self._is_raf_db() or self._is_affect_net():
            return None
        with within(self._path):
            labels = general_labels(self._names, others, self._labels, read)
        if not (labels and labels.files):
            self._unread_tables = unread_tables(self._names, others, self._labels, read)
        return labels

    def _is_raf_db(self) -> bool:
        folders = {name.rpartition("/")[0].rpartition("/")[2] for name in self._names}
        is_numbered = folders == {*map(str, range(1, 8))}
        return is_numbered and all(RAF_DB.fullmatch(name.rpartition("/")[2]) for name in self._names)

    def _is_affect_net(self) -> bool:
        """Tell whether folders are numbered as AffectNet's, and its name stands above them: CK+'s go to 7 as well."""
        folders = {name.rpartition("/")[0] for name in self._names}
        numbers = {match[1] if (match := _NUMBERED.fullmatch(f.rpartition("/")[2])) else "" for f in folders}
        above = " ".join([str(self._path).rpartition("/")[2], *folders]).lower()
        return numbers == {*map(str, range(8))} and _AFFECT_NET in re.sub(r"[\W_]", "", above)

    def _entry(self, name: str) -> Entry:
        folder = name.rpartition("/")[0]
        found = self._folders.get(folder)
        if found is None:
            found = self._folders[folder] = self._read_folders(folder)
        if self._list and found.emotion is None:
            emotion, split = self._list.labels(name)
            return Entry(name, emotion or "", found.split or split, self._people.person(name))
        return Entry(name, found.emotion or "", found.split, self._people.person(name))

    def _read_folders(self, folder: str) -> _Labels:
        """Return the emotion of the nearest folder that names one (by a word, or else by a number), and the split."""
        folders = folder.split("/") if folder else []
        split = self._splits.above(f"{folder}/")
        for meaning in (self._labels.own_class, self._labels.emotion, self._labels.code):
            for depth in reversed(range(len(folders))):
                if emotion := meaning(folders[depth]):
                    words = self._labels.code if meaning == self._labels.code else self._labels.emotion
                    return _Labels(emotion, split, depth, {*filter(None, map(words, folders))} != {emotion})
        return _Labels(None, split, -1)

    def _check_unknown(self, entries: Sequence[Entry], others: Sequence[str]) -> None:
        """Refuse folders that name no emotion if one looks misspelt, all must be known, or hardly any is known."""
        unknown = self._unknown(entries)
        if not unknown or self._list:
            return
        for label in sorted(unknown, key=lambda label: (label == NO_FOLDER, label)):
            with within(f"{self._path}: {unknown[label][0]}"):
                self._labels.check(label)
        if len({entry.emotion for entry in self.entries}) < _MIN_CLASSES:
            label, *more = unknown
            first = unknown[label][0]
            raise InputError(
                f"{self._path}: {first}: found {', '.join(sorted([label, *more])[:8])!r} above it, expected "
                f"{self._labels.expected()}; {way_to_name(unknown, self._names)}{unread_tables_hint(others)}"
                + "".join(f"; {text}" for text in self._labels.seen.unused_notes(self._labels.emotions))
            )

    def _unknown(self, entries: Sequence[Entry]) -> dict[str, list[str]]:
        """Return images without an emotion, by the folder that should name it (at the usual depth)."""
        depths = Counter(labels.depth for labels in self._folders.values() if labels.emotion)
        depth = depths.most_common(1)[0][0] if depths else None
        images: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            if not entry.emotion:
                folders = entry.origin.split("/")[:-1]
                unsplit = [at for at in range(len(folders)) if not self._splits.split("/".join(folders[: at + 1]))]
                at = depth if depth in unsplit else next(reversed(unsplit), None)
                images[NO_FOLDER if at is None else folders[at]].append(entry.origin)
        return images

    def _check_splits(self) -> None:
        if len({entry.split is None for entry in self.entries}) > 1:
            unsplit = next(entry.origin for entry in self.entries if entry.split is None)
            raise InputError(
                f"{self._path}: {unsplit}: is in no split folder, but other images are in train, validation or test"
            )

    def _merged_notes(self) -> list[str]:
        names: dict[str, set[str]] = defaultdict(set)
        for folder, (emotion, _, depth, _) in self._folders.items():
            if emotion and emotion != SKIP:
                names[emotion].add(folder.split("/")[depth])
        return [
            f"the folders {', '.join(sorted(names[emotion]))} are one class, {emotion}"
            for emotion in self._labels.in_order(names)
            if len({name.lower() for name in names[emotion]}) > 1
        ]

    def _skipped_notes(self, entries: Sequence[Entry]) -> list[str]:
        skipped = skipped_notes([entry.origin for entry in entries if entry.emotion == SKIP])
        if self._list:
            rest = [entry.origin for entry in entries if not entry.emotion and entry.origin not in self._list.noted]
            return [*unlabelled_notes(rest), *skipped]
        counts = Counter({label: len(images) for label, images in self._unknown(entries).items()})
        return [*([unknown_note(counts, "folder")] if counts else []), *skipped, *self._nested_notes()]

    def _nested_notes(self) -> list[str]:
        found = ((entry.origin.rpartition("/")[0], entry.emotion) for entry in self.entries)
        return nested_notes(
            Counter(f"{folder} as {emotion}" for folder, emotion in found if self._folders[folder].is_nested)
        )

    def _empty_notes(self, folders: Iterable[str]) -> list[str]:
        known = {labels.emotion for labels in self._folders.values()}
        empty = {emotion for folder in folders if (emotion := self._labels.emotion(folder.rpartition("/")[2]))}
        return [
            f"{emotion} is not a class: its folder contains no image"
            for emotion in self._labels.in_order(empty)
            if emotion not in known
        ]


def _codes(source: str) -> str:
    return ", ".join(f"{code} {emotion}" for code, emotion in enumerate(CODES[source]) if emotion)
