"""Which label names a source uses, so that a misspelt one is noticed."""

from collections.abc import Iterable
from difflib import get_close_matches

_MAX_KEPT = 10_000  # labels; words of file names may be many more
_SIMILARITY = 0.7


class SeenLabels:
    """The labels that a source was found to have. Parts of a cluster have their own, so there it says nothing."""

    def __init__(self) -> None:
        """Start empty."""
        self._labels: set[str] = set()
        self._is_partial = False

    def add(self, label: str) -> None:
        """Add a label, in lower case."""
        if len(self._labels) < _MAX_KEPT:
            self._labels.add(label)
        elif label not in self._labels:
            self._is_partial = True

    def leave_open(self) -> None:
        """Say nothing: labels are read elsewhere, too."""
        self._is_partial = True

    def unused_notes(self, named: Iterable[str]) -> list[str]:
        """Return one note on label names that no label has. named: the labels that have a name, in lower case."""
        unused = [] if self._is_partial else [label for label in named if label not in self._labels]
        if not unused:
            return []
        meant = next(iter(get_close_matches(unused[0], self._labels - {*named}, n=1, cutoff=_SIMILARITY)), None)
        hint = f"; did you mean {meant}?" if meant else ""
        return [f"--labels (prepare_fer.label_names): no image is labelled {', '.join(unused)}{hint}"]
