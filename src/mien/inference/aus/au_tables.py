"""The work of `mien aus`: AU tables in, predictions out."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mien._io.errors import InputError, within
from mien._io.output import cell
from mien.aus.facs import AUS, JAW_DROP, MOUTH_STRETCH
from mien.aus.readers import (
    IDENTITY,
    PEOPLE,
    AuFile,
    Chunk,
    Missing,
    identity_values,
    open_aus,
    parse_intensity,
)
from mien.aus.readers.people import People
from mien.inference.aus.au_baseline import MEDIAN, RestingFaces
from mien.inference.aus.au_notes import Notes, read_chunks
from mien.inference.aus.au_output import csv_writer, json_writer, output_stream
from mien.inference.aus.strong_moments import STRONG_SHARE, Person, quantiles_by_person
from mien.inference.networks.au_classifier import AUClassifier
from mien.inference.networks.au_intensities import note_scale


@dataclass(frozen=True)
class TableOptions:
    """How tables are read, see `mien.aus.readers.open_aus`.

    Attributes:
        format_name: overrides the format that the header shows.
        missing: what to do if a required AU has no column.
        min_tool_confidence: how sure the tool must be of a face for its row to count, 0..1.
    """

    format_name: str | None = None
    missing: Missing = "fail"
    min_tool_confidence: float | None = None


#: A table, its chunks (possibly changed), the identity columns of the output, and the sink for notes.
_Predict = Callable[[AuFile, Iterable[Chunk], Collection[str], AUClassifier, "Notes"], Iterator[pd.DataFrame]]


def predict_files(
    files: Sequence[Path],
    classifier: AUClassifier,
    options: TableOptions,
    output: Path | None,
    as_json: bool,
    per_file: bool,
    baseline: Path | str | None = None,
) -> None:
    """Write the prediction of each row, or of each person in each file, to `output` or stdout; notes go to stderr.

    Columns: file, row (from 1; per file: rows, the number of rows that count), emotion, confidence, the probability of
    each emotion, and reasons. If a table has source (the photo or video), frame, timestamp, person and face_id, they
    come before emotion; per file, only source, person and face_id. Names of people are face_id in a table without it.
    A row or file without a reliable face, or an unreadable row,
    keeps its place with empty cells. JSON has one line per row.

    Args:
        files: AU tables. If one of several is bad, it is reported and the others are read.
        classifier: predicts.
        options: how tables are read.
        output: a file to write.
        as_json: write JSON instead of CSV.
        per_file: write one prediction per person and file, from strong moments.
        baseline: a table of neutral faces, or "median": the intensities at rest to subtract, see `RestingFaces`.

    Raises:
        InputError: a file is bad (raised after the others are done), or the output cannot be written. If no file can be
            read, there is no output.
    """
    if output and output.resolve() in [path.resolve() for path in files]:
        raise InputError(f"{output}: is both read and the --output, expected another name")
    predict: _Predict = _predict_people if per_file else _predict_rows
    resting = _resting_faces(baseline, options, classifier) if isinstance(baseline, Path) else None
    identity = _identity_columns(files, options, classifier)
    bad_files: list[Path] = []
    notes = Notes()
    with output_stream(output) as stream:
        write = json_writer(stream) if as_json else csv_writer(stream)
        for path in files:
            written = 0
            try:
                faces = _own_resting_faces(path, options, classifier, notes) if baseline == MEDIAN else resting
                with open_table(path, options, classifier) as table:
                    chunks = read_chunks(table, notes)
                    for frame in predict(
                        table,
                        faces.subtract(chunks) if faces else chunks,
                        identity or table.identity,
                        classifier,
                        notes,
                    ):
                        write(frame)
                        written += len(frame)
            except InputError as error:
                bad_files.append(path)
                if len(bad_files) == len(files):
                    raise
                kept = f"; its first {written:,} rows are in the output" if written else ""
                print(f"error: {error}{kept}", file=sys.stderr)
    if bad_files:
        raise InputError(f"{len(bad_files)} of {len(files)} tables could not be read, the first is {bad_files[0]}")


def _identity_columns(files: Sequence[Path], options: TableOptions, classifier: AUClassifier) -> list[str]:
    """Return the identity columns that any of the files has, as they share one header. Pipes can be read only once."""
    columns: dict[str, None] = {}
    for path in files if len(files) > 1 else ():
        if path.is_file():
            with suppress(InputError), open_table(path, options, classifier) as table:  # reported at its turn
                columns.update(dict.fromkeys(table.identity))
    return sorted(columns, key=IDENTITY.index)


def _resting_faces(path: Path, options: TableOptions, classifier: AUClassifier) -> RestingFaces:
    with within("--baseline"), open_table(path, options, classifier) as table:
        resting = RestingFaces.of_everyone(read_chunks(table, Notes()))
        if resting.everyone is None or np.isnan(resting.everyone).any():
            raise InputError(f"{path}: found no usable row, expected rows of a face at rest")
    return resting


def _own_resting_faces(path: Path, options: TableOptions, classifier: AUClassifier, notes: Notes) -> RestingFaces:
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is a pipe, which can be read only once; --baseline median reads twice")
    with open_table(path, options, classifier) as table:
        resting = RestingFaces.of_people(table)
    if table.people.ignored:
        notes(table.people.ignored, path, of_file=True)
    if (count := len(resting.by_person)) > 1:
        told_apart = table.people.told_apart(table.people.persons)
        notes(f"--baseline {MEDIAN} is of each of {count:,} {table.people.who}, {told_apart}", path, of_file=True)
    return resting


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
    note_scale(intensities)
    with output_stream(None) as stream:
        write = json_writer(stream) if as_json else csv_writer(stream)
        write(predict_frame(classifier, intensities))


def open_table(
    path: Path, options: TableOptions, classifier: AUClassifier, label: str | None = None
) -> AbstractContextManager[AuFile]:
    """Open a table for a classifier. label: the column of true emotions, if there is one."""
    return open_aus(
        path,
        format_name=options.format_name,
        missing=options.missing,
        needed=classifier.required_aus,
        label=label,
        min_tool_confidence=options.min_tool_confidence,
    )


def _predict_rows(
    table: AuFile, chunks: Iterable[Chunk], identity: Collection[str], classifier: AUClassifier, _: Notes
) -> Iterator[pd.DataFrame]:
    for chunk in chunks:
        rows = range(chunk.first_row, chunk.first_row + len(chunk.intensities))
        predicted = predict_frame(classifier, chunk.intensities)
        for name in reversed([*identity]):
            predicted.insert(0, name, chunk.identity.get(name))
        predicted.insert(0, "file", cell(table.path))
        predicted.insert(1, "row", rows)
        yield predicted


def _predict_people(
    table: AuFile, chunks: Iterable[Chunk], identity: Collection[str], classifier: AUClassifier, notes: Notes
) -> Iterator[pd.DataFrame]:
    known = table.people.columns
    people = quantiles_by_person(chunks, known)
    for text in _notes_on_people(table.people, [*people]):
        notes(text, table.path, of_file=True)
    predicted = predict_frame(classifier, np.stack([rows.at(STRONG_SHARE) for rows in people.values()]))
    predicted.insert(0, "file", cell(table.path))
    columns = dict(zip(known, zip(*people, strict=True), strict=True))
    for place, name in enumerate((name for name in PEOPLE if name in identity), start=1):
        predicted.insert(place, name, identity_values(pd.Series(columns[name])) if name in columns else None)
    predicted.insert([*predicted].index("emotion"), "rows", [rows.rows for rows in people.values()])
    yield predicted


def _notes_on_people(people: People, found: Sequence[Person]) -> Iterator[str]:
    if people.ignored:
        yield people.ignored
    if len(found) < 2:
        return
    count = len({person[-1] for person in found}) if people.named else len(found)
    told_apart = people.told_apart(people.columns)
    if count == len(found):
        yield f"has {count} {people.who}, {told_apart}: one row for each"
    else:
        sources = len({person[0] for person in found})
        who = "1 person" if count == 1 else f"{count} people"
        yield f"has {who} in {sources} sources, {told_apart}: {len(found)} rows, one for each person and source"
    if "" in {person[-1] for person in found}:
        yield f"rows without {people.columns[-1]} count as one of them"


def predict_frame(classifier: AUClassifier, intensities: np.ndarray) -> pd.DataFrame:
    """Return emotion, confidence, the probability of each class and reasons; empty for rows of NaN.

    Args:
        classifier: predicts.
        intensities: float32 (N, AUs), 0..100. Whoever read them has noted a doubtful scale.
    """
    has_face = ~np.isnan(intensities[:, 0])
    faces = intensities[has_face]
    probabilities = classifier.predict_proba(faces, scale_note=False)
    rounded = np.round(probabilities.astype(np.float64), 4)
    frame = pd.DataFrame(rounded, columns=classifier.classes_)
    frame.insert(0, "emotion", np.array(classifier.classes_, object)[probabilities.argmax(axis=1)])
    frame.insert(1, "confidence", rounded.max(axis=1, initial=0))
    frame["reasons"] = classifier.reasons(faces, probabilities)
    if has_face.all():
        return frame
    frame.index = pd.Index(np.flatnonzero(has_face))
    return frame.reindex(range(len(has_face)))
