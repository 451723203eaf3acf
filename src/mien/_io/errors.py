"""Input errors: one line that says what is wrong, and exit code 2."""

import errno
import functools
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mien._io.stdout import named_stdout

_MAX_LENGTH = 2000  # characters of a message
_LONG_WORD = re.compile(r"(\S{200})\S{100,}(\S{50})")
#: Errors of writing that say nothing about the code.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class InputError(Exception):
    """Bad input. The one-line message names the file, row or key, what was found and what was expected."""

    def __str__(self) -> str:
        return printable(super().__str__())


def printable(text: str) -> str:
    """Return text as one line of limited length, with terminal control characters escaped.

    File names come from anywhere: "\\x1b[2J" would clear the screen.
    """
    text = _LONG_WORD.sub(r"\1..\2", text)
    if len(text) > _MAX_LENGTH:
        text = f"{text[: _MAX_LENGTH // 2]} .. {text[-_MAX_LENGTH // 4 :]}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def note(text: str) -> None:
    """Print one line on stderr that is not an error."""
    print(printable(f"note: {text}"), file=sys.stderr)


@contextmanager
def noting(place: object) -> Iterator[list[str]]:
    """Yield a list whose texts are printed as notes on a place at the end, also if an error ends the block."""
    notes: list[str] = []
    try:
        yield notes
    finally:
        for text in notes:
            note(f"{place}: {text}")


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type if it has none."""
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def within(place: object) -> Iterator[None]:
    """Prefix input errors raised inside with a place: a file, or a section of params.yaml."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def reports_input_errors(main: Callable[..., None]) -> Callable[..., None]:
    """Wrap an entry point: bad input or a file that cannot be opened gives one line on stderr and exit code 2.

    So does a stdout that cannot be written, such as one on a full disk. Ctrl+C becomes exit code 130.
    """

    @functools.wraps(main)
    def wrapper(*args: object, **kwargs: object) -> None:
        try:
            with named_stdout():
                main(*args, **kwargs)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        except OSError as error:  # a name too long, a folder without permission: whichever call comes first
            if error.filename is None and error.errno not in DISK_FULL:
                raise
            name = "a temporary file" if error.filename is None else str(error.filename)
            print(f"error: {printable(name)}: {error.strerror}", file=sys.stderr)
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise SystemExit(130) from None

    return wrapper
