"""Uploads and downloads. All files are in the temporary folder of this run of the page."""

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd
from gradio.utils import get_upload_folder

#: The size limit of an uploaded file, in bytes.
MAX_BYTES = 32 * 2**20


def upload_component(**options: Any) -> gr.File:
    """Return a component that accepts only uploaded files. options: as for `gradio.File`.

    A client's request names a file that it has uploaded before. When mounted in another app, Gradio 6.31 would open any
    path and fetch any address in such a request.
    """
    component = gr.File(**options)
    # on the object, because Gradio would write an interface file for a subclass
    component.async_move_resource_to_block_cache = _uploaded
    return component


async def _uploaded(path: str | Path | None) -> str | None:
    """Return the path that a client named. Raises an error on the page if it is not an uploaded file."""
    folder = Path(get_upload_folder()).resolve()
    if path is None or not Path(path).resolve().is_relative_to(folder):
        raise gr.Error("This file was not uploaded from this page.", print_exception=False)
    return str(path)


def without_folder(message: str, path: Path) -> str:
    """Return a message about an uploaded file that shows only the user's name for it."""
    return f"{path.name}: {message.removeprefix(f'{path}: ')}"


def save_csv(table: pd.DataFrame, name: str) -> str:
    """Write a table as a CSV file for the browser to download, and return its path."""
    path = Path(tempfile.mkdtemp(dir=get_upload_folder())) / name
    table.to_csv(path, index=False, lineterminator="\n")
    return str(path)
