"""Adds faces from a further source to the training split. Some of its people are held out for evaluation."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from mien._io.errors import InputError, within
from mien._io.parallel import Executor
from mien._io.tables import read_csv
from mien._io.urls import locate
from mien.config import ExtraFaces
from mien.data.arrays import Images, open_npy
from mien.data.balance import additions, class_targets
from mien.data.decode import Decoder
from mien.data.faces import face_notes, without_face
from mien.data.labels import LabelNames
from mien.data.pixel_file import PixelFile, read_images
from mien.data.readers.opening import open_source
from mien.data.readers.source import Source
from mien.splits import stratified_group_split


@contextmanager
def with_extra_faces(
    train: Images,
    section: ExtraFaces,
    index_path: Path,
    folder: Path,
    held_out: str,
    seed: int,
    executor: Executor,
    decoder: Callable[[], Decoder],
    portrait_notes: Callable[[Source, np.ndarray], list[str]],
) -> Iterator[tuple[Images, list[str]]]:
    """Yield the training images, followed by those of a further source if there is one, and notes.

    The images are memory-mapped from a file that is deleted when the block ends.

    Faces that do not join train are written under the name `held_out`. Unreadable images, images without a face, images
    of other classes and known pixels are left out and counted in notes.

    Args:
        train: images that the faces join. The faces get their size and classes and, where they have votes, votes.
        section: what is read, and how.
        index_path: one row per image of train, validation and test, with the column hash.
        folder, held_out: of the faces that do not join; the folder exists.
        seed: of the choice of people.
        executor: reads the images.
        decoder: makes the decoder of the images, which finds the faces; called only if there is a source.
        portrait_notes: tells whether a source without a detector shows whole portraits, by the sizes of its images.

    Raises:
        InputError: the source cannot be read, a name holds no person, or a split would be empty.
    """
    if section.source.path is None:
        yield train, []
        return
    labels = LabelNames.of({}, "skip", train.classes)
    with within("oversample_augment.extra.detector"):
        decodes = decoder()
    location = locate(section.source)
    with PixelFile(folder / ".extra_pixels", train.size) as pixels, open_source(location, labels, decodes) as source:
        index = read_images(source, pixels, executor)
        left_out = _left_out(index, train.classes, read_csv(index_path)["hash"])
        rows = np.flatnonzero(left_out == "")
        with within(f"{location}: oversample_augment.extra"):
            is_test, split = _held_out(index.iloc[rows], section, seed)
        notes = [*source.notes, *face_notes(index, section.face)]
        if section.detector == "none":
            notes += portrait_notes(source, index[["width", "height"]].to_numpy())
        notes += [f"{count:,} images left out: {why}" for why, count in left_out[left_out != ""].value_counts().items()]
        notes.append(f"{(~is_test).sum():,} faces are added to train, {is_test.sum():,} are held out; {split}")
        faces = Images(pixels.memmap(), _numbers(index["emotion"], train.classes), train.classes)
        _rows(faces, rows[is_test]).save(folder, held_out)
        extra = _rows(faces, rows[~is_test])
        copied = _copied(extra, section.ratio, seed)
        if len(copied):
            notes.append(f"{len(copied):,} copies raise rare classes of the added faces")
        joined = folder / ".joined.npy"
        everything = np.concatenate([np.arange(len(extra.labels)), copied])
        yield _join(train, _rows(extra, everything), joined), [f"{location}: {note}" for note in notes]
        joined.unlink()


def person_of(origin: str, pattern: str) -> str:
    """Return the person in an image: the first group of a pattern in its file name, without folders and suffix.

    Raises:
        InputError: the pattern does not fit the name.
    """
    stem = re.split(r"[/\\]", origin)[-1].rpartition(".")[0]
    match = re.fullmatch(pattern, stem)
    if match is None:
        raise InputError(f"person: found {stem!r}, which the pattern {pattern!r} does not fit")
    return match[1]


def _numbers(emotions: pd.Series, classes: Sequence[str]) -> np.ndarray:
    """Return the labels of images. Other classes get an unused label."""
    return pd.Index(classes).get_indexer(pd.Index(emotions)).astype(np.uint8)


def _rows(images: Images, rows: np.ndarray) -> Images:
    return Images(np.asarray(images.pixels[rows]), images.labels[rows], images.classes)


def _copied(images: Images, ratio: float, seed: int) -> np.ndarray:
    """Return the rows to repeat, so that each class that occurs has `ratio` times the images of the largest one."""
    counts = {name: count for name, count in images.counts().items() if count}
    return additions(images, class_targets(counts, ratio, {}), np.random.default_rng(seed))


def _join(train: Images, extra: Images, path: Path) -> Images:
    """Return the images of both, the first ones first; pixels are written to an .npy file and mapped from it."""
    with open_npy(path, (len(train.labels) + len(extra.labels), train.size, train.size)) as file:
        for images in (train, extra):
            images.pixels.tofile(file)
    votes = None if train.votes is None else np.concatenate([train.votes, extra.targets()])
    pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    labels = np.concatenate([train.labels, extra.labels])
    return Images(pixels, labels, train.classes, votes, np.arange(len(labels)) >= len(train.labels))


def _held_out(index: pd.DataFrame, section: ExtraFaces, seed: int) -> tuple[np.ndarray, str]:
    """Return which images are held out, bool (N,), and how they were chosen."""
    if index["split"].notna().any():
        return (index["split"] != "train").to_numpy(), "the source names them"
    people = index["origin"].map(lambda origin: person_of(origin, section.person))
    test = stratified_group_split(index["emotion"], people, section.test_share, "test_share", seed)
    is_test = index.index.isin(test)
    return is_test, f"they are of {people[~is_test].nunique():,} and {people[is_test].nunique():,} people"


def _left_out(index: pd.DataFrame, classes: list[str], hashes: pd.Series) -> pd.Series:
    """Return why each image is left out; empty if it is not."""
    is_known = index["hash"].isin(hashes) | index["hash"].duplicated()
    reasons = pd.Series("", index=index.index)
    reasons[is_known] = "equal to an earlier image, or to one of data/fer"
    reasons[~index["emotion"].isin(classes)] = f"of another class than {', '.join(classes)}"
    reasons[index["hash"] == ""] = "unreadable"
    reasons[without_face(index)] = "without a face"
    return reasons
