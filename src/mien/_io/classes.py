"""classes.json: the names of classes, in the order of a network's outputs or of the labels of arrays."""

import json
from pathlib import Path

from mien._io.checksums import checked
from mien._io.errors import InputError


def save_classes(folder: Path, classes: list[str]) -> None:
    """Write the class names into a folder."""
    (folder / "classes.json").write_text(json.dumps(classes) + "\n")


def read_classes(folder: Path) -> list[str]:
    """Read what `save_classes` wrote.

    Raises:
        InputError: it is damaged, or is not a list of distinct names.
        OSError: it cannot be read.
    """
    path = folder / "classes.json"
    try:
        classes = json.loads(checked(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({error}), expected a list of distinct names") from None
    names = classes if isinstance(classes, list) else []
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise InputError(f"{path}: found {str(classes)[:80]}, expected a list of distinct names")
    return names
