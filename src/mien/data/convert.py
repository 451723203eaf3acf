"""Converts labelled image data sets: fer2013.csv to folders of PNG, any source to one .npz file."""

from pathlib import Path

import cv2
import numpy as np

from mien._io.atomic import output_file, output_folders
from mien._io.errors import InputError, note
from mien._io.outputs import check_folder_name, check_outputs, is_below
from mien._io.urls import Location
from mien.data import fer2013
from mien.data.decode import Decoder, decode
from mien.data.faces import face_notes, without_face
from mien.data.label_notes import label_notes, seven_notes
from mien.data.labels import LabelNames
from mien.data.pixel_file import PixelFile, read_images
from mien.data.readers.csv import SIDE, CsvSource
from mien.data.readers.opening import open_source
from mien.data.readers.source import Source

_ARCHIVE = "images.npy"  # near the beginning of an .npz of images


def convert(
    source: Location,
    target: Path,
    size: int,
    labels: LabelNames | None = None,
    decoder: Decoder = decode,
    face: str = "largest",
) -> None:
    """Write the images of `source` to `target`: one file if its name ends with .npz, else a folder.

    The same images give the same bytes. Notes on the source go to stderr.

    A fer2013.csv becomes a folder: `[split/]EMOTION/fer0000012.png`, 48 x 48 grey, numbered by row from 0. An .npz file
    contains images uint8 (N, size, size), labels uint8 (N,), classes (names, in the order of the labels) and splits
    (N,): train, validation, test, or empty if the source names none.

    Images are left out and counted if their label names no emotion or class of `labels`, or if a detector finds no
    face.

    Args:
        source: what `open_source` opens.
        target: a file, or a new or empty folder.
        size: of the images in an .npz file, in pixels.
        labels: what names of folders and cells mean.
        decoder: decodes image files; decoders other than `decode` find faces in them.
        face: which of several faces it takes, for notes.

    Raises:
        InputError: the source is damaged or has an unreadable image; or `target` is not an empty folder or cannot be
            written.
    """
    labels = labels or LabelNames()
    is_archive = target.suffix.lower() == ".npz"
    check_outputs([target], [source], [_ARCHIVE])
    if not is_archive:
        check_folder_name(target, "OUT.npz, or the name of a folder")
    if not is_archive and isinstance(source, Path) and source.is_dir() and is_below(source, target):
        raise InputError(f"{target}: is in {source}, which is read, expected a folder outside it")
    try:
        with open_source(source, labels, decoder) as images:
            if is_archive:
                _to_npz(images, target, size, labels, face)
            elif isinstance(images, CsvSource):
                _to_folder(images, target, labels)
            else:
                raise InputError(f"{target}: expected OUT.npz, as {source} is not a fer2013.csv to make folders of")
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror})") from None
    for text in images.notes:
        note(f"{source}: {text}")


def _to_folder(source: Source, target: Path, names: LabelNames) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: is there already and not empty, expected a new or empty folder")
    with output_folders(target.resolve()) as (folder,):
        labels: list[str] = []
        for batch in source.batches(SIDE):
            labels += [entry.emotion for entry in batch.entries]
            for entry, image in zip(batch.entries, batch.pixels, strict=True):
                if entry.emotion not in names.names:
                    continue
                path = folder / (entry.split or "") / entry.emotion / f"{entry.origin}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        source.notes.extend([*seven_notes(labels, names), *label_notes(labels, names)])


def _to_npz(source: Source, target: Path, size: int, names: LabelNames, face: str) -> None:
    inputs = [source.path] if isinstance(source.path, Path) else []
    with (
        output_file(target, inputs) as scratch,
        PixelFile(scratch.with_suffix(".pixels"), size) as pixels,
        scratch.open("wb") as file,
    ):
        index = read_images(source, pixels)
        unreadable = index.loc[index["width"].isna(), "origin"]
        if len(unreadable):
            raise InputError(f"{source.path}: {unreadable.iloc[0]}: not a readable image ({len(unreadable)} in all)")
        source.notes.extend(fer2013.describe(index, names))
        source.notes.extend([*label_notes(index["emotion"], names), *face_notes(index, face)])
        is_missing = without_face(index)
        classes = names.in_order(index.loc[~is_missing, "emotion"])
        if not classes:
            raise InputError(f"{source.path}: {'; '.join(source.notes)}: expected some images of a class")
        is_known = (index["emotion"].isin(classes) & ~is_missing).to_numpy()
        images, index = pixels.memmap(), index[is_known]
        np.savez(
            file,
            images=images if is_known.all() else images[is_known],
            labels=np.array([classes.index(emotion) for emotion in index["emotion"]], np.uint8),
            classes=np.array(classes),
            splits=index["split"].fillna("").to_numpy("U"),
        )
