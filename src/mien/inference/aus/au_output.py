"""Writes predictions from Action Units as CSV or JSON, to the screen or a file."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from mien._io.atomic import output_file
from mien._io.output import as_text, until_closed
from mien.aus.readers import IDENTITY


def csv_writer(stream: TextIO) -> Callable[[pd.DataFrame], None]:
    """Return a function that writes rows as CSV with one header."""
    header = True

    def write(frame: pd.DataFrame) -> None:
        nonlocal header
        frame = frame.assign(**{name: frame[name].map(as_text) for name in IDENTITY if name in frame})
        frame.to_csv(stream, index=False, header=header, lineterminator="\n")
        header = False

    return write


def json_writer(stream: TextIO) -> Callable[[pd.DataFrame], None]:
    """Return a function that writes rows as JSON, one line each."""

    def write(frame: pd.DataFrame) -> None:
        rows = frame.astype(object).where(frame.notna(), None)
        columns = list(rows.columns)
        start = columns.index("confidence") + 1
        for row in rows.itertuples(index=False, name=None):
            line: dict[str, Any] = dict(zip(columns[:start], row, strict=False))
            line["probabilities"] = dict(zip(columns[start:-1], row[start:], strict=False))
            line["reasons"] = (row[-1] or "").split()
            stream.write(json.dumps(line) + "\n")

    return write


@contextmanager
def output_stream(path: Path | None) -> Iterator[TextIO]:
    """Yield a stream to write to: stdout, or a file that appears when everything is written."""
    if path is None:
        with until_closed():
            yield sys.stdout
        return
    with output_file(path) as partial, partial.open("w", encoding="utf-8") as stream:
        yield stream
