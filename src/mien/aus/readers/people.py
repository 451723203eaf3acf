"""By which columns the people of an AU table are told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.aus.readers.column_names import plain
from mien.aus.readers.csv_cells import read_cells, skip_preamble
from mien.aus.readers.formats import has_aus
from mien.aus.readers.forms import as_csv
from mien.aus.readers.identity import (
    FRAME,
    NAME,
    PEOPLE,
    PERSON,
    PERSON_NAMES,
    SOURCE,
    TIMESTAMP,
    identity_columns,
    is_renamed,
)
from mien.aus.readers.names_of_faces import NamesOfFaces

_CHUNK_ROWS = 50_000
_OF_THE_MOMENT = frozenset(("speaker", "speakerid", "actor", "actorid"))  # they may tell who acts now


@dataclass(frozen=True)
class People:
    """How people are told apart.

    Attributes:
        given: the name in the table of each of the columns PEOPLE that it has.
        ignored: why the column NAME tells nobody apart, for a note; empty if it does, or is not there.
    """

    given: Mapping[str, str]
    ignored: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that tell rows of people apart: of a person in two sources, too."""
        return tuple(name for name in PEOPLE if name in self.given and not (name == NAME and self.ignored))

    @property
    def persons(self) -> tuple[str, ...]:
        """The columns that tell people apart: names do so across sources, numbers within one."""
        return (PERSON,) if self.named else self.columns

    @property
    def named(self) -> bool:
        """Whether PERSON is a column of names, not of numbers."""
        return plain(self.given.get(PERSON, "")) in set(map(plain, PERSON_NAMES))

    @property
    def who(self) -> str:
        """What `persons` tell apart, for a count."""
        return "sources" if self.persons == (SOURCE,) else "people"

    def told_apart(self, columns: Sequence[str]) -> str:
        """Return by what people are told apart, in words; empty if they are not."""
        given = [(name, self.given[name]) for name in columns]
        words = [f"{name} (the column {column})" if is_renamed(column) else name for name, column in given]
        return f"told apart by {' and '.join(words)}" if words else ""


def people_of(path: Path, given: Mapping[str, str]) -> People:
    """Return how the people of a table are told apart. Reads a table with names beside face numbers; not a pipe.

    Args:
        path: the table.
        given: the name in the table of each of the columns PEOPLE that it has.
    """
    people = People({name: given[name] for name in PEOPLE if name in given})
    if NAME not in given:
        return people
    name, number = given[NAME], given[PERSON]
    if path.is_file():
        changes = not _names_of_faces(path).name_people
        why = f"{name} changes within a face ({number}), so it names no person and tells nobody apart"
    else:
        changes = plain(name) in _OF_THE_MOMENT
        why = f"{name} may change within a face ({number}), which a pipe cannot tell in advance: it tells nobody apart"
    return People(people.given, why) if changes else people


def _names_of_faces(path: Path) -> NamesOfFaces:
    names_of_faces = NamesOfFaces()
    with path.open("rb") as file:
        stream = as_csv(file, has_aus).stream
        names, separator, _ = skip_preamble(stream, has_aus)
        columns = identity_columns(names)
        moment = columns.get(FRAME, columns.get(TIMESTAMP))
        wanted = {"source": columns.get(SOURCE), "moment": moment}
        known = {key: position for key, position in wanted.items() if position is not None}
        positions = [columns[NAME], columns[PERSON], *known.values()]
        for cells in read_cells(stream, separator, len(names), [], positions, _CHUNK_ROWS):
            further = {key: cells[position] for key, position in known.items()}
            names_of_faces.add(cells[columns[NAME]], cells[columns[PERSON]], **further)
    return names_of_faces
