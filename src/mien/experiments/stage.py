"""Shared by all pipeline stages: `--help`, one-line errors, and state for resumption."""

import argparse
import atexit
import gc
import inspect
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mien._io.errors import reports_input_errors


def stage(main: Callable[[], None]) -> Callable[[], None]:
    """Make `main` the entry point of a stage script. The module's docstring is its `--help`; bad input exits with 2."""

    @reports_input_errors
    def entry() -> None:
        atexit.register(gc.freeze)  # so that Python's exit does not collect garbage in all that TensorFlow loaded
        description = inspect.getdoc(inspect.getmodule(main))
        argparse.ArgumentParser(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        ).parse_args()
        main()

    return entry


@contextmanager
def kept_until_done(folder: str | Path) -> Iterator[Path]:
    """Yield a folder for state that a killed run leaves to the next one. It is removed when the block succeeds."""
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
