"""Notes on labels: what was left out, and what names or numbers may mean."""

from collections import Counter
from collections.abc import Iterable

from mien.data.labels import SKIP, LabelNames, naming
from mien.emotions import FER2013

_SHOWN = 10  # labels in a note


def counted(counts: Counter[str]) -> str:
    """Return names with their counts, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    more = f" and {len(ordered) - _SHOWN:,} more" if len(ordered) > _SHOWN else ""
    return ", ".join(f"{name} ({count:,})" for name, count in ordered[:_SHOWN]) + more


def unknown_note(counts: Counter[str], place: str) -> str:
    """Return the note on images that were left out because their labels name no emotion.

    Args:
        counts: numbers of images, by label.
        place: where the labels come from, such as "folder".
    """
    total = counts.total()
    return (
        f"{total:,} {'image was' if total == 1 else 'images were'} left out, as the {place} names no emotion: "
        f"{counted(counts)}; {naming(counts)}"
    )


def label_notes(labels: Iterable[str], names: LabelNames | None = None) -> list[str]:
    """Return notes on the rows of a CSV that were left out, and on label names that no label of the source has.

    Args:
        labels: of all rows, classes among them.
        names: what labels mean, as the source was read.
    """
    names = names or LabelNames()
    known = {*names.names}
    counts = Counter(label for label in labels if label not in known)
    skipped = counts.pop(SKIP, 0)
    return [
        *([unknown_note(counts, "label")] if counts else []),
        *([f"{skipped:,} {'image was' if skipped == 1 else 'images were'} left out, as --labels says"] * bool(skipped)),
        *names.seen.unused_notes(names.emotions),
    ]


def seven_notes(labels: Iterable[str], names: LabelNames) -> list[str]:
    """Return notes on the rows of a table that the number 7 may have made contempt.

    Args:
        labels: of all rows, classes among them.
        names: what labels mean, as the source was read.
    """
    contempt, count = names.with_fer2013().emotions.get("7", SKIP), Counter(labels)
    if contempt == SKIP or "7" in names.emotions or not count[contempt]:
        return []
    angry, *others = map(names.renamed, FER2013)
    is_shifted = angry not in count and all(map(count.__contains__, others))
    rows = "row is" if count[contempt] == 1 else "rows are"
    return [
        f"{count[contempt]:,} {rows} of {contempt}, which the number 7 means as in CK+; --labels 7={SKIP} "
        "(prepare_fer.label_names) leaves it out",
        *(["no label is 0 and some are 7: numbers of RAF-DB? " + naming(map(str, range(1, 8)))] if is_shifted else []),
    ]
