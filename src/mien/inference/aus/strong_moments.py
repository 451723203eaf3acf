"""Quantiles of Action Units over the rows of a person or clip, in bounded memory."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from mien.aus.facs import AUS
from mien.aus.readers import Chunk, keys

STRONG_SHARE = 0.9  # quantile that counts as a strong moment
_STEPS = 100  # bins per unit of intensity
_LEVELS = 100 * _STEPS + 1
_MAX_BUFFERED = _LEVELS // 2  # rows of 16 bits; above, counts of 32 bits take less memory


class Quantiles:
    """Quantiles of each AU over any number of rows, exact to 0.01. Few rows are stored; many are counted in bins.

    Attributes:
        rows: the number of rows so far.
    """

    def __init__(self) -> None:
        """Start without rows."""
        self.rows = 0
        self._buffer: list[np.ndarray] = []
        self._counts: np.ndarray | None = None

    def add(self, intensities: np.ndarray) -> None:
        """Add rows: float (N, AUs), 0..100."""
        if not len(intensities):
            return
        self.rows += len(intensities)
        self._buffer.append(np.rint(intensities * _STEPS).astype(np.uint16))
        if self._counts is not None or sum(map(len, self._buffer)) > _MAX_BUFFERED:
            self._counts = self._counted()
            self._buffer = []

    def at(self, share: float) -> np.ndarray:
        """Return for each AU the intensity that `share` of the rows do not exceed: float32 (AUs,); NaN without rows."""
        if not self.rows:
            return np.full(len(AUS), np.nan, np.float32)
        reached = self._counted().cumsum(axis=1) >= share * self.rows
        return (reached.argmax(axis=1) / _STEPS).astype(np.float32)

    def _counted(self) -> np.ndarray:
        counts = np.zeros((len(AUS), _LEVELS), np.uint32) if self._counts is None else self._counts
        if self._buffer:
            for column, count in zip(np.concatenate(self._buffer).T, counts, strict=True):
                count += np.bincount(column, minlength=_LEVELS).astype(np.uint32)
        return counts


def strong_moments(chunks: Iterable[Chunk]) -> tuple[np.ndarray, int]:
    """Return the 90th percentile of each AU over the reliable rows, and the number of these rows.

    In acted speech, the strong moments show the emotion; at other moments speech covers it. benchmarks/score_clips.py
    compares this with the mean over rows.

    Returns:
        float32 (AUs,), NaN if no row counts; and the number of rows.
    """
    quantiles = Quantiles()
    for chunk in chunks:
        quantiles.add(chunk.intensities[chunk.reliable])
    return quantiles.at(STRONG_SHARE), quantiles.rows


#: The cells of the columns that tell a person apart, as `keys`; empty if there are none.
Person: TypeAlias = tuple[str, ...]


def quantiles_by_person(chunks: Iterable[Chunk], columns: Sequence[str]) -> dict[Person, Quantiles]:
    """Return the quantiles of each person that columns tell apart, in order of first appearance."""
    people: dict[Person, Quantiles] = {}
    for chunk in chunks:
        for person, rows in rows_by_person(chunk, columns):
            people.setdefault(person, Quantiles()).add(chunk.intensities[rows[chunk.reliable[rows]]])
    return people


def rows_by_person(chunk: Chunk, columns: Sequence[str]) -> Iterable[tuple[Person, np.ndarray]]:
    """Yield each person in a chunk with the indices of their rows."""
    if not columns:
        return [((), np.arange(len(chunk.reliable)))]
    codes, people = pd.MultiIndex.from_frame(chunk.identity[[*columns]].apply(keys)).factorize()
    rows = np.split(np.argsort(codes, kind="stable"), np.bincount(codes).cumsum()[:-1])
    return zip(people, rows, strict=True)
