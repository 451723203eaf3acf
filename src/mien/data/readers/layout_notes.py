"""Notes on the files and images that a layout leaves out."""

from collections import Counter
from collections.abc import Iterable, Sequence

from mien.data.label_notes import counted
from mien.data.labels import NO_FOLDER, naming


def but_files(others: Sequence[str]) -> str:
    """Return which files there are instead of images, for errors."""
    return f" but other files: {_suffixes(others)}" if others else ""


def unread_tables_hint(others: Sequence[str]) -> str:
    """Return which tables were not looked at, for errors about folders."""
    tables = [name for name in others if name.lower().endswith((".csv", ".tsv"))]
    return f"; {', '.join(tables[:3])}: not read, as the names of folders come before tables" if tables else ""


def _suffixes(names: Iterable[str]) -> str:
    return counted(Counter(_suffix(name) for name in names))


def _suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return f".{suffix.lower()}" if stem and dot else "no suffix"


def file_notes(others: Sequence[str]) -> list[str]:
    """Return a note on files that are not read."""
    if not others:
        return []
    return [f"{len(others):,} {'file was' if len(others) == 1 else 'files were'} left out: {_suffixes(others)}"]


def unlabelled_notes(names: Sequence[str]) -> list[str]:
    """Return a note on images for which files or file names have no label. names: of the images, in order."""
    if not names:
        return []
    them = "it" if len(names) == 1 else "them"
    return [f"{_images(len(names))} left out, as no label was found for {them}; {names[0]} is the first"]


def skipped_notes(names: Sequence[str]) -> list[str]:
    """Return a note on images whose labels say to leave them out."""
    folders = Counter(name.rpartition("/")[0] or NO_FOLDER for name in names)
    labels = "its label says" if len(names) == 1 else "their labels say"
    return [f"{_images(len(names))} left out, as {labels}: {counted(folders)}"] if names else []


def nested_notes(counts: Counter[str]) -> list[str]:
    """Return a note on images in folders of several classes. counts: of images, by what was read."""
    if not counts:
        return []
    images = "1 image is" if counts.total() == 1 else f"{counts.total():,} images are"
    return [
        f"{images} in folders of several classes, of which one was taken: {counted(counts)}; rename the folders that "
        "are of no class"
    ]


def way_to_name(labels: Iterable[str], names: Iterable[str]) -> str:
    """Return how to name labels of folders, for errors. names: of the images."""
    if any("fer2013train" in name.lower() for name in names):
        return "FERPlus' folders hold no labels: expected fer2013.csv, with FERPlus' votes (prepare_fer.labels)"
    return naming(labels)


def _images(count: int) -> str:
    return f"{count:,} {'image was' if count == 1 else 'images were'}"
