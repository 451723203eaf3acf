"""The tab Model: reports on networks: figures, confusion, calibration, mistakes and comparisons."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import pandas as pd

from mien._io.errors import InputError
from mien._io.extras import require
from mien._io.tables import parse_csv
from mien.app.markup import alert, picture, table
from mien.experiments import layout
from mien.inference.networks.pretrained import FACE_NETWORKS, read_card

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LAST_RUN = layout.report("evaluate")
_SAVED = {"recipe": layout.RECIPE_REPORTS, "experiments": layout.EXPERIMENT_REPORTS}
_TITLES = {"cnn": "network for faces", "au": "network for Action Units"}
_PICTURES = {  # in the order of the page
    "comparison.png": "Validation accuracy by epoch, and scores on test",
    "confusion.png": "Confusion matrix of the best network on test",
    "classes.png": "Scores of the best network by class",
    "cnn_confusion.png": "Confusion matrix on test, network for faces",
    "au_confusion.png": "Confusion matrix on test, network for Action Units",
    "cnn_reliability.png": "Calibration: accuracy by confidence, before and after temperature scaling",
    "cnn_slices.png": "Accuracy on test by slices, and the worst slice",
    "cnn_mistakes.png": "The most confident mistakes, actual → predicted",
}
_NO_REPORTS = (
    "There is no folder reports here. To see the figures and pictures of your own training, start mien app in a clone "
    "of mien after dvc repro."
)
_MISSING_PICTURE = "is not here. Pictures are in DVC's cache: dvc repro makes them, dvc checkout restores them."


def tab() -> None:
    """Add the tab."""

    def offer(name: str | None) -> tuple[Any, str]:
        names = list(_reports())
        selected = name if name in names else names[0]
        return gr.Dropdown(names, value=selected), show(selected)

    def show(name: str) -> str:
        folder = _reports().get(name)
        if folder is None:
            return alert("This report is gone. Choose another.")
        try:
            message = "" if Path("reports").is_dir() else alert(_NO_REPORTS)
            return message + f'<div class="mien-report">{"".join(_sections(folder))}</div>'
        except (OSError, ValueError, KeyError) as error:
            return alert(f"The files of this report cannot be read ({type(error).__name__}: {error}).")

    with gr.Tab("Model") as model_tab:
        report = gr.Dropdown(list(_reports()), label="Report")
        sections = gr.HTML()
    model_tab.select(offer, report, [report, sections], show_progress="hidden", api_visibility="private")
    report.input(show, report, sections, show_progress="hidden", api_visibility="private")


def _reports() -> dict[str, Path | str]:
    """Return the available reports (folders or pretrained networks) by their names on the page."""
    reports: dict[str, Path | str] = {"the last dvc repro": _LAST_RUN} if (_LAST_RUN / "metrics.json").is_file() else {}
    for kind, parent in _SAVED.items():
        folders = {path.parent for name in ("per_class.json", "comparison.csv") for path in parent.glob(f"*/{name}")}
        reports |= {f"{kind} {folder.name}": folder for folder in sorted(folders)}
    return reports | {f"the pretrained network {name}": name for name in FACE_NETWORKS}


def _sections(report: Path | str) -> Iterator[str]:
    if isinstance(report, str):
        card = read_card(report)
        yield _section("Figures on test", _figures(card["metrics"]))
        yield from _per_class(card["per_class"])
        return
    by_class: dict[str, Any] = {}
    if (report / "metrics.json").is_file():
        yield _section("Figures on test", _figures(json.loads((report / "metrics.json").read_text())))
    if (report / "comparison.csv").is_file():
        yield _section("Comparison of networks", pd.read_csv(report / "comparison.csv", index_col=0))
    if (report / "per_class.json").is_file():
        by_class = json.loads((report / "per_class.json").read_text())
        yield from _per_class(by_class)
    for file, caption in _PICTURES.items():
        try:
            if png := _png(report, file, by_class):
                yield picture(png, caption)
            elif report == _LAST_RUN and file == "cnn_mistakes.png":  # shows images, so it is not in Git
                yield alert(f"{report / file} {_MISSING_PICTURE}")
        except InputError as error:
            yield alert(str(error))


def _per_class(by_class: dict[str, Any]) -> Iterator[str]:
    for name, title in _TITLES.items():
        if name in by_class:
            yield _section(f"By class, {title}", pd.DataFrame(by_class[name]).T.astype({"support": int}))


def _section(heading: str, frame: pd.DataFrame) -> str:
    return f"<section><h3>{heading}</h3>{table(frame)}</section>"


def _figures(metrics: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return the figures of networks and baselines: one row per figure, one column per network or baseline."""
    columns = {title: metrics[name] for name, title in _TITLES.items() if name in metrics}
    columns |= {name.replace("_", " "): scores for name, scores in metrics.get("au_baselines", {}).items()}
    return pd.DataFrame(columns)


def _png(report: Path, file: str, by_class: dict[str, Any]) -> bytes | None:
    """Return a report's picture as a PNG file. If only DVC's cache has it, it is redrawn; None if that fails."""
    if (report / file).is_file():
        return (report / file).read_bytes()
    if (figure := _redraw(report, file, by_class)) is None:
        return None
    stream = io.BytesIO()
    figure.savefig(stream, dpi=100)
    return stream.getvalue()


def _redraw(folder: Path, file: str, by_class: dict[str, Any]) -> "Figure | None":
    """Redraw a picture from the plot data in Git; None without such data. Raises InputError without matplotlib."""
    data = folder / f"{Path(file).stem}.csv"
    name, _, kind = data.stem.partition("_")
    if name not in by_class or not data.is_file():
        return None
    require("pipeline", "matplotlib", what=f"Redrawing {file}")
    from mien.plots.scores import confusion_matrix, reliability_diagram, slice_accuracy

    if kind == "confusion":
        return confusion_matrix(parse_csv(data), list(by_class[name]), _TITLES[name])
    if kind == "slices":
        table = pd.read_csv(data)
        names = [text.removeprefix(f"{group} ") for group, text in zip(table["property"], table["slice"], strict=True)]
        return slice_accuracy(table.assign(slice=names), _TITLES[name])
    calibrated = data.with_stem(f"{data.stem}_calibrated")
    curves = {"before temperature scaling": pd.read_csv(data), "after temperature scaling": pd.read_csv(calibrated)}
    return reliability_diagram(curves, _TITLES[name])
