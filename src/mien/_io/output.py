"""Paths as text and as cells of a CSV file, and stdout, whose reader may leave."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def shown(path: Path) -> str:
    """Return a path as text, in whatever encoding its name is."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def cell(path: Path) -> str:
    """Return a path as a cell of a CSV file. "./" leads one that a spreadsheet would run as a formula: =1+1.png"""
    name = shown(path)
    return f"./{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


@contextmanager
def until_closed() -> Iterator[None]:
    """End quietly where the reader of stdout, such as `head`, has had enough."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
