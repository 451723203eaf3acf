"""The work of `mien image`: photos in; annotated pictures, tables of faces and of emotion counts out."""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mien._io.atomic import output_file
from mien._io.errors import InputError, note, printable, within
from mien._io.output import LinePrinter, cell, shown
from mien._io.outputs import Output, check_folder_name, check_outputs, check_suffix
from mien.inference.annotate import add_title, annotate_faces
from mien.inference.explain import draw_explanations, explain
from mien.inference.face import UNSURE, Face
from mien.inference.faces.detectors import NoDetector
from mien.inference.pictures.photo_files import SUFFIXES, WRITABLE, find_photos, read_photo, write_photo
from mien.inference.recognizer import EmotionRecognizer

_TABLES = ("file,faces,", "file,face,left,")  # how they begin


@dataclass(frozen=True)
class PhotoOutputs:
    """Output files and folders; None for no output.

    Attributes:
        image: the annotated picture; for several photos, and if it names a folder, a folder of them.
        explained: the picture that explains the answers, or a folder of them.
        frequencies: a CSV, one row per photo: file, faces, the number of faces with each emotion, and of unsure faces
            if the recognizer has a `min_confidence`.
        faces: a CSV, one row per face: file, face (from 1, the largest first), then `EmotionRecognizer.columns`.
    """

    image: Output | None = None
    frequencies: Path | None = None
    faces: Path | None = None
    explained: Output | None = None

    def __post_init__(self) -> None:
        """Raise InputError if two outputs have the same path."""
        check_outputs(self._paths())

    @property
    def wanted(self) -> bool:
        """Whether there is any output."""
        return bool(self._paths())

    def _paths(self) -> list[Path]:
        pictures = [output.path for output in (self.image, self.explained) if output]
        return [*pictures, *(path for path in (self.frequencies, self.faces) if path)]


def read_photos(paths: Sequence[Path], recognizer: EmotionRecognizer, outputs: PhotoOutputs, as_json: bool) -> None:
    """Read all faces in photos; print one line or JSON object per photo. Unreadable photos are reported and skipped.

    If the reader of stdout closes it, as `head` does, the outputs are still written.

    Args:
        paths: photos, and folders of them.
        recognizer: reads the faces.
        outputs: what to write.
        as_json: print JSON instead of text.

    Raises:
        InputError: a photo could not be read (raised after all others are done), or an output cannot be written.
    """
    photos = find_photos(paths)
    if recognizer.action_note:
        note(recognizer.action_note)
    annotated = _picture_paths(photos, paths, outputs.image, "--annotated")
    explained = _picture_paths(photos, paths, outputs.explained, "--explain")
    inputs = [*photos, *(path for path in paths if path.is_dir())]
    targets = [*annotated.values(), *explained.values(), outputs.frequencies, outputs.faces]
    check_outputs(targets, inputs, _TABLES, may_add=True)
    _make_folders(annotated, outputs.image, "--annotated")
    _make_folders(explained, outputs.explained, "--explain")
    unreadable: list[Path] = []
    print_line = LinePrinter()
    with ExitStack() as stack:
        tables = _Tables(stack, outputs, photos, recognizer)
        for photo in tqdm(photos, "reading", unit=" photos", disable=None if len(photos) > 1 else True, delay=2):
            try:
                image = read_photo(photo, _note)
            except InputError as error:
                if len(photos) == 1:
                    raise
                unreadable.append(photo)
                tqdm.write(f"error: {error}", file=sys.stderr)
                continue
            if photo in explained:
                explanations = explain(recognizer, image)
                faces = [part.face for part in explanations]
                with within("--explain"), output_file(explained[photo]) as partial:
                    write_photo(partial, draw_explanations(explanations))
            else:
                faces = recognizer.predict_bgr(image)
            if photo in annotated:
                with within("--annotated"), output_file(annotated[photo]) as partial:
                    write_photo(partial, draw_faces(image, faces, recognizer))
            tables.add(photo, faces)
            with tqdm.external_write_mode(sys.stdout):
                print_line(_as_json(photo, faces) if as_json else _as_text(photo, faces))
            if print_line.is_closed and not outputs.wanted:
                break
    if unreadable:
        raise InputError(f"{len(unreadable)} of {len(photos)} photos could not be read, the first is {unreadable[0]}")


def draw_faces(image: np.ndarray, faces: Sequence[Face], recognizer: EmotionRecognizer) -> np.ndarray:
    """Return a picture, uint8 (height, width, 3) BGR, with annotated faces; a single face gets a title."""
    if isinstance(recognizer.detector, NoDetector):
        return add_title(image, faces[0])
    return annotate_faces(image, faces)


class _Tables:
    """The CSV files that were asked for."""

    def __init__(
        self, stack: ExitStack, outputs: PhotoOutputs, inputs: Sequence[Path], recognizer: EmotionRecognizer
    ) -> None:
        self._emotions = [*recognizer.classes_, *([UNSURE] if recognizer.min_confidence else [])]
        per_photo = ["file", "faces", *self._emotions]
        per_face = ["file", "face", *recognizer.columns]
        self._frequencies, self._faces = (
            stack.enter_context(_table(path, inputs, columns)) if path else None
            for path, columns in ((outputs.frequencies, per_photo), (outputs.faces, per_face))
        )

    def add(self, photo: Path, faces: Sequence[Face]) -> None:
        name = cell(photo)
        if self._frequencies:
            counts = Counter(face.emotion for face in faces)
            self._frequencies.writerow([name, len(faces), *(counts[emotion] for emotion in self._emotions)])
        if self._faces:
            self._faces.writerows([name, number, *face.row()] for number, face in enumerate(faces, start=1))


@contextmanager
def _table(path: Path, inputs: Sequence[Path], columns: Sequence[str]) -> Iterator[Any]:
    with output_file(path, inputs) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        yield writer


def _picture_paths(
    photos: Sequence[Path], paths: Sequence[Path], output: Output | None, option: str
) -> dict[Path, Path]:
    """Return the path of an option's picture for each photo."""
    if output is None:
        return {}
    if len(paths) == 1 and not paths[0].is_dir() and not output.names_folder():
        check_suffix(option, output.path, WRITABLE)
        return {photos[0]: output.path}
    if not output.is_folder:
        check_folder_name(output.path, f"a folder for several photos in {option}")
    targets: dict[Path, Path] = {}
    for photo in photos:
        folder = next((path for path in paths if path.is_dir() and photo.is_relative_to(path)), photo.parent)
        name = photo.relative_to(folder)
        targets[photo] = output.path / f"{name}{_added_suffix(name.suffix.lower())}"
    for target, count in Counter(targets.values()).items():
        if count > 1:
            raise InputError(f"{option}: {count} photos would become {target}, expected different names")
    return targets


def _make_folders(targets: Mapping[Path, Path], output: Output | None, option: str) -> None:
    """Make the folders below an output for several photos; the folder of a single file must exist."""
    if output is None or list(targets.values()) == [output.path]:
        return
    try:
        for folder in {target.parent for target in targets.values()}:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{option}: {output.path} is not a folder for several photos ({error.strerror})") from None


def _note(text: str) -> None:
    with tqdm.external_write_mode(sys.stderr):
        note(text)


def _added_suffix(suffix: str) -> str:
    """Return the suffix to add to an annotated picture's name if its own format cannot be written."""
    if suffix in WRITABLE:
        return ""
    return ".jpg" if suffix in SUFFIXES else ".png"


def _as_text(photo: Path, faces: Sequence[Face]) -> str:
    return f"{printable(shown(photo))}: {', '.join(face.label for face in faces) or 'no face found'}"


def _as_json(photo: Path, faces: Sequence[Face]) -> str:
    return json.dumps({"file": shown(photo), "faces": [face.to_dict() for face in faces]})
