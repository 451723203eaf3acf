"""Paths as text and as cells of a CSV file, and stdout that may be closed early."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def shown(path: Path) -> str:
    """Return a path as text, whatever the encoding of its name."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def cell(path: Path) -> str:
    """Return a path as a cell of a CSV file; "./" is put before one that a spreadsheet would run as a formula."""
    name = shown(path)
    return f"./{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


@contextmanager
def until_closed() -> Iterator[None]:
    """End quietly when the reader of stdout, such as `head`, closes it."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
