"""What every pipeline stage shares: `--help`, clean errors, and outputs that appear whole or not at all."""

import argparse
import inspect
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from mien.errors import InputError, reports_input_errors


def stage(main: Callable[[], None]) -> Callable[[], None]:
    """Make `main` the entry point of a stage script: its module's docstring is the `--help`, bad input exits with 2."""

    @reports_input_errors
    def entry() -> None:
        description = inspect.getdoc(inspect.getmodule(main))
        argparse.ArgumentParser(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        ).parse_args()
        main()

    return entry


def read_csv(path: str) -> pd.DataFrame:
    """Read a table that another stage wrote. Raises InputError where it is missing or no table."""
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}), expected the output of `dvc repro`") from None


@contextmanager
def outputs(*folders: str) -> Iterator[tuple[Path, ...]]:
    """Yield a scratch folder for each of `folders`; at the end its files move there, on any failure they are gone.

    So no target ever holds a file that is half written. A scratch folder stands beside its target (same file system,
    each move is one rename), and what a killed run left in it is removed first.
    """
    targets = [Path(folder) for folder in folders]
    scratch = [target.with_name(f".{target.name}.partial") for target in targets]
    for folder in scratch:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    try:
        yield tuple(scratch)
        for folder, target in zip(scratch, targets, strict=True):
            target.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                path.replace(target / path.name)
    finally:
        for folder in scratch:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kept_until_done(folder: str) -> Iterator[Path]:
    """Yield a folder for state that a killed run leaves to the next one; it is removed when the block ends well."""
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
