"""The images that the rows of a table name, by whole paths or by their ends."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mien._io.errors import InputError
from mien.data.readers.names import split_above

_SHOWN = 3  # images in a message


def images_by_row(names: Iterable[str], rows: Mapping[str, str | None], folder: str = "") -> dict[str, list[str]]:
    """Return the images that each row of a table names; rows that name none are missing.

    A row names an image by its path, or by the end of it, with or without suffix. Several images may end alike: then
    the one at the row's path counts, or else those in the folder of the row's split.

    Args:
        names: of the images in the source.
        rows: the split of each row, None without one, by the image name in the table.
        folder: of the table in the source.
    """
    images: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names) if rows else ():
        keys = (key for end in _ends(name) for key in _with_and_without_suffix(end))
        if (key := next((key for key in keys if key in rows), None)) is not None:
            images[key].append(name)
    return {key: _meant(key, found, rows[key], folder) for key, found in images.items()}


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


def _meant(key: str, images: list[str], split: str | None, folder: str) -> list[str]:
    if len(images) == 1:
        return images
    for path in (f"{folder}/{key}" if folder else key, key):
        if there := [name for name in images if path in _with_and_without_suffix(name)]:
            return there
    return [name for name in images if split and split_above(name) == split] or images


def _ends(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _with_and_without_suffix(name: str) -> tuple[str, str]:
    return name, name.rpartition(".")[0]
