"""The labels of images that are not in folders of emotions, whatever form they have."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from mien.data.labels import LabelNames

#: Returns the content of a file of the source, None if it cannot be read.
ReadFile = Callable[[str], bytes | None]


@dataclass(frozen=True)
class FileLabels:
    """Labels of images by their names in the source.

    Attributes:
        emotions: the class of each image; None or "skip" for one to leave out.
        notes: what the user should know.
        files: hold the labels.
        splits: the split of each image, if the labels name splits.
        noted: images without a class that `notes` count.
    """

    emotions: Mapping[str, str | None]
    notes: list[str]
    files: Collection[str] = ()
    splits: Mapping[str, str | None] = field(default_factory=dict)
    noted: Collection[str] = ()

    def labels(self, name: str) -> tuple[str | None, str | None]:
        """Return the class ("skip" to leave it out) and the split of an image; None if it has none."""
        return self.emotions.get(name), self.splits.get(name)


def meaning(labels: LabelNames) -> str:
    """Return which number means which emotion, for a note."""
    return ", ".join(f"{code} {emotion}" for code, emotion in sorted(labels.emotions.items()))


def stem(file: str) -> str:
    """Return the name of an image without folders and suffix. Aligned images of RAF-DB are named as the original."""
    return file.strip().rpartition("/")[2].rpartition(".")[0].removesuffix("_aligned")
