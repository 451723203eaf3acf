"""Names of files and folders in data sets: images, hidden files, splits."""

import re

from mien._io.suffixes import PICTURES

#: As in the FER2013 challenge: training on Training, choice of models on PublicTest, measuring on PrivateTest.
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "fer2013train"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev", "publictest", "fer2013valid"), "validation"),
    **dict.fromkeys(("test", "testing", "privatetest", "fer2013test"), "test"),
}
_KINDS = re.compile(r"(?:set|data|images|class)$")  # behind the name of a split: Test_Set, train_class of AffectNet
#: How the authors of RAF-DB name images.
RAF_DB = re.compile(r"(?:train|test)_\d+(?:_aligned)?\.\w+")


def split_name(name: str) -> str | None:
    """Return the split that a folder or a cell names, such as `Private Test`; None if it names none."""
    word = re.sub(r"[\W_]", "", name.lower())
    return SPLIT_NAMES.get(word) or SPLIT_NAMES.get(_KINDS.sub("", word))


def is_image(name: str) -> bool:
    """Tell by its name whether a file is an image. Hidden files and files that macOS adds to zips are not."""
    return name.lower().endswith(PICTURES) and not is_hidden(name)


def is_hidden(name: str) -> bool:
    """Tell whether a file or a folder above it is hidden, or is what macOS adds to zips."""
    return name.startswith((".", "__MACOSX/")) or "/." in name or "/__MACOSX/" in name
