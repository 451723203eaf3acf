"""What `mien image` does: photos in; annotated pictures, tables of faces and of emotion frequencies out."""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from mien._io.errors import InputError, printable, within
from mien._io.output import cell, shown, until_closed, whole_file
from mien.inference.annotate import annotate, titled
from mien.inference.detectors import Box, NoDetector
from mien.inference.photo_files import SUFFIXES, find_photos, read_photo, write_photo
from mien.inference.recognizer import COLUMNS, EmotionRecognizer, Face

if TYPE_CHECKING:
    from mien.actions.suggest import Suggest


@dataclass(frozen=True)
class PhotoOutputs:
    """Where results go; None for nowhere.

    image: of one photo the annotated picture, of several a folder of them. frequencies: a CSV with a row a photo: file,
    faces, and how many show each emotion. faces: a CSV with a row a face: file, face (from 1, the largest first), box,
    emotion, confidence, the probability of each emotion and, where actions are named, action.
    """

    image: Path | None = None
    frequencies: Path | None = None
    faces: Path | None = None


def read_photos(
    paths: Sequence[Path], reader: EmotionRecognizer, outputs: PhotoOutputs, as_json: bool, suggest: "Suggest | None"
) -> None:
    """Read all faces of photos; print a line a photo, or a JSON object each. A bad photo is named, the others are done.

    Args:
        paths: photos, and folders of them.
        suggest: what names an action for each face; None for no actions.

    Raises:
        InputError: a photo could not be read, when all others are done; or an output cannot be written.
    """
    photos = find_photos(paths)
    pictures = _pictures(photos, paths, outputs.image)
    bad: list[Path] = []
    with until_closed(), ExitStack() as stack:
        tables = _Tables(stack, outputs, photos, reader.classes, suggest)
        for photo in tqdm(photos, "reading", unit=" photos", disable=None if len(photos) > 1 else True, delay=2):
            try:
                image = read_photo(photo)
            except InputError as error:
                if len(photos) == 1:
                    raise
                bad.append(photo)
                tqdm.write(f"error: {error}", file=sys.stderr)
                continue
            faces = reader.read(image)
            if photo in pictures:
                with within("--annotated"), whole_file(pictures[photo], photos) as partial:
                    write_photo(partial, _drawn(image, faces, isinstance(reader.detector, NoDetector), suggest))
            tables.add(photo, faces)
            told = _as_json(photo, faces, reader.classes, suggest) if as_json else _as_text(photo, faces, suggest)
            tqdm.write(told, file=sys.stdout)
    if bad:
        raise InputError(f"{len(bad)} of {len(photos)} photos could not be read, of which {bad[0]} is the first")


def _said(face: Face, suggest: "Suggest | None") -> str:
    action = f": {suggest(face.probabilities)}" if suggest else ""
    return f"{face.emotion} {face.confidence:.0%}{action}"


def _drawn(image: np.ndarray, faces: Sequence[Face], is_crop: bool, suggest: "Suggest | None") -> np.ndarray:
    labels = [_said(face, suggest) for face in faces]
    emotions = [face.emotion for face in faces]
    if is_crop:
        return titled(image, emotions[0], labels[0])
    return annotate(image, [face.box for face in faces], emotions, labels)


class _Tables:
    """The CSV files that were asked for."""

    def __init__(
        self,
        stack: ExitStack,
        outputs: PhotoOutputs,
        inputs: Sequence[Path],
        classes: Sequence[str],
        suggest: "Suggest | None",
    ) -> None:
        self._classes, self._suggest = classes, suggest
        of_photo = ["file", "faces", *classes]
        of_face = ["file", "face", *COLUMNS, *classes, *(["action"] if suggest else [])]
        self._frequencies, self._faces = (
            stack.enter_context(_table(path, inputs, columns)) if path else None
            for path, columns in ((outputs.frequencies, of_photo), (outputs.faces, of_face))
        )

    def add(self, photo: Path, faces: Sequence[Face]) -> None:
        name = cell(photo)
        if self._frequencies:
            counts = Counter(face.emotion for face in faces)
            self._frequencies.writerow([name, len(faces), *(counts[emotion] for emotion in self._classes)])
        if self._faces:
            for number, face in enumerate(faces, start=1):
                action = [self._suggest(face.probabilities)] if self._suggest else []
                self._faces.writerow([name, number, *face.row(), *action])


@contextmanager
def _table(path: Path, inputs: Sequence[Path], columns: Sequence[str]) -> Iterator[Any]:
    with whole_file(path, inputs) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        yield writer


def _pictures(photos: Sequence[Path], paths: Sequence[Path], output: Path | None) -> dict[Path, Path]:
    """Return where the annotated picture of each photo goes; the folder for several is there then."""
    if output is None:
        return {}
    if len(paths) == 1 and not paths[0].is_dir():
        if output.suffix.lower() not in SUFFIXES:
            raise InputError(f"--annotated: found {str(output)!r}, expected a name that ends in {', '.join(SUFFIXES)}")
        return {photos[0]: output}
    places: dict[Path, Path] = {}
    for photo in photos:
        folder = next((path for path in paths if path.is_dir() and photo.is_relative_to(path)), photo.parent)
        name = photo.relative_to(folder)
        suffix = "" if name.suffix.lower() in SUFFIXES else ".png"
        places[photo] = output / f"{name}{suffix}"
    for place, times in Counter(places.values()).items():
        if times > 1:
            raise InputError(f"--annotated: {times} photos would become {place}, expected different names")
    try:
        for folder in {place.parent for place in places.values()}:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--annotated: {output} is no folder for several photos ({error.strerror})") from None
    return places


def _as_text(photo: Path, faces: Sequence[Face], suggest: "Suggest | None") -> str:
    said = ", ".join(_said(face, suggest) for face in faces) or "no face found"
    return f"{printable(shown(photo))}: {said}"


def _as_json(photo: Path, faces: Sequence[Face], classes: Sequence[str], suggest: "Suggest | None") -> str:
    listed = []
    for face in faces:
        of_face = dict(zip((*COLUMNS, *classes), face.row(), strict=True))
        listed.append(
            {
                "box": {name: of_face[name] for name in Box._fields},
                "emotion": face.emotion,
                "confidence": of_face["confidence"],
                "probabilities": {name: of_face[name] for name in classes},
                **({"action": suggest(face.probabilities)} if suggest else {}),
            }
        )
    return json.dumps({"file": shown(photo), "faces": listed})
