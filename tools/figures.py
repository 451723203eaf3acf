"""The figures of reports/, and their forms in texts."""

import json
from collections.abc import Callable
from typing import Any

from mien._io.errors import InputError

#: Returns the text of a file of reports/, such as "evaluate/metrics.json".
ReadReport = Callable[[str], str]


class Reports:
    """The figures of reports/.

    Args:
        read: returns the text of a file.
    """

    def __init__(self, read: ReadReport) -> None:
        self._read = read
        self._files: dict[str, Any] = {}

    def __call__(self, file: str, key: str = "") -> Any:
        """Return the value at a key such as "cnn/accuracy"; without a key, the whole file."""
        if file not in self._files:
            self._files[file] = json.loads(self._read(file))
        value = self._files[file]
        for name in key.split("/") if key else []:
            if name == "+":
                return sum(value.values())
            if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
                continue
            if name not in value:
                raise InputError(f"reports/{file}: found no {key}, expected one of {', '.join(value)}")
            value = value[name]
        return value


def formatted(value: float, form: str) -> str:
    """Return a figure as text.

    form: % (of a share, one digit), %2 (two digits), GB (of megabytes), or what Python's format() takes, such as .3f.
    """
    if form.startswith("%"):
        return f"{100 * value:.{int(form[1:] or 1)}f} %"
    if form == "GB":
        return f"{value / 1000:.2g} GB"
    return format(value, form)
