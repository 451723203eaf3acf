"""What `mien aus` does: AU tables in, predictions out."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien._io.atomic import output_file
from mien._io.errors import InputError, printable, within
from mien._io.output import cell, until_closed
from mien.aus.facs import AUS
from mien.aus.readers import JAW_DROP, MOUTH_STRETCH, AuFile, Chunk, Missing, open_aus, parse_intensity
from mien.inference.au_classifier import AUClassifier

STRONG_SHARE = 0.9  # quantile of the rows of a file that counts as a strong moment
_STEPS = 100  # per unit of intensity, in which intensities are counted


@dataclass(frozen=True)
class TableOptions:
    """How tables are read, see `mien.aus.readers.open_aus`.

    Attributes:
        format_name: instead of what the header tells.
        missing: what to do about required AUs without a column.
    """

    format_name: str | None = None
    missing: Missing = "fail"


def predict_files(
    files: Sequence[Path],
    classifier: AUClassifier,
    options: TableOptions,
    output: Path | None,
    as_json: bool,
    per_file: bool,
) -> None:
    """Write the prediction of each row, or of each file, to `output` or stdout; notes go to stderr.

    Columns: file, row (from 1; per file: rows, the number of those that count), emotion, confidence, the probability of
    each emotion, and reasons. A row or file without a reliable face keeps its place, with empty cells. JSON has one
    line per row.

    Raises:
        InputError: a file is bad, or the output cannot be written; nothing is left of the output then.
    """
    if output and output.resolve() in [path.resolve() for path in files]:
        raise InputError(f"{output}: is both read and the --output, expected another name")
    predict = _predict_file if per_file else _predict_rows
    note = Notes()
    with _output_stream(output) as stream:
        write = _json_lines(stream) if as_json else _csv(stream)
        for path in files:
            with open_table(path, options, classifier) as table:
                for frame in predict(table, classifier, note):
                    write(frame)


def predict_one(words: Sequence[str], classifier: AUClassifier, as_json: bool) -> None:
    """Print the prediction for AUs given as words like 12=97; AUs that are not given are 0.

    Raises:
        InputError: a word is not an AU, an equals sign and an intensity 0..100; or an AU is given twice.
    """
    intensities = np.zeros((1, len(AUS)), np.float32)
    given = set()
    for word in words:
        au, value = parse_intensity(word)
        if au in given:
            raise InputError(f"--au: found AU {au} twice, expected it once")
        given.add(au)
        index = AUS.index(JAW_DROP if au == MOUTH_STRETCH else au)
        intensities[0, index] = max(value, intensities[0, index])
    with _output_stream(None) as stream:
        write = _json_lines(stream) if as_json else _csv(stream)
        write(predict_frame(classifier, intensities))


def open_table(
    path: Path, options: TableOptions, classifier: AUClassifier, label: str | None = None
) -> AbstractContextManager[AuFile]:
    """Open a table for a classifier. label: the column of true emotions, where there is one."""
    return open_aus(
        path,
        format_name=options.format_name,
        missing=options.missing,
        needed=classifier.required_aus,
        label=label,
    )


class Notes:
    """Prints each note once on stderr: of a hundred files of one kind, the first stands for all."""

    def __init__(self) -> None:
        """Start without any."""
        self._printed: set[str] = set()

    def __call__(self, note: str, path: Path | None = None) -> None:
        """Print a note, unless it was printed before. path: the file that it is about."""
        if note not in self._printed:
            self._printed.add(note)
            print(printable(f"note: {f'{path}: ' if path else ''}{note}"), file=sys.stderr)


def read_chunks(table: AuFile, note: Notes) -> Iterator[Chunk]:
    """Yield the chunks of a table, print its notes, and show the progress of a long one on a terminal."""
    for text in table.notes:
        note(text, table.path)
    printed = len(table.notes)
    total = table.path.stat().st_size or None
    with tqdm(total=total, desc=table.path.name, unit="B", unit_scale=True, delay=2, disable=None) as bar:
        for chunk in table.chunks():
            yield chunk
            bar.update(table.bytes_read - bar.n)
    for text in table.notes[printed:]:
        note(text, table.path)


def _predict_rows(table: AuFile, classifier: AUClassifier, note: Notes) -> Iterator[pd.DataFrame]:
    for chunk in read_chunks(table, note):
        rows = range(chunk.first_row, chunk.first_row + len(chunk.intensities))
        predicted = predict_frame(classifier, chunk.intensities)
        predicted.insert(0, "file", cell(table.path))
        predicted.insert(1, "row", rows)
        yield predicted


def strong_moments(chunks: Iterable[Chunk]) -> tuple[np.ndarray, int]:
    """Return the 90th percentile of each AU over the rows that count, and the number of those rows.

    The strong moments of acted speech show the emotion; in the others speech covers it. benchmarks/score_clips.py
    compares this with the mean of the rows' probabilities. Intensities are counted in steps of 0.01, so that memory
    does not grow with the rows.

    Returns:
        float32 (AUs,), all NaN if no row counts; and the number.
    """
    counts = np.zeros((len(AUS), 100 * _STEPS + 1), np.int64)
    for chunk in chunks:
        steps = np.rint(chunk.intensities[chunk.reliable] * _STEPS).astype(np.int64)
        for column, count in zip(steps.T, counts, strict=True):
            count += np.bincount(column, minlength=len(count))
    rows = int(counts[0].sum())
    if not rows:
        return np.full(len(AUS), np.nan, np.float32), 0
    reached = counts.cumsum(axis=1) >= STRONG_SHARE * rows
    return (reached.argmax(axis=1) / _STEPS).astype(np.float32), rows


def _predict_file(table: AuFile, classifier: AUClassifier, note: Notes) -> Iterator[pd.DataFrame]:
    strong, rows = strong_moments(read_chunks(table, note))
    predicted = predict_frame(classifier, strong[None])
    predicted.insert(0, "file", cell(table.path))
    predicted.insert(1, "rows", rows)
    yield predicted


def predict_frame(classifier: AUClassifier, intensities: np.ndarray) -> pd.DataFrame:
    """Return emotion, confidence, the probability of each class and reasons; empty for rows of NaN.

    Args:
        classifier: predicts.
        intensities: float32 (N, AUs), 0..100.
    """
    has_face = ~np.isnan(intensities[:, 0])
    faces = intensities[has_face]
    probabilities = classifier.predict_proba(faces)
    rounded = np.round(probabilities.astype(np.float64), 4)
    frame = pd.DataFrame(rounded, columns=classifier.classes_)
    frame.insert(0, "emotion", np.array(classifier.classes_, object)[probabilities.argmax(axis=1)])
    frame.insert(1, "confidence", rounded.max(axis=1, initial=0))
    frame["reasons"] = classifier.reasons(faces, probabilities)
    if has_face.all():
        return frame
    frame.index = pd.Index(np.flatnonzero(has_face))
    return frame.reindex(range(len(has_face)))


def _csv(stream: TextIO) -> Callable[[pd.DataFrame], None]:
    header = True

    def write(frame: pd.DataFrame) -> None:
        nonlocal header
        frame.to_csv(stream, index=False, header=header, lineterminator="\n")
        header = False

    return write


def _json_lines(stream: TextIO) -> Callable[[pd.DataFrame], None]:
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
def _output_stream(path: Path | None) -> Iterator[TextIO]:
    """Yield a stream to write to: stdout, or a file that gets its name when all is written."""
    if path is None:
        with until_closed():
            yield sys.stdout
        return
    is_stream = path.exists() and not path.is_file() and not path.is_dir()
    if is_stream:  # a device or pipe cannot be replaced, only written to
        with path.open("w", encoding="utf-8") as stream:
            yield stream
        return
    with within("--output"), output_file(path) as partial, partial.open("w", encoding="utf-8") as stream:
        yield stream
