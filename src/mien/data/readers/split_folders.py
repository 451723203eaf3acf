"""The splits that folders name: `train`, or one word of names such as affect_train and affect_test."""

import re
from collections import defaultdict
from collections.abc import Iterable

from mien.data.labels import LabelNames
from mien.data.readers.names import split_name

_CAPITALS = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # between the words of MyTrain
_WORD = re.compile(r"[^\W\d_]+")
_LIKE_SPLIT = re.compile(r"(train|test|valid)", re.IGNORECASE)  # at the start of a word: Testdaten, trainfaces
_MIN_SPLITS = 2  # of folders beside each other, so that one may be named by a word alone
_SHOWN = 6  # folders in a note


class SplitFolders:
    """The splits of images by the folders above them.

    A folder named train, test set and the like names a split anywhere. Other names do by their first or last word, if
    all folders beside them name splits, too, and not the same one.

    Attributes:
        notes: what the user should know.
    """

    def __init__(self, names: Iterable[str], labels: LabelNames | None = None) -> None:
        """Read the names of images in a source. labels: what names a class and hence no split."""
        labels = labels or LabelNames()
        holding = {name.rpartition("/")[0] for name in names}
        beside: dict[str, set[str]] = defaultdict(set)
        for folder in holding:
            parts = folder.split("/") if folder else []
            for depth in range(len(parts)):
                beside["/".join(parts[:depth])].add("/".join(parts[: depth + 1]))
        self._by_word: dict[str, str] = {}
        self._unread: list[str] = []
        for folders in beside.values():
            named = {split for folder in folders if (split := split_name(_last(folder)))}
            by_word = {
                folder: split
                for folder in folders
                if not split_name(_last(folder))
                and not _names_class(_last(folder), folder in holding, labels)
                and (split := _split_word(_last(folder)))
            }
            is_each_one = all(split_name(_last(folder)) or folder in by_word for folder in folders)
            if is_each_one and len(named.union(by_word.values())) >= _MIN_SPLITS:
                self._by_word |= by_word
            elif not named:
                self._unread += _in_doubt(folders, by_word, labels)
        self.notes = _notes({_last(folder): split for folder, split in self._by_word.items()})

    def unread_notes(self, unsplit: Iterable[str]) -> list[str]:
        """Return a note on folders whose names may mean a split, but are not read as one.

        unsplit: the names of images without a split.
        """
        holding = {f"{name.rpartition('/')[0]}/" for name in unsplit}
        above = [folder for folder in self._unread if any(name.startswith(f"{folder}/") for name in holding)]
        names = sorted({_last(folder) for folder in above})
        if not names:
            return []
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        return [
            f"folders are not read as splits, though a word of their names may mean one: {', '.join(names[:_SHOWN])}"
            f"{more}; to keep their images apart, name them, and each folder beside them, train, validation or test"
        ]

    def split(self, folder: str) -> str | None:
        """Return the split that a folder names itself; None if it names none. folder: its path in the source."""
        return split_name(_last(folder)) or self._by_word.get(folder)

    def above(self, name: str) -> str | None:
        """Return the split that the nearest folder above an image names; None if none does."""
        parts = name.split("/")
        folders = ("/".join(parts[:depth]) for depth in range(len(parts) - 1, 0, -1))
        return next((split for folder in folders if (split := self.split(folder))), None)


def _last(folder: str) -> str:
    return folder.rpartition("/")[2]


def _words(name: str) -> list[str]:
    return _WORD.findall(_CAPITALS.sub(" ", name))


def _split_word(name: str) -> str | None:
    """Return the split that a name starts or ends with; None if it has none, or another at each end."""
    words = _words(name)
    start, end = (
        split_name("".join(two)) or split_name("".join(one))  # public test is not test
        for two, one in ((words[:2], words[:1]), (words[-2:], words[-1:]))
    )
    return None if start and end and start != end else start or end


def _in_doubt(folders: Iterable[str], by_word: dict[str, str], labels: LabelNames) -> list[str]:
    """Return those of folders beside each other whose names may mean splits: two, or one for half of the folders.

    One person of many, or all of a class, may be called Val, and one folder around all images anything.
    """
    folders = list(folders)
    alike = {
        folder: match[1]
        for folder in folders
        if not _names_class(_last(folder), True, labels)
        and (match := next(filter(None, map(_LIKE_SPLIT.match, _words(_last(folder)))), None))
    }
    if len({*map(str.lower, alike.values())}) >= _MIN_SPLITS:
        return [*{**alike, **by_word}]
    above = folders[0].split("/")[:-1]
    is_set = len(folders) > 1 and not any(_names_class(part, False, labels) for part in above)
    is_half = is_set and 2 * len(by_word) >= len(folders)
    return [*by_word] if is_half or len({*by_word.values()}) >= _MIN_SPLITS else []


def _names_class(name: str, holds_images: bool, labels: LabelNames) -> bool:
    """Tell whether a folder is one of a class. `happy_train` that holds images is meant as one."""
    words = _words(name) if holds_images else []
    return any(labels.own_class(part) or labels.emotion(part) for part in (name, *words))


def _notes(splits: dict[str, str]) -> list[str]:
    if not splits:
        return []
    shown = [f"{name} as {split}" for name, split in sorted(splits.items())]
    more = f" and {len(shown) - _SHOWN:,} more" if len(shown) > _SHOWN else ""
    return [f"folders are read as splits by a word of their names: {', '.join(shown[:_SHOWN])}{more}"]
