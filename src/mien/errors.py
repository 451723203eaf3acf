"""What goes wrong with input is said in one line, and the program leaves with exit code 2."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class InputError(Exception):
    """Bad input: the message names the file, row or key, what was found and what was expected."""


@contextmanager
def within(place: object) -> Iterator[None]:
    """Let input errors raised inside name the place too: a file, or a section of the params."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def reports_input_errors(main: Callable[..., None]) -> Callable[..., None]:
    """Wrap an entry point: an `InputError` becomes one line on stderr and exit code 2, Ctrl+C exit code 130."""

    @functools.wraps(main)
    def wrapper(*args: object, **kwargs: object) -> None:
        try:
            main(*args, **kwargs)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise SystemExit(130) from None

    return wrapper
