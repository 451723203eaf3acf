"""Notes on AU tables: once for all files what is recognized and converted, for each file what it loses."""

from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from mien._io.errors import note
from mien.aus.readers import AuFile, Chunk


class Notes:
    """Prints each note once on stderr, even if a hundred files cause it; notes on one file once for each file."""

    def __init__(self) -> None:
        """Start without any."""
        self._printed: set[tuple[Path | None, str]] = set()

    def __call__(self, text: str, path: Path | None = None, *, of_file: bool = False) -> None:
        """Print a note, unless it was printed before.

        Args:
            text: the note.
            path: the file that causes it.
            of_file: whether it is true of this file only, such as a number of rows.
        """
        key = (path if of_file else None, text)
        if key not in self._printed:
            self._printed.add(key)
            note(f"{path}: {text}" if path else text)


def read_chunks(table: AuFile, notes: Notes) -> Iterator[Chunk]:
    """Yield the chunks of a table and print its notes. On a terminal, show the progress of a long table."""
    _print(table, notes, 0)
    printed = len(table.notes)
    total = table.path.stat().st_size or None
    with tqdm(total=total, desc=table.path.name, unit="B", unit_scale=True, delay=2, disable=None) as bar:
        for chunk in table.chunks():
            yield chunk
            bar.update(table.bytes_read - bar.n)
    _print(table, notes, printed)


def _print(table: AuFile, notes: Notes, start: int) -> None:
    for text in table.notes[start:]:
        notes(text, table.path, of_file=text in table.losses)
