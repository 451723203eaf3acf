"""Files that come from the browser and go to it. All are in the temporary folder of this run of the page."""

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd
from gradio.utils import get_upload_folder

from mien._io.errors import InputError

#: Bytes of an uploaded file.
MAX_BYTES = 32 * 2**20


def upload(**options: Any) -> gr.File:
    """Return a component that takes files which the browser sent, and no others. options: of `gradio.File`.

    With a request, a client names the file that it sent before. In an app of one's own, Gradio 6.31 would open whatever
    path is named, and fetch whatever address.
    """
    component = gr.File(**options)
    # on the object: of a subclass, Gradio would write an interface file beside this one
    component.async_move_resource_to_block_cache = _sent  # type: ignore[assignment]
    return component


async def _sent(path: str | Path | None) -> str | None:
    """Return the path that a client named. Raises an error for the page where it is none of an uploaded file."""
    folder = Path(get_upload_folder()).resolve()
    if path is None or not Path(path).resolve().is_relative_to(folder):
        raise gr.Error("This file was not sent from this page.", print_exception=False)
    return str(path)


def told(error: InputError, path: Path) -> str:
    """Return what is wrong with an uploaded file, by the name that it had at the user's."""
    return f"{path.name}: {str(error).removeprefix(f'{path}: ')}"


def as_csv(table: pd.DataFrame, name: str) -> str:
    """Write a table as a CSV file of that name for the browser, and return its path."""
    path = Path(tempfile.mkdtemp(dir=get_upload_folder())) / name
    table.to_csv(path, index=False, lineterminator="\n")
    return str(path)
