"""The tab Photo: one photo or many; annotated pictures, a table of the faces, and the table as a CSV file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien._io.output import cell
from mien.app.files import as_csv, told, upload
from mien.app.markup import sentence
from mien.app.readers import Readers
from mien.inference.detectors import Box
from mien.inference.photo_files import SUFFIXES, read_photo
from mien.inference.photos import draw_faces

MOST_PHOTOS = 50

_DETECTORS = [("frontal faces, fast", "haar"), ("turned faces too, slow", "mtcnn"), ("the photo is one face", "none")]


def tab(readers: Readers) -> None:
    """Add the tab."""

    def read(photos: list[str] | None, detector: str) -> tuple[Any, ...]:
        if not photos:
            return _shown([], None, "")
        try:
            return _read(readers, [Path(photo) for photo in photos], detector)
        except InputError as error:
            return _shown([], None, sentence(str(error)))

    with gr.Tab("Photo"):
        photos = upload(
            label="Photos (JPEG, PNG, BMP, TIFF, WebP)", file_count="multiple", file_types=list(SUFFIXES), height=180
        )
        detector = gr.Radio(_DETECTORS, value="haar", label="What to look for")
        said = gr.HTML()
        pictures = gr.Gallery(
            label="Photos with what was read",
            visible=False,
            preview=True,
            object_fit="contain",
            height=640,
            format="jpeg",
            buttons=["download", "fullscreen"],
        )
        table = gr.Dataframe(label="Faces, the largest of a photo first", visible=False, interactive=False)
        download = gr.DownloadButton("Download the table as CSV", visible=False)
        gr.on(
            [photos.change, detector.change],
            read,
            inputs=[photos, detector],
            outputs=[pictures, table, download, said],
            api_visibility="private",
        )


def _read(readers: Readers, photos: Sequence[Path], detector: str) -> tuple[Any, ...]:
    if len(photos) > MOST_PHOTOS:
        raise InputError(f"found {len(photos):,} photos, expected at most {MOST_PHOTOS} at once; mien image reads more")
    reader = readers.faces(detector)
    pictures: list[tuple[np.ndarray, str]] = []
    rows: list[list[Any]] = []
    bad: list[str] = []
    for photo in photos:
        name = photo.name
        try:
            image = read_photo(photo)
        except InputError as error:
            bad.append(told(error, photo))
            continue
        faces = reader.predict_bgr(image)
        drawn = draw_faces(image, faces, reader)
        pictures.append((cv2.cvtColor(drawn, cv2.COLOR_BGR2RGB), name if faces else f"{name}: no face found"))
        rows += [[cell(Path(name)), number, *face.row()] for number, face in enumerate(faces, start=1)]
    table = pd.DataFrame(rows, columns=["file", "face", *reader.columns])
    if pictures and not rows:
        bad.append("No face was found. Another choice above may find turned ones.")
    return _shown(pictures, table if rows else None, "".join(map(sentence, bad)))


def _shown(pictures: list[tuple[np.ndarray, str]], table: pd.DataFrame | None, said: str) -> tuple[Any, ...]:
    gallery = gr.Gallery(pictures, visible=bool(pictures))
    if table is None:
        return gallery, gr.Dataframe(visible=False), gr.DownloadButton(visible=False), said
    first = [name for name in table if name not in Box._fields]  # boxes are for other programs
    return (
        gallery,
        gr.Dataframe(table[[*first, *Box._fields]], visible=True),
        gr.DownloadButton(value=as_csv(table, "faces.csv"), visible=True),
        said,
    )
