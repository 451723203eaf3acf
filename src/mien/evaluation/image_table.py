"""A table about images, such as the age and pose of the people in them, whose columns become slices."""

from pathlib import Path

import pandas as pd

from mien._io.csv_table import read_csv_table
from mien._io.errors import InputError, note, within
from mien.data.readers.label_files.table_columns import IMAGE_COLUMNS
from mien.data.readers.row_images import images_by_row, one_image


def table_properties(path: Path, origins: pd.Series) -> pd.DataFrame:
    """Return the columns of a CSV about images, one row per image; NaN if the CSV does not name the image.

    Args:
        path: the CSV. One of its columns (file, image, path ..) names the images by the end of their path, with or
            without a suffix.
        origins: the paths of the images in their source.

    Raises:
        InputError: the CSV cannot be read, has no column of names, names none of the images, or a row names
            several.
    """
    table = read_csv_table(path, "a CSV about images")
    columns = [str(column) for column in table]
    names = next((column for column in columns if column.strip().lower() in IMAGE_COLUMNS), None)
    if names is None:
        raise InputError(
            f"{path}: found columns {', '.join(columns)}, expected one of {', '.join(IMAGE_COLUMNS[:6])} .."
        )
    table[names] = pd.read_csv(path, usecols=[names], dtype="str", keep_default_na=False)[names]  # such as 0012, NA
    if table.empty:
        raise InputError(f"{path}: found no row, expected one per image")
    rows = {str(name).replace("\\", "/").removeprefix("./"): row for row, name in enumerate(table[names])}
    if twice := len(table) - len(rows):
        note(f"{path}: {twice:,} of {len(table):,} rows name an image that has a row already; its last row counts")
    images = images_by_row(origins, {name: set() for name in rows})
    if not images:
        raise InputError(f"{path}: found {table[names].iloc[0]!r}, expected names of images, such as {origins.iloc[0]}")
    row_of = {}
    for name, found in images.items():
        with within(f"{path}: row {rows[name] + 1}, column {names}"):
            row_of[one_image(name, found)] = rows[name]
    order = pd.Series(list(origins)).map(row_of)
    return table.drop(columns=names).reindex(order).reset_index(drop=True)
