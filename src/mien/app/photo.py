"""The tab Photo: annotated pictures, their Action Units beside them, and a table of faces, downloadable as CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien._io.output import cell
from mien.app.au_view import cards
from mien.app.markup import alert
from mien.app.networks import Networks
from mien.app.uploads import save_csv, upload_component, without_folder
from mien.inference.explain import draw_explanations, explain
from mien.inference.faces.detectors import Box
from mien.inference.photos import draw_faces
from mien.inference.pictures.photo_files import SUFFIXES, read_photo
from mien.inference.recognizer import EmotionRecognizer

MAX_PHOTOS = 50

_COVERAGE = 0.9  # coverage of the prediction sets

#: Choices of what the network answers, by their text on the page: arguments of `Networks.recognizer`.
_QUESTIONS: dict[str, dict[str, Any]] = {
    "the most probable emotion": {},
    "all emotions that it may show, so that 9 of 10 answers contain the right one": {"coverage": _COVERAGE},
    "the most probable emotion, if all were equally frequent": {"prior": "uniform"},
}
_DETECTORS = [("all faces", "yunet"), ("frontal faces", "haar"), ("the photo is one face", "none")]


def tab(networks: Networks) -> None:
    """Add the tab."""

    def read(
        photos: list[str] | None, detector: str, question: str, min_confidence: float, with_reasons: bool
    ) -> tuple[Any, ...]:
        if not photos:
            return _outputs([], [], None, "")
        try:
            recognizer = networks.recognizer(detector, min_confidence=min_confidence, **_QUESTIONS[question])
            return _read_photos(networks, [Path(photo) for photo in photos], recognizer, with_reasons=with_reasons)
        except InputError as error:
            return _outputs([], [], None, alert(str(error)))

    def show(beside: list[str], event: gr.SelectData) -> str:
        return beside[event.index] if event.index in range(len(beside)) else ""

    with gr.Tab("Photo"):
        photos = upload_component(
            label="Photos (JPEG, HEIC, PNG, WebP, AVIF, TIFF, BMP)",
            file_count="multiple",
            file_types=list(SUFFIXES),
            height=180,
        )
        detector = gr.Radio(_DETECTORS, value="yunet", label="What to look for")
        question = gr.Radio(list(_QUESTIONS), value=next(iter(_QUESTIONS)), label="What to say about each face")
        min_confidence = gr.Slider(
            0, 1, value=0, step=0.05, label='Minimum confidence; below it, a face is called "unsure"'
        )
        reasons = gr.Checkbox(label="Also show which parts of each face led to the answer, in red")
        messages = gr.HTML()
        beside = gr.State([])  # the content beside each picture
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                pictures = gr.Gallery(
                    label="Annotated photos",
                    visible=False,
                    preview=True,
                    object_fit="contain",
                    height=640,
                    format="jpeg",
                    buttons=["download", "fullscreen"],
                )
            with gr.Column(scale=2, min_width=320):
                faces = gr.HTML(visible=False)
        table = gr.Dataframe(label="Faces, the largest in each photo first", visible=False, interactive=False)
        download = gr.DownloadButton("Download the table as CSV", visible=False)
        gr.on(
            [photos.change, detector.change, question.change, min_confidence.release, reasons.change],
            read,
            inputs=[photos, detector, question, min_confidence, reasons],
            outputs=[pictures, beside, faces, table, download, messages],
            api_visibility="private",
        )
        pictures.select(show, beside, faces, show_progress="hidden", queue=False, api_visibility="private")


def _read_photos(
    networks: Networks, photos: Sequence[Path], recognizer: EmotionRecognizer, *, with_reasons: bool
) -> tuple[Any, ...]:
    if len(photos) > MAX_PHOTOS:
        raise InputError(f"found {len(photos):,} photos, expected at most {MAX_PHOTOS} at once; mien image reads more")
    pictures: list[tuple[np.ndarray, str]] = []
    beside: list[str] = []
    rows: list[list[Any]] = []
    messages: list[str] = [networks.action_note] if networks.action_note else []
    for photo in photos:
        name, notes = photo.name, list[str]()
        try:
            image = read_photo(photo, notes.append)
        except InputError as error:
            messages.append(without_folder(str(error), photo))
            continue
        finally:
            messages += [without_folder(text, photo) for text in notes]
        faces = recognizer.predict_bgr(image)
        annotated = draw_faces(image, faces, recognizer)
        pictures.append((cv2.cvtColor(annotated, cv2.COLOR_BGR2RGB), name if faces else f"{name}: no face found"))
        beside.append(cards(image, faces))
        if faces and with_reasons:
            reasons = draw_explanations(explain(recognizer, image))
            pictures.append((cv2.cvtColor(reasons, cv2.COLOR_BGR2RGB), f"{name}: what led to the answers"))
            beside.append(beside[-1])
        rows += [[cell(Path(name)), number, *face.row()] for number, face in enumerate(faces, start=1)]
    table = pd.DataFrame(rows, columns=["file", "face", *recognizer.columns])
    if pictures and not rows:
        messages.append("No face was found. Try another choice above, such as all faces.")
    return _outputs(pictures, beside, table if rows else None, "".join(map(alert, messages)))


def _outputs(
    pictures: list[tuple[np.ndarray, str]], beside: list[str], table: pd.DataFrame | None, messages: str
) -> tuple[Any, ...]:
    first = beside[0] if beside else ""
    shown = gr.Gallery(pictures, visible=bool(pictures)), beside, gr.HTML(first, visible=any(beside))
    if table is None:
        return *shown, gr.Dataframe(visible=False), gr.DownloadButton(visible=False), messages
    columns = [name for name in table if name not in Box._fields]  # no boxes: those are for programs
    return (
        *shown,
        gr.Dataframe(table[[*columns, *Box._fields]], visible=True),
        gr.DownloadButton(value=save_csv(table, "faces.csv"), visible=True),
        messages,
    )
