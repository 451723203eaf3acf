"""The images that the rows of a table name, by whole paths or by their ends."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mien._io.errors import InputError
from mien.data.readers.split_folders import SplitFolders

_SHOWN = 3  # images in a message


def images_by_row(
    names: Iterable[str], rows: Mapping[str, set[str]], folder: str = "", splits: SplitFolders | None = None
) -> dict[str, list[str]]:
    """Return the images that each row of a table names; rows that name none are missing.

    A row names an image by its path, or by the end of it, with or without suffix. Several images may end alike: then
    the one at the row's path counts, or else those in the table's folder, and of these, those in the folders of the
    row's splits.

    Args:
        names: of the images in the source.
        rows: the splits that rows name, by the image name in the table.
        folder: of the table in the source.
        splits: the splits of the images by their folders, if they are known.
    """
    images: dict[str, list[str]] = defaultdict(list)
    names = dict.fromkeys(names)
    for name in names if rows else ():
        keys = (key for end in _ends(name) for key in _with_and_without_suffix(end))
        if (key := next((key for key in keys if key in rows), None)) is not None:
            images[key].append(name)
    splits = splits or SplitFolders(names)
    return {key: _of_split(_at_path(key, found, folder), rows[key], splits) for key, found in images.items()}


def one_image(key: str, images: Sequence[str]) -> str:
    """Return the image that a row names. key: its name in the table.

    Raises:
        InputError: the row names several.
    """
    if len(images) > 1:
        more = f" and {len(images) - _SHOWN:,} more" if len(images) > _SHOWN else ""
        raise InputError(
            f"found {key!r}, which names {len(images):,} images: {', '.join(images[:_SHOWN])}{more}; expected a longer "
            "path, which names one"
        )
    return images[0]


def _at_path(key: str, images: list[str], folder: str) -> list[str]:
    """Return those of several images that are at a row's path, or else in the table's folder; all if none is."""
    if len(images) == 1:
        return images
    for path in (f"{folder}/{key}" if folder else key, key):
        if there := [name for name in images if path in _with_and_without_suffix(name)]:
            return there
    return [name for name in images if name.startswith(f"{folder}/")] or images


def _of_split(images: list[str], wanted: set[str], splits: SplitFolders) -> list[str]:
    """Return those of several images that are in folders of some splits; all if none is."""
    if len(images) == 1 or not wanted:
        return images
    return [name for name in images if splits.above(name) in wanted] or images


def _ends(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _with_and_without_suffix(name: str) -> tuple[str, str]:
    return name, name.rpartition(".")[0]
