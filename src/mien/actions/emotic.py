"""EMOTIC (Kosti et al. 2019): what people in photos feel, from Annotations.mat or from the usual CSV conversion."""

import ast
import json
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mien._io.csv_table import read_csv_table
from mien._io.errors import InputError
from mien.actions.matlab import as_list, as_number, field, read_mat

SPLITS = ("train", "val", "test")

_MIN_VAD, _MAX_VAD = 1, 10  # range of valence, arousal and dominance
_CONTINUOUS = ("valence", "arousal", "dominance")
_UNSPLIT = "all_labels.csv"
_KIND = "EMOTIC's Annotations.mat with train, val and test, or a folder with train.csv, val.csv or test.csv"


@dataclass(frozen=True)
class EmoticAnnotations:
    """People, with the feelings that annotators saw in them.

    Attributes:
        image: folder and file name, str (N,).
        split: one of SPLITS, str (N,).
        categories: bool (N, 26), in the order that `read_emotic` was given.
        vad: valence, arousal and dominance, 1..10, float (N, 3); NaN if not annotated.
    """

    image: np.ndarray
    split: np.ndarray
    categories: np.ndarray
    vad: np.ndarray

    def take(self, rows: np.ndarray) -> "EmoticAnnotations":
        """Return some of the people. rows: bool (N,) or indices."""
        return EmoticAnnotations(self.image[rows], self.split[rows], self.categories[rows], self.vad[rows])


def read_emotic(path: Path, categories: Sequence[str]) -> EmoticAnnotations:
    """Read the people of EMOTIC who have at least one category. Annotators are combined as EMOTIC does in val and test.

    The CSV files have one row per person with Folder, Filename, Categorical_Labels and Continuous_Labels; the labels
    are lists in brackets. If a folder has all_labels.csv (no header: "database/file_person.jpg", list of categories)
    instead of train.csv, its people whose image is in no other file become train, without valence, arousal and
    dominance.

    Args:
        path: Annotations.mat, or a folder with at least one of train.csv, val.csv and test.csv.
        categories: the names of EMOTIC's 26, in any case.

    Raises:
        InputError: the source is of another kind, a field is missing, or a value is invalid.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder, expected {_KIND}")
    people = list(_read_folder(path) if path.is_dir() else _read_mat(path))
    columns = {name.lower(): index for index, name in enumerate(categories)}
    shown = np.zeros((len(people), len(categories)), bool)
    vad = np.full((len(people), 3), np.nan)
    for row, person in enumerate(people):
        for name in person.categories:
            if name.lower() not in columns:
                raise InputError(f"{person.place}: found category {name!r}, expected one of {', '.join(categories)}")
            shown[row, columns[name.lower()]] = True
        vad[row] = _checked_vad(person.vad, person.place)
    annotated = shown.any(axis=1)
    if not annotated.any():
        raise InputError(f"{path}: found {len(people)} people, none with a category, expected some")
    image, split = (np.array([getattr(person, name) for person in people]) for name in ("image", "split"))
    return EmoticAnnotations(image[annotated], split[annotated], shown[annotated], vad[annotated])


class _Person(NamedTuple):
    image: str
    split: str
    categories: list[str]
    vad: Sequence[float]
    place: str


def _checked_vad(vad: Sequence[float], place: str) -> Sequence[float]:
    """Return valence, arousal and dominance; all are NaN if one is."""
    if len(vad) != len(_CONTINUOUS):
        raise InputError(f"{place}: found {list(vad)}, expected {', '.join(_CONTINUOUS)}")
    if any(value != value for value in vad):  # NaN
        return [np.nan] * len(_CONTINUOUS)
    if min(vad) < _MIN_VAD or max(vad) > _MAX_VAD:
        raise InputError(f"{place}: found {list(vad)}, expected {_MIN_VAD}..{_MAX_VAD}")
    return vad


def _read_folder(folder: Path) -> Iterator[_Person]:
    files = {split: folder / f"{split}.csv" for split in SPLITS if (folder / f"{split}.csv").exists()}
    if not files:
        raise InputError(f"{folder}: found no train.csv, val.csv or test.csv, expected {_KIND}")
    people = [person for split, path in files.items() for person in _read_csv(path, split)]
    yield from people
    if "train" not in files and (folder / _UNSPLIT).exists():
        known = {person.image for person in people}
        yield from (person for person in _read_unsplit(folder / _UNSPLIT) if person.image not in known)


def _read_csv(path: Path, split: str) -> Iterator[_Person]:
    table = read_csv_table(path, _KIND)
    names = ["Folder", "Filename", "Categorical_Labels", "Continuous_Labels"]
    if missing := [name for name in names if name not in table]:
        raise InputError(f"{path}: no column {missing[0]}, expected {', '.join(names)}")
    for row, (base, name, labels, numbers) in enumerate(table[names].itertuples(index=False, name=None), start=1):
        place = f"{path}, row {row}"
        yield _Person(
            _image_name(str(base), str(name)), split, _category_list(labels, place), _number_list(numbers, place), place
        )


def _read_unsplit(path: Path) -> Iterator[_Person]:
    table = read_csv_table(path, _KIND, header=None)
    if len(table.columns) != 2:
        raise InputError(f"{path}: found {len(table.columns)} columns, expected an image's name and its categories")
    for row, (name, labels) in enumerate(table.itertuples(index=False, name=None), start=1):
        base, _, file = str(name).rpartition("/")
        image = _image_name(base, f"{file.rpartition('_')[0]}{Path(file).suffix}")
        place = f"{path}, row {row}"
        yield _Person(image, "train", _category_list(labels, place), [np.nan] * 3, place)


def _image_name(folder: str, file: str) -> str:
    """Return the same name for an image in all forms: the folder is "mscoco" or "mscoco/images"."""
    return f"{folder.split('/')[0]}/{file}"


def _category_list(text: object, place: str) -> list[str]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of backslashes, which no name has
            names = ast.literal_eval(str(text))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{place}: found {text!r}, expected a list of categories such as ['Happiness', 'Peace']")
    return names


def _number_list(text: object, place: str) -> list[float]:
    try:
        numbers = json.loads(str(text).replace("nan", "NaN"))
    except (ValueError, RecursionError):
        numbers = None
    if not isinstance(numbers, list) or not all(isinstance(number, int | float) for number in numbers):
        raise InputError(f"{place}: found {text!r}, expected a list of numbers such as [7, 4, 6]")
    return numbers


def _read_mat(path: Path) -> Iterator[_Person]:
    splits = read_mat(path, list(SPLITS), _KIND)
    for split, images in splits.items():
        for index, image in enumerate(as_list(images), start=1):
            place = f"{path}: {split}({index})"
            name = _image_name(*(str(field(image, key, place)) for key in ("folder", "filename")))
            for person in as_list(field(image, "person", place)):
                categories, continuous = _annotations(person, place)
                yield _Person(name, split, sorted(categories), continuous, place)


def _annotations(person: Any, place: str) -> tuple[set[str], list[float]]:
    """Return the categories of all annotators and the mean of their valence, arousal and dominance.

    In val and test, annotators are combined already; train has one annotator.
    """
    if isinstance(person, dict) and "combined_categories" in person:
        categories = _words(person["combined_categories"])
        continuous = [field(person, "combined_continuous", place)]
    else:
        annotators = as_list(field(person, "annotations_categories", place))
        categories = {word for annotator in annotators for word in _words(field(annotator, "categories", place))}
        continuous = as_list(field(person, "annotations_continuous", place))
    vad = [[as_number(field(values, key, place), place) for key in _CONTINUOUS] for values in continuous]
    return categories, list(np.mean(vad, axis=0))


def _words(cell: Any) -> set[str]:
    words: Iterable[Any] = as_list(cell)
    return {str(word).strip() for word in words if str(word).strip()}
