"""The people in images, by the names of the files."""

from collections.abc import Sequence

from mien.data.readers.label_files.file_names import CK_PLUS, FORMS, matching_form

_MIN_PEOPLE = 3  # one for each split


class People:
    """The people in images, by file name; nobody if fewer than half of the names have a known form.

    Attributes:
        notes: what the user should know.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Read the names of images."""
        form, matches = matching_form(names, (*FORMS, CK_PLUS))
        self._people = {name: match["person"].upper() for name, match in matches.items()}
        count = len({*self._people.values()})
        self.notes: list[str] = []
        if form and count >= _MIN_PEOPLE:
            self.notes = [f"{count:,} people are known from file names, as in {form.source}; nobody is in two splits"]
        elif form:
            self.notes = [
                f"{count} {'person is' if count == 1 else 'people are'} in it; where the source has no splits, images "
                "of one person get into several, which flatters figures"
            ]
            self._people = {}

    def person(self, name: str) -> str:
        """Return the person in an image; empty if unknown."""
        return self._people.get(name, "")
