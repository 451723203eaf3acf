"""The tab Action Units: sliders that change a drawn face and its emotions, and predictions for a table."""

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.app.au_view import NOT_DRAWN, drawn, label
from mien.app.markup import alert, bars, picture
from mien.app.networks import Networks
from mien.app.uploads import save_csv, upload_component, without_folder
from mien.aus.facs import AUS, column
from mien.aus.readers import open_aus
from mien.aus.rules import AuTable
from mien.inference.aus.au_tables import predict_frame

_PROTOTYPE = 90  # intensity of the AUs of a prototype
_FACE_SIDE = 288  # pixels
_MAX_ROWS = 100_000
_PREVIEW_ROWS = 200


def tab(networks: Networks) -> None:
    """Add the tab."""
    table = AuTable.load("prototypes")

    def show(*intensities: float) -> str:
        face = picture(drawn(intensities, _FACE_SIDE), "A drawn face with these Action Units")
        try:
            (probabilities,) = networks.au_classifier.predict_proba(np.array([intensities]), scale_note=False)
        except InputError as error:
            return face + alert(str(error))
        return face + bars(dict(zip(networks.au_classifier.classes_, probabilities.tolist(), strict=True)))

    def prototype(emotion: str) -> list[int]:
        rule = table.emotions.get(emotion)
        return [_PROTOTYPE if rule and au in rule.positive else 0 for au in AUS]

    def read(path: str | None) -> tuple[Any, ...]:
        if path is None:
            return _outputs(None, "")
        try:
            return _outputs(*_predict_table(networks, Path(path)))
        except InputError as error:
            return _outputs(None, alert(without_folder(str(error), Path(path))))

    with gr.Tab("Action Units"):
        emotion = gr.Radio([*table.emotions, "neutral"], value="neutral", label="Start from an emotion")
        with gr.Row():
            with gr.Column(scale=1, min_width=300, elem_classes="mien-face"):
                picture_and_bars = gr.HTML()
            with gr.Column(scale=2, elem_classes="mien-sliders"):
                sliders = [gr.Slider(0, 100, 0, step=1, label=label(column(au))) for au in AUS]
                gr.Markdown(f"\\{NOT_DRAWN}, but the network uses it.")
        gr.Markdown("### A table of Action Units\nFrom OpenFace, py-feat or human coders, as for `mien aus`.")
        file = upload_component(label="AU table (CSV)", file_types=[".csv"], height=140)
        messages = gr.HTML()
        rows = gr.Dataframe(visible=False, interactive=False)
        download = gr.DownloadButton("Download the predictions as CSV", visible=False)

    emotion.input(prototype, emotion, sliders, show_progress="hidden", queue=False, api_visibility="private")
    gr.on(
        [slider.change for slider in sliders],
        show,
        inputs=list(sliders),
        outputs=picture_and_bars,
        show_progress="hidden",
        trigger_mode="always_last",  # while a slider moves, only its latest position counts
        queue=False,
        api_visibility="private",
    )
    picture_and_bars.value = show(*prototype("neutral"))
    file.change(read, file, [rows, download, messages], api_visibility="private")


def _predict_table(networks: Networks, path: Path) -> tuple[pd.DataFrame, str]:
    """Return one prediction per row of a table, and notes on how the table was read, as HTML. Raises InputError."""
    frames: list[pd.DataFrame] = []
    with open_aus(path, needed=networks.au_classifier.required_aus) as table:
        for chunk in table.chunks():
            if chunk.first_row + len(chunk.intensities) > _MAX_ROWS:
                raise InputError(f"{path}: has over {_MAX_ROWS:,} rows, expected fewer; mien aus reads any number")
            frame = predict_frame(networks.au_classifier, chunk.intensities)
            frame.insert(0, "row", range(chunk.first_row, chunk.first_row + len(chunk.intensities)))
            frames.append(frame)
    return pd.concat(frames, ignore_index=True), "".join(alert(note) for note in table.notes)


def _outputs(predicted: pd.DataFrame | None, messages: str) -> tuple[Any, ...]:
    if predicted is None:
        return gr.Dataframe(visible=False), gr.DownloadButton(visible=False), messages
    shown = f"the first {_PREVIEW_ROWS} of " if len(predicted) > _PREVIEW_ROWS else ""
    heading = f"Predictions, {shown}{len(predicted):,} row{'s' * (len(predicted) != 1)}"
    return (
        gr.Dataframe(predicted.head(_PREVIEW_ROWS), label=heading, visible=True),
        gr.DownloadButton(value=save_csv(predicted, "emotions.csv"), visible=True),
        messages,
    )
