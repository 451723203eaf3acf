"""What goes wrong with input is said in one line, and the program leaves with exit code 2."""

import functools
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LONGEST = 2000  # characters of a message
_LONG_WORD = re.compile(r"(\S{200})\S{100,}(\S{50})")


class InputError(Exception):
    """Bad input: the message names the file, row or key, what was found and what was expected, on one line."""

    def __str__(self) -> str:
        return printable(super().__str__())


def printable(text: str) -> str:
    """Return text on one line, of some length at most, in which what could steer a terminal is written as an escape.

    Names of files come from anywhere: "\\x1b[2J" would clear the screen.
    """
    text = _LONG_WORD.sub(r"\1..\2", text)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} .. {text[-_LONGEST // 4 :]}"
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def first_line(error: Exception) -> str:
    """Return the first line of what an error of a library says, or its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def within(place: object) -> Iterator[None]:
    """Let input errors raised inside name the place too: a file, or a section of the params."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def reports_input_errors(main: Callable[..., None]) -> Callable[..., None]:
    """Wrap an entry point: bad input, or a file that cannot be had, becomes one line on stderr and exit code 2.

    Ctrl+C becomes exit code 130.
    """

    @functools.wraps(main)
    def wrapper(*args: object, **kwargs: object) -> None:
        try:
            main(*args, **kwargs)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        except OSError as error:  # a name too long, a folder that may not be entered: whoever asks first hears of it
            if error.filename is None:
                raise
            print(f"error: {printable(str(error.filename))}: {error.strerror}", file=sys.stderr)
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise SystemExit(130) from None

    return wrapper
