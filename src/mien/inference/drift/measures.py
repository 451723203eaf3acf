"""Measures the faces of a folder, a zip or a table."""

import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from mien._io.csv_table import read_csv_table
from mien._io.errors import InputError, first_line, note
from mien._io.quiet import quiet_reading
from mien.data.decode import MAX_BYTES
from mien.inference.faces.detectors import NoDetector, crops
from mien.inference.networks.features import FeatureReader
from mien.inference.pictures.photo_files import SUFFIXES, decode_photo, find_photos
from mien.inference.recognizer import EmotionRecognizer

#: The measures of a face: `size` is the height of its box in pixels, brightness and contrast are mean and
#: standard deviation of the grey levels of the crop that the network sees, sharpness that of its Laplacian.
MEASURES = ("brightness", "contrast", "sharpness", "size", "confidence")
#: The measure that `feature_scores` computes from features.
FEATURES = "features"
#: The columns of a table of measures. Behind them stand the features of the face, one column each: feature_1_5f3a90bc,
#: .., which end in `FeatureReader.network`, as features of two networks cannot be compared.
COLUMNS = ("file", "face", *MEASURES, "emotion")

_FEATURE = re.compile(r"feature_\d+_[0-9a-f]{8}")
_PIXELS = "pixels"  # the column of fer2013.csv
_DIGITS = 3  # of features
_EMPTY = ["", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NULL"]  # not None, which may be an emotion
_KIND = "a folder or zip of pictures, or a CSV of faces, such as mien image --faces-csv writes"


@dataclass(frozen=True)
class Faces:
    """The measures of a set of faces.

    Attributes:
        table: one row per face: MEASURES, emotion and features, as far as known.
        per_photo: the number of faces in each photo; None without photos, or if each photo is one face.
    """

    table: pd.DataFrame
    per_photo: np.ndarray | None = None

    @property
    def features(self) -> pd.DataFrame:
        """The columns of features in the table."""
        return self.table[[name for name in self.table if _FEATURE.fullmatch(str(name))]]


def read_faces(path: Path, recognizer: Callable[[], EmotionRecognizer]) -> Faces:
    """Measure the faces of a folder or zip of pictures, or read them from a table.

    Args:
        path: the folder, zip or table.
        recognizer: makes the recognizer for pictures; not called for a table.

    Raises:
        InputError: the path is none of these or is damaged, no face was found, or a table has no known column.
    """
    if path.is_dir():
        photos = find_photos([path])
        return _measured(path, ((str(photo), _file(photo)) for photo in photos), len(photos), recognizer())
    if not path.exists():
        raise InputError(f"{path}: no such file or folder, expected {_KIND}")
    if holds_pictures(path):
        with _opened(path) as archive:
            entries = [info for info in archive.infolist() if _is_photo(info.filename)]
            return _measured(
                path, ((info.filename, _entry(archive, info)) for info in entries), len(entries), recognizer()
            )
    return Faces(_read_table(path))


def holds_pictures(path: Path) -> bool:
    """Tell whether a path is a folder or zip of pictures, and not a table."""
    return path.is_dir() or path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise InputError(f"{path}: not a whole zip file ({first_line(error)}), expected {_KIND}") from None


def _file(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError:
        return None


def _is_photo(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.suffix.lower() in SUFFIXES and not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
    try:
        return archive.read(info) if info.file_size <= MAX_BYTES else None
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError):
        return None


def _measured(
    path: Path, photos: Iterator[tuple[str, bytes | None]], total: int, recognizer: EmotionRecognizer
) -> Faces:
    """Measure the faces of photos: names, and files (None if unreadable)."""
    reader = _feature_reader(recognizer)
    rows: list[tuple[object, ...]] = []
    counts: list[int] = []
    unreadable: list[str] = []
    with quiet_reading():
        for name, data in tqdm(photos, f"reading {path.name}", total, unit=" photos", disable=None, delay=2):
            try:
                faces = _of_photo(data, recognizer, reader)
            except InputError:
                unreadable.append(name)
                continue
            counts.append(len(faces))
            rows += [(name, number, *values) for number, values in enumerate(faces, start=1)]
    if unreadable:
        note(f"{path}: {len(unreadable):,} of {total:,} photos cannot be read, the first is {unreadable[0]}")
    if not rows:
        raise InputError(f"{path}: found no face in {total:,} photos, expected {_KIND}")
    is_crops = isinstance(recognizer.detector, NoDetector)
    names = feature_names(reader.network, len(rows[0]) - len(COLUMNS)) if reader else []
    return Faces(pd.DataFrame(rows, columns=[*COLUMNS, *names]), None if is_crops else np.array(counts))


def feature_names(network: str, count: int) -> list[str]:
    """Return the names of the columns of features. network: see `FeatureReader`."""
    return [f"feature_{number}_{network}" for number in range(1, count + 1)]


def _feature_reader(recognizer: EmotionRecognizer) -> FeatureReader | None:
    """Return the reader of features; None, with a note, if the network has no features."""
    path = recognizer.classifier.path
    try:
        return FeatureReader(path)
    except LookupError as error:
        note(f"{path}: features are not compared: {error}")
        return None


def _of_photo(
    data: bytes | None, recognizer: EmotionRecognizer, reader: FeatureReader | None
) -> list[tuple[object, ...]]:
    """Return measures, emotion and features of each face in a photo."""
    if data is None:
        raise InputError("cannot be read")
    image = decode_photo(data, lambda _: None)
    detections = recognizer.detector.detect(image)
    boxes = [detection.box for detection in detections]
    faces = recognizer.to_faces(boxes, recognizer.read(image, detections))
    pixels = crops(image, detections, recognizer.classifier.size)
    features = reader.read(pixels).astype(np.float64).round(_DIGITS).tolist() if reader else [[]] * len(faces)
    return [
        (*_of_crop(crop), face.box.height, round(face.confidence, 4), face.emotion, *values)
        for crop, face, values in zip(pixels, faces, features, strict=True)
    ]


def _of_crop(crop: np.ndarray) -> tuple[float, float, float]:
    """Return brightness, contrast and sharpness of a face, uint8 (size, size)."""
    edges = cv2.Laplacian(crop, cv2.CV_64F)
    return round(float(crop.mean()), 2), round(float(crop.std()), 2), round(float(edges.std()), 2)


def _read_table(path: Path) -> pd.DataFrame:
    """Return the measures in a table of faces. Without a column size, the height of the box is the size."""
    table = read_csv_table(path, _KIND, dtype={"emotion": "str"}, keep_default_na=False, na_values=_EMPTY)
    if any(str(name).strip().lower() == _PIXELS for name in table):
        raise InputError(f"{path}: has the pixels of faces, not their measures; make pictures of it: mien convert")
    if "size" not in table and "height" in table:
        table["size"] = table["height"]
    known = [name for name in (*MEASURES, "emotion") if name in table]
    known += Faces(table).features.columns.tolist()
    if not known:
        found = ", ".join(map(str, table.columns[:10]))
        raise InputError(f"{path}: found columns {found}, expected some of {', '.join((*MEASURES, 'emotion'))}")
    faces = _with_numbers(path, table[known])
    if empty := len(table) - len(faces):
        note(f"{path}: {empty:,} of {len(table):,} rows without a face left out")
    return faces


def _with_numbers(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    table = table.dropna()  # frames of a video without a face
    rows = table.index + 1
    table = table.reset_index(drop=True)
    for name in [name for name in table if name != "emotion"]:
        numbers = pd.to_numeric(table[name], errors="coerce")
        if len(bad := table[name][~np.isfinite(numbers.to_numpy(float))]):
            raise InputError(
                f"{path}: row {rows[bad.index[0]]}, column {name}: found {str(bad.iloc[0])!r}, expected numbers"
            )
        table[name] = numbers
    return table


def write_table(faces: Faces, path: Path) -> None:
    """Write the measures of faces as CSV for `read_faces`."""
    table = faces.table
    if "file" in table:
        table = table.assign(file=[os.fsencode(name).decode("utf-8", "backslashreplace") for name in table["file"]])
    table.to_csv(path, index=False, lineterminator="\n")


def shared(sets: Sequence[Faces]) -> list[str]:
    """Return the measures that all sets have, and "emotion" if all have it. A note names the others."""
    names = [name for name in (*MEASURES, FEATURES, "emotion") if any(name in faces.table for faces in sets)]
    both = [name for name in names if all(name in faces.table for faces in sets)]
    if left_out := [name for name in names if name not in both]:
        note(f"not compared, because one table lacks it: {', '.join(left_out)}")
    return both
