"""The layout of a data set of image files: `[split/]EMOTION/IMAGE`, in the names that people give such folders."""

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
    """The images among the files of a folder or zip, told by the folders that they stand in.

    entries: of the images, in the order of the names given. notes: what the user should know.
    """

    def __init__(self, path: Location, names: Iterable[str], folders: Iterable[str] = ()) -> None:
        """Read names of images, and those of all folders, relative to the source and with slashes.

        Raises:
            InputError: there is no image, one stands in no emotion folder, or some stand in split folders and some not.
        """
        self._path = path
        self._places: dict[str, tuple[str, str | None]] = {}
        self.entries = [self._entry(name) for name in names]
        if not self.entries:
            raise InputError(
                f"{path}: found no image in an emotion folder, expected [train|validation|test/]EMOTION/IMAGE "
                f"with EMOTION one of {', '.join(FER2013)}"
            )
        self._check_splits()
        self.notes = [*self._merged(), *self._empty(folders)]

    def _entry(self, name: str) -> Entry:
        folder = name.rpartition("/")[0]
        place = self._places.get(folder)
        if place is None:
            place = self._places[folder] = self._place(name)
        return Entry(name, *place)

    def _place(self, name: str) -> tuple[str, str | None]:
        """Read an image's emotion off the folder that holds it, and its split off the folders above that."""
        *above, folder = PurePosixPath(name).parts[:-1] or ("",)
        if not is_emotion(folder):
            raise InputError(
                f"{self._path}: {name}: found {folder or 'no folder'!r} above it, expected an emotion "
                f"({', '.join(FER2013)})"
            )
        splits = [SPLIT_NAMES[part.lower()] for part in above if part.lower() in SPLIT_NAMES]
        return canonical(folder), splits[-1] if splits else None

    def _check_splits(self) -> None:
        if len({split is None for _, split in self._places.values()}) > 1:
            odd = next(entry.origin for entry in self.entries if entry.split is None)
            raise InputError(
                f"{self._path}: {odd}: stands in no split folder, but other images stand in train, validation or test"
            )

    def _merged(self) -> list[str]:
        names: dict[str, set[str]] = defaultdict(set)
        for folder, (emotion, _) in self._places.items():
            names[emotion].add(folder.rpartition("/")[2])
        return [
            f"the folders {', '.join(sorted(names[emotion]))} are one class, {emotion}"
            for emotion in in_order(names)
            if len({name.lower() for name in names[emotion]}) > 1
        ]

    def _empty(self, folders: Iterable[str]) -> list[str]:
        known = {emotion for emotion, _ in self._places.values()}
        empty = {name for folder in folders if is_emotion(name := folder.rpartition("/")[2])}
        return [
            f"{emotion} is no class, as its folder holds no image"
            for emotion in in_order(map(canonical, empty))
            if emotion not in known
        ]


def is_image(name: str) -> bool:
    """Tell an image by its name; hidden files and folders, and what macOS adds to zips, are none."""
    if not name.lower().endswith(_SUFFIXES):
        return False
    return not (name.startswith((".", "__MACOSX/")) or "/." in name or "/__MACOSX/" in name)
