"""Action Units (AUs) of images, from a table with one row per image by a tool or a coder."""

from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd

from mien._io.errors import InputError, note, within
from mien.aus.facs import AUS, COLUMNS, column
from mien.aus.readers import open_aus
from mien.aus.readers.column_names import plain

#: Columns that may name the image of a row. py-feat's is input, that of an index.csv of prepare_fer is origin.
_NAMES = ("image", "input", "file", "filename", "path", "origin")


class ImageAus(NamedTuple):
    """The AUs of images.

    Attributes:
        intensities: float32 (images, AUs), 0..100; NaN for images without a row or a face; 0 for AUs that the table
            lacks.
        given: the AUs in the table.
    """

    intensities: np.ndarray
    given: list[int]


def read_image_aus(path: Path, images: pd.Series) -> ImageAus:
    """Read a table in any format of `mien.aus.readers`, and find the row of each image.

    A column named image, input, file, filename, path or origin names the image, by its path in the source or by its
    file name without the ending. Notes say which AUs have no column, and how many images have no row.

    Args:
        path: the table.
        images: str, the path of each image in its source.

    Raises:
        InputError: the table cannot be read, a value is out of range, an image has several rows, or none has one.
    """
    names, given, intensities = _read(path)
    with within(path):
        keys, wanted = (names, images) if names.isin(images).any() else (_stems(names), _stems(images))
        _check(names, keys, images, wanted)
    rows = pd.Index(keys).get_indexer(pd.Index(wanted))
    of_images = np.where(rows[:, None] >= 0, intensities[rows], np.float32(np.nan))
    for text in _notes(given, rows, of_images, len(names)):
        note(f"{path}: {text}")
    return ImageAus(of_images, given)


def with_aus(index: pd.DataFrame, table: Path) -> pd.DataFrame:
    """Return an index with a column for each AU in a table: AU01 .., 0..100, NaN for images without a row or a face.

    Args:
        index: one row per image, with the column origin: its path in the source.
        table: see `read_image_aus`.

    Raises:
        InputError: see `read_image_aus`.
    """
    aus = read_image_aus(table, index["origin"])
    columns = pd.DataFrame(aus.intensities, columns=COLUMNS, index=index.index)
    return index.join(columns[[column(au) for au in aus.given]])


def _read(path: Path) -> tuple[pd.Series, list[int], np.ndarray]:
    with open_aus(path, missing="zero", needed=()) as header:
        key = next((name for name in header.names if plain(name) in _NAMES), None)
    for text in header.losses:
        note(f"{path}: {text}")
    if key is None:
        raise InputError(f"{path}: found no column that names images, expected one of {', '.join(_NAMES)}")
    with open_aus(path, missing="zero", needed=(), kept=[key]) as table:
        chunks = list(table.chunks())
    if table.bad_rows:
        raise InputError(f"{path}: {table.bad_rows}")
    names = pd.concat([chunk.kept[key] for chunk in chunks], ignore_index=True)
    intensities = np.concatenate([chunk.intensities for chunk in chunks])
    return names, table.aus, intensities


def _stems(names: pd.Series) -> pd.Series:
    return names.map(lambda name: PurePosixPath(name.replace("\\", "/")).stem)


def _check(names: pd.Series, keys: pd.Series, images: pd.Series, wanted: pd.Series) -> None:
    """Raise InputError unless each row names one image and at least one row names a wanted image."""
    if (again := keys.duplicated()).any():
        row = int(again.argmax())
        raise InputError(
            f"{again.sum():,} of {len(names):,} rows name an image that has a row already, the first: row {row + 1}, "
            f"{names[row]!r}, expected one row per image"
        )
    is_named = wanted.isin(keys)
    if not is_named.any():
        raise InputError(
            f"found names such as {names[0]!r}, none of {len(names):,} is one of the {len(images):,} images, expected "
            f"names such as {images.iloc[0]!r}"
        )
    if (shared := is_named & wanted.duplicated(keep=False)).any():
        raise InputError(
            f"{shared.sum():,} of {len(images):,} images share a file name with others, such as "
            f"{images[shared].iloc[0]!r}, expected the paths of images in their source"
        )


def _notes(given: list[int], rows: np.ndarray, intensities: np.ndarray, total: int) -> list[str]:
    has_row = rows >= 0
    faceless = int((has_row & np.isnan(intensities).any(axis=1)).sum())
    absent = ", ".join(column(au) for au in AUS if au not in given)
    counts = {
        f"{(~has_row).sum():,} of {len(rows):,} images have no row": (~has_row).sum(),
        f"{faceless:,} of {len(rows):,} images have a row without a face": faceless,
        f"{total - has_row.sum():,} of {total:,} rows name other images": total - has_row.sum(),
        f"has no column {absent}: what is read of them follows from the emotions alone": absent,
    }
    return [text for text, count in counts.items() if count]
