"""classes.json: class names, in the order of a network's outputs or of an array's labels."""

import json
from pathlib import Path
from typing import TypeGuard

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
    if not is_class_list(classes):
        raise InputError(f"{path}: found {str(classes)[:80]}, expected a list of distinct names")
    return classes


def is_class_list(value: object) -> TypeGuard[list[str]]:
    """Tell whether a value is a list of distinct names."""
    names = value if isinstance(value, list) else []
    return bool(names) and all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names)
