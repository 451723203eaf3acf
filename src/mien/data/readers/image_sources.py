"""Tells sources of images from other files."""

import zipfile

from mien._io.errors import InputError
from mien._io.urls import Location, Url
from mien.data.readers.csv_search import is_image_table
from mien.data.readers.packed_files import packing_of
from mien.data.readers.table import image_table


def holds_images(path: Location) -> bool:
    """Tell whether `path` is a source of images: a folder, a zip, a table of images or of their paths, or a URL.

    Raises:
        InputError: its compression is not supported, so its content is unknown.
    """
    if isinstance(path, Url) or path.is_dir() or path.suffix.lower() == ".zip":
        return True
    if not path.is_file():  # because a pipe can be read only once
        return False
    try:
        if kind := packing_of(path):
            raise InputError(f"{path}: is {kind}, which mien does not read; unpack or convert it")
        return zipfile.is_zipfile(path) or is_image_table(path) or image_table(path) is not None
    except OSError:
        return False
