"""What `mien aus` and `mien score` do: AU tables in; predictions, or figures about them, out."""

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

from mien._io.errors import InputError, printable, within
from mien._io.output import cell, until_closed, whole_file
from mien.aus.facs import AUS
from mien.aus.readers import DROP, STRETCH, AuFile, Chunk, Missing, intensity, open_aus
from mien.inference.au_classifier import AUClassifier

STRONG_FROM = 0.9  # of the rows of a file
_STEPS = 100  # in which an intensity of 1 is counted


@dataclass(frozen=True)
class Reading:
    """How tables are read: see `mien.aus.readers.open_aus`."""

    format_name: str | None = None
    missing: Missing = "fail"


def predict_files(
    files: Sequence[Path], predictor: AUClassifier, reading: Reading, output: Path | None, as_json: bool, per_file: bool
) -> None:
    """Write the prediction of each row, or of each file, to `output` or stdout; notes go to stderr.

    Columns: file, row (from 1; per file: rows, those that count), emotion, confidence, the probability of each
    emotion, and reasons. A row, or file, without a reliable face keeps its place and has none of these. As JSON, a line
    a row.

    Raises:
        InputError: a file is bad, or the output cannot be written; nothing is left of the output then.
    """
    if output and output.resolve() in [path.resolve() for path in files]:
        raise InputError(f"{output}: is both read and the --output, expected another name")
    predict = _summary if per_file else _rows
    note = _Notes()
    with _written(output) as stream:
        write = _json_lines(stream) if as_json else _csv(stream)
        for path in files:
            with _opened(path, reading, predictor) as table:
                for frame in predict(table, predictor, note):
                    write(frame)


def predict_one(values: Sequence[str], predictor: AUClassifier, as_json: bool) -> None:
    """Print the prediction for AUs given as words like 12=97; AUs that are not named are 0.

    Raises:
        InputError: a word is none of an AU, an equals sign and an intensity 0..100, or an AU comes twice.
    """
    intensities = np.zeros((1, len(AUS)), np.float32)
    named = set()
    for word in values:
        au, value = intensity(word)
        if au in named:
            raise InputError(f"--au: found AU {au} twice, expected it once")
        named.add(au)
        at = AUS.index(DROP if au == STRETCH else au)
        intensities[0, at] = max(value, intensities[0, at])
    with _written(None) as stream:
        write = _json_lines(stream) if as_json else _csv(stream)
        write(predictions(predictor, intensities))


def score(path: Path, label: str, predictor: AUClassifier, reading: Reading, all_classes: bool, as_json: bool) -> None:
    """Print how well a predictor does on a table whose column `label` names the emotions.

    Rows without a reliable face, and rows of an emotion that the predictor does not know, are left out. So are the
    predictor's emotions that occur among no labels, unless `all_classes`.

    Raises:
        InputError: the table is bad, a label is no emotion, or no row is left.
    """
    from mien.evaluation import metrics, scoring

    note = _Notes()
    truth = scoring.Truth(predictor.classes, "row")
    of_chunks: list[np.ndarray] = []
    with _opened(path, reading, predictor, label) as table:
        for chunk in _chunks(table, note):
            known = truth.add(np.array(chunk.labels, object)[chunk.reliable])
            of_chunks.append(predictor.predict_proba(chunk.intensities[chunk.reliable][known]))
    with within(f"{path}, column {label}"):
        choice = truth.choice(all_classes)
    for text in truth.notes(choice):
        note(f"{path}: {text}")
    probabilities = metrics.restrict_classes(np.concatenate(of_chunks), predictor.classes, choice.classes)
    of_source = {"rows": len(choice.labels), "left_out": truth.left_out.total(), "classes": choice.classes}
    figures = of_source | metrics.scores(choice.labels, probabilities, choice.classes)
    scoring.show(figures, metrics.per_class(choice.labels, probabilities, choice.classes), as_json)


def _opened(
    path: Path, reading: Reading, predictor: AUClassifier, label: str | None = None
) -> AbstractContextManager[AuFile]:
    return open_aus(path, format_name=reading.format_name, missing=reading.missing, needed=predictor.needs, label=label)


class _Notes:
    """Says each note once on stderr: of a hundred files of one kind, the first speaks for all."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, note: str, path: Path | None = None) -> None:
        if note not in self._said:
            self._said.add(note)
            print(printable(f"note: {f'{path}: ' if path else ''}{note}"), file=sys.stderr)


def _chunks(table: AuFile, note: _Notes) -> Iterator[Chunk]:
    """Yield the chunks of a table, say its notes, and show on a terminal how far a long one is."""
    for text in table.notes:
        note(text, table.path)
    said = len(table.notes)
    total = table.path.stat().st_size or None
    with tqdm(total=total, desc=table.path.name, unit="B", unit_scale=True, delay=2, disable=None) as bar:
        for chunk in table.chunks():
            yield chunk
            bar.update(table.bytes_read - bar.n)
    for text in table.notes[said:]:
        note(text, table.path)


def _rows(table: AuFile, predictor: AUClassifier, note: _Notes) -> Iterator[pd.DataFrame]:
    for chunk in _chunks(table, note):
        rows = range(chunk.first_row, chunk.first_row + len(chunk.intensities))
        predicted = predictions(predictor, chunk.intensities)
        predicted.insert(0, "file", cell(table.path))
        predicted.insert(1, "row", rows)
        yield predicted


def strong_moments(chunks: Iterable[Chunk]) -> tuple[np.ndarray, int]:
    """Return the 90th percentile of each AU over the rows that count, float32 (AUs,), and the number of those rows.

    The strong moments of acted speech show the emotion, speech covers it in the others: benchmarks/score_clips.py
    compares this with the mean of the rows' probabilities. Intensities are counted in steps of 0.01, so that memory
    does not grow with the rows. Where no row counts, all are NaN.
    """
    counts = np.zeros((len(AUS), 100 * _STEPS + 1), np.int64)
    for chunk in chunks:
        steps = np.rint(chunk.intensities[chunk.reliable] * _STEPS).astype(np.int64)
        for of_au, count in zip(steps.T, counts, strict=True):
            count += np.bincount(of_au, minlength=len(count))
    rows = int(counts[0].sum())
    if not rows:
        return np.full(len(AUS), np.nan, np.float32), 0
    reached = counts.cumsum(axis=1) >= STRONG_FROM * rows
    return (reached.argmax(axis=1) / _STEPS).astype(np.float32), rows


def _summary(table: AuFile, predictor: AUClassifier, note: _Notes) -> Iterator[pd.DataFrame]:
    strong, rows = strong_moments(_chunks(table, note))
    predicted = predictions(predictor, strong[None])
    predicted.insert(0, "file", cell(table.path))
    predicted.insert(1, "rows", rows)
    yield predicted


def predictions(predictor: AUClassifier, intensities: np.ndarray) -> pd.DataFrame:
    """Return emotion, confidence, the probability of each class and reasons; rows of NaN intensities have none."""
    seen = ~np.isnan(intensities[:, 0])
    shown = intensities[seen]
    probabilities = predictor.predict_proba(shown)
    distribution = np.round(probabilities.astype(np.float64), 4)
    frame = pd.DataFrame(distribution, columns=predictor.classes)
    frame.insert(0, "emotion", np.array(predictor.classes, object)[probabilities.argmax(axis=1)])
    frame.insert(1, "confidence", distribution.max(axis=1, initial=0))
    frame["reasons"] = predictor.reasons(shown, probabilities)
    if seen.all():
        return frame
    frame.index = pd.Index(np.flatnonzero(seen))
    return frame.reindex(range(len(seen)))


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
def _written(path: Path | None) -> Iterator[TextIO]:
    """Yield a stream to write to: stdout, or a file that appears under its name when all is written."""
    if path is None:
        with until_closed():
            yield sys.stdout
        return
    is_stream = path.exists() and not path.is_file() and not path.is_dir()
    if is_stream:  # a device or pipe cannot be replaced, only written to
        with path.open("w", encoding="utf-8") as stream:
            yield stream
        return
    with within("--output"), whole_file(path) as partial, partial.open("w", encoding="utf-8") as stream:
        yield stream
