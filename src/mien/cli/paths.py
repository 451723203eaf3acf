"""Types of paths on the command line."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_EMPTY = "found an empty path, expected the name of a file or folder; is a variable of the shell unset?"


class _Path(click.Path):
    """A path. An empty one would be the current folder, and a URL would lose a slash."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a `Path`."""
        from mien._io.urls import is_url, without_secrets

        if not str(value):
            self.fail(_EMPTY, param, ctx)
        if is_url(str(value)):
            self.fail(
                f"found the URL {without_secrets(str(value))}, expected a file or folder; URLs are for the sources of "
                "mien video, mien score and mien convert.",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


class _OutputFile(_Path):
    """The name of a file to write. A `Path` would lose the slash that makes it a folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a `Path`."""
        if _is_folder_name(value):
            self.fail(f"found the folder {value}, expected the name of a file to write.", param, ctx)
        return super().convert(value, param, ctx)


class _OutputText(_OutputFile):
    """The name of a file of text to write. Under the name of a picture, the next run would read it as one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a `Path`."""
        from mien._io.outputs import check_text

        path = super().convert(value, param, ctx)
        check_text(param.opts[0] if param else "output", path)
        return path


class _Output(_Path):
    """The name of a file or folder to write."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return an `Output`."""
        from mien._io.outputs import Output

        return Output(super().convert(value, param, ctx), is_folder=_is_folder_name(value))


def _is_folder_name(value: Any) -> bool:
    return str(value).endswith(tuple(filter(None, (os.sep, os.altsep))))


class _PathOrUrl(click.ParamType):
    """A path or URL. read: returns it from its text."""

    name = "path or url"

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what `read` makes of the text."""
        if not str(value):
            self.fail(_EMPTY, param, ctx)
        return self._read(value) if isinstance(value, str) else value


def _located(text: str) -> Path | str:
    return text if "://" in text else Path(text)


def _source(text: str) -> Any:
    from mien._io.urls import locate

    return locate(text)


PATH = _Path(path_type=Path, readable=False)  # the library reports what is wrong with a file
OUTPUT_FILE = _OutputFile(path_type=Path, readable=False)
OUTPUT_TEXT = _OutputText(path_type=Path, readable=False)
OUTPUT = _Output(path_type=Path, readable=False)  # an `Output`
LOCATION = _PathOrUrl(_located)  # a `Path`, or a URL as text
SOURCE = _PathOrUrl(_source)  # a `Path` or a `Url`
