"""What every pipeline stage shares: `--help`, clean errors, and outputs that appear whole or not at all."""

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
    """Make `main` the entry point of a stage script: its module's docstring is the `--help`, bad input exits with 2."""

    @reports_input_errors
    def entry() -> None:
        atexit.register(gc.freeze)  # so that Python's end does not search all that TensorFlow loaded for garbage
        description = inspect.getdoc(inspect.getmodule(main))
        argparse.ArgumentParser(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        ).parse_args()
        main()

    return entry


@contextmanager
def kept_until_done(folder: str | Path) -> Iterator[Path]:
    """Yield a folder for state that a killed run leaves to the next one; it is removed when the block ends well."""
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
