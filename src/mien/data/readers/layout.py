"""The layout of a data set of image files: `[split/]EMOTION/IMAGE`, with the names that people give such folders."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from mien._io.errors import InputError
from mien._io.urls import Location
from mien.data.readers.source import Entry
from mien.emotions import FER2013, canonical, in_order, is_emotion

#: FER2013 is trained on Training, models are chosen on PublicTest and measured on PrivateTest, as the challenge did.
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "publictest"), "validation"),
    **dict.fromkeys(("test", "testing", "privatetest"), "test"),
}
_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")


class Layout:
    """The images among the files of a folder or zip, labelled by the folders that they are in.

    Attributes:
        entries: of the images, in the order of the names given.
        notes: what the user should know.
    """

    def __init__(self, path: Location, names: Iterable[str], folders: Iterable[str] = ()) -> None:
        """Read names of images, and those of all folders, relative to the source and with slashes.

        Raises:
            InputError: there is no image, one is in no emotion folder, or some are in split folders and some are not.
        """
        self._path = path
        self._labels: dict[str, tuple[str, str | None]] = {}
        self.entries = [self._entry(name) for name in names]
        if not self.entries:
            raise InputError(
                f"{path}: found no image in an emotion folder, expected [train|validation|test/]EMOTION/IMAGE "
                f"with EMOTION one of {', '.join(FER2013)}"
            )
        self._check_splits()
        self.notes = [*self._merged_notes(), *self._empty_notes(folders)]

    def _entry(self, name: str) -> Entry:
        folder = name.rpartition("/")[0]
        labels = self._labels.get(folder)
        if labels is None:
            labels = self._labels[folder] = self._read_labels(name)
        return Entry(name, *labels)

    def _read_labels(self, name: str) -> tuple[str, str | None]:
        """Return the emotion of an image, named by its folder, and its split, named by a folder above that."""
        *above, folder = PurePosixPath(name).parts[:-1] or ("",)
        if not is_emotion(folder):
            raise InputError(
                f"{self._path}: {name}: found {folder or 'no folder'!r} above it, expected an emotion "
                f"({', '.join(FER2013)})"
            )
        splits = [SPLIT_NAMES[part.lower()] for part in above if part.lower() in SPLIT_NAMES]
        return canonical(folder), splits[-1] if splits else None

    def _check_splits(self) -> None:
        if len({split is None for _, split in self._labels.values()}) > 1:
            unsplit = next(entry.origin for entry in self.entries if entry.split is None)
            raise InputError(
                f"{self._path}: {unsplit}: stands in no split folder, but other images stand in train, validation or "
                "test"
            )

    def _merged_notes(self) -> list[str]:
        names: dict[str, set[str]] = defaultdict(set)
        for folder, (emotion, _) in self._labels.items():
            names[emotion].add(folder.rpartition("/")[2])
        return [
            f"the folders {', '.join(sorted(names[emotion]))} are one class, {emotion}"
            for emotion in in_order(names)
            if len({name.lower() for name in names[emotion]}) > 1
        ]

    def _empty_notes(self, folders: Iterable[str]) -> list[str]:
        known = {emotion for emotion, _ in self._labels.values()}
        empty = {name for folder in folders if is_emotion(name := folder.rpartition("/")[2])}
        return [
            f"{emotion} is no class, as its folder holds no image"
            for emotion in in_order(map(canonical, empty))
            if emotion not in known
        ]


def is_image(name: str) -> bool:
    """Tell by its name whether a file is an image; hidden files and what macOS adds to zips are not."""
    if not name.lower().endswith(_SUFFIXES):
        return False
    return not (name.startswith((".", "__MACOSX/")) or "/." in name or "/__MACOSX/" in name)
