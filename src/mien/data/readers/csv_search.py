"""The table of images in a folder, a zip, a tar or a compressed file (gzip, bzip2, xz)."""

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mien._io.errors import InputError
from mien._io.urls import Location
from mien.data.readers.csv_form import SAMPLE, recognise
from mien.data.readers.names import is_hidden
from mien.data.readers.packed_files import DAMAGED, is_packed, read_to_end, tar_of, uncompressed, unpacking

_NAMED_PIXELS = re.compile(rb"\bpixels\b")  # in the header of a table of images that has a fault


def is_table(name: str) -> bool:
    """Tell by its name whether a file is a CSV."""
    return name.lower().endswith((".csv", ".tsv")) and not is_hidden(name)


def is_image_table(path: Path) -> bool:
    """Tell whether a file is a table of images, compressed or not, or a tar. Raises OSError if it is unreadable."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
        file.seek(0)
        if not is_packed(sample):
            return recognise(sample) is not None or _NAMED_PIXELS.search(sample.partition(b"\n")[0]) is not None
        try:
            if archive := tar_of(file):
                archive.close()
                return True
            with uncompressed(file) as unpacked:
                return recognise(unpacked.read(SAMPLE)) is not None
        except DAMAGED:
            return True  # as opening it will say


def one_table(path: Location, names: Sequence[str], open_member: Callable[[str], BinaryIO]) -> str:
    """Return the name of the table of images among files; of several, the only one that has splits.

    Raises:
        InputError: there is none, or several.
    """
    forms = {}
    for name in names:
        with open_member(name) as member:
            if form := recognise(member.read(SAMPLE)):
                forms[name] = form
    with_splits = [name for name, form in forms.items() if form.usage is not None]
    if len(forms) == 1 or len(with_splits) == 1:
        return (with_splits or [*forms])[0]
    found = ", ".join(forms or names)
    if not names:
        raise InputError(
            f"{path}: holds neither images nor a CSV, expected images in emotion folders, or a table of images with "
            "columns emotion and pixels"
        )
    if not forms:
        raise InputError(f"{path}: holds {found}, which is not a table of images, expected columns emotion and pixels")
    raise InputError(f"{path}: holds several tables of images: {found}; unpack it and name one")


@contextmanager
def open_packed(path: Location, file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Yield name and content of the table in a compressed file or a tar. The name is empty for a compressed file.

    Raises:
        InputError: it is damaged, or holds no table of images or several.
    """
    with unpacking(path):
        archive = tar_of(file)
        if archive is None:
            with uncompressed(file) as unpacked:
                yield "", unpacked
            return
        with archive:
            members = {info.name: info for info in archive.getmembers() if info.isfile() and is_table(info.name)}
            read_to_end(archive)

            def extracted(name: str) -> BinaryIO:
                return cast("BinaryIO", archive.extractfile(members[name]))

            name = one_table(path, [*members], extracted)
            with extracted(name) as table:
                yield name, table


@contextmanager
def open_in_zip(path: Location, archive: zipfile.ZipFile) -> Iterator[tuple[str, BinaryIO]]:
    """Yield name and content of the table of images in a zip for which `tables_in` returns names.

    Raises:
        InputError: it is damaged, or holds no table of images or several.
    """

    def extracted(name: str) -> BinaryIO:
        return cast("BinaryIO", archive.open(name))

    with unpacking(path):
        name = one_table(path, tables_in(archive), extracted)
        with extracted(name) as table:
            yield name, table


def tables_in(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the CSVs in a zip."""
    return [info.filename for info in archive.infolist() if is_table(info.filename)]
