"""Subtracts a person's resting face before emotions are read: some people's brows are low at rest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from mien._io.errors import InputError
from mien.aus.readers import AuFile, Chunk
from mien.inference.aus.strong_moments import Person, quantiles_by_person, rows_by_person

#: The word for the median of the table itself.
MEDIAN = "median"


@dataclass(frozen=True)
class RestingFaces:
    """The intensities of faces at rest. They are medians, which a minority of expressive rows does not change.

    Attributes:
        everyone: float32 (AUs,), for people who are not in `by_person`; None if unknown.
        by_person: float32 (AUs,), for each person.
        columns: what tells people apart.
    """

    everyone: np.ndarray | None = None
    by_person: dict[Person, np.ndarray] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    @classmethod
    def of_people(cls, table: AuFile) -> "RestingFaces":
        """Take the median of each person's rows in a table.

        Raises:
            InputError: nobody has a second row, as in a table of photos: subtraction would leave nothing.
        """
        columns = table.people.persons
        people = quantiles_by_person(table.chunks(), columns)
        if max(rows.rows for rows in people.values()) == 1:
            by = f" ({table.people.told_apart(columns)})" if len(people) > 1 else ""
            each = "source" if table.people.who == "sources" else "person"
            raise InputError(f"{table.path}: found one row per {each}{by}, expected several for --baseline {MEDIAN}")
        return cls(by_person={name: rows.at(0.5) for name, rows in people.items()}, columns=columns)

    @classmethod
    def of_everyone(cls, chunks: Iterable[Chunk]) -> "RestingFaces":
        """Take the median of all rows of a table of neutral faces. It is NaN if no row counts."""
        return cls(quantiles_by_person(chunks, ())[()].at(0.5))

    def subtract(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yield chunks with intensities minus those at rest, at least 0."""
        for chunk in chunks:
            intensities = chunk.intensities.copy()
            for person, rows in rows_by_person(chunk, self.columns):
                resting = self.by_person.get(person, self.everyone)
                if resting is not None:
                    intensities[rows] = np.clip(intensities[rows] - resting, 0, 100)
            yield replace(chunk, intensities=intensities)
