"""The tab Model: what reports say of networks: figures, confusion, calibration, mistakes and comparisons."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd
from matplotlib.figure import Figure

from mien import plots
from mien.app.markup import picture, sentence, table
from mien.inference.pretrained import FACE_NETWORKS, read_card

_LAST = Path("reports/evaluate")
_KEPT = {"recipe": Path("reports/recipes"), "experiments": Path("reports/experiments")}
_TITLES = {"cnn": "network for faces", "au": "network for Action Units"}
_PICTURES = {  # in the order of the page
    "comparison.png": "Validation accuracy by epoch, and scores on test",
    "confusion.png": "What the best one confuses on test",
    "classes.png": "Scores of the best one by class",
    "cnn_confusion.png": "Confusion on test, network for faces",
    "au_confusion.png": "Confusion on test, network for Action Units",
    "cnn_reliability.png": "Calibration: accuracy by confidence, before and after temperature scaling",
    "cnn_mistakes.png": "The worst mistakes: the surest wrong answers, actual → predicted",
}
_NO_REPORTS = (
    "There is no folder reports here. In a clone of mien, dvc repro makes it; start mien app there to see the figures "
    "and pictures of your own training."
)
_NO_PICTURE = "is not here. Pictures are in DVC's cache: dvc repro makes them, dvc checkout brings them back."


def tab() -> None:
    """Add the tab."""

    def offer(name: str | None) -> tuple[Any, str]:
        names = list(_reports())
        chosen = name if name in names else names[0]
        return gr.Dropdown(names, value=chosen), show(chosen)

    def show(name: str) -> str:
        folder = _reports().get(name)
        if folder is None:
            return sentence("This report is gone. Choose another.")
        try:
            said = "" if Path("reports").is_dir() else sentence(_NO_REPORTS)
            return said + f'<div class="mien-report">{"".join(_sections(folder))}</div>'
        except (OSError, ValueError, KeyError) as error:
            return sentence(f"The files of this report cannot be read ({type(error).__name__}: {error}).")

    with gr.Tab("Model") as this:
        report = gr.Dropdown(list(_reports()), label="Report")
        shown = gr.HTML()
    this.select(offer, report, [report, shown], show_progress="hidden", api_visibility="private")
    report.input(show, report, shown, show_progress="hidden", api_visibility="private")


def _reports() -> dict[str, Path | str]:
    """Return the reports that are here, by the names that they have in the page: folders, or a pretrained network."""
    reports: dict[str, Path | str] = {"the last dvc repro": _LAST} if (_LAST / "metrics.json").is_file() else {}
    for kind, parent in _KEPT.items():
        kept = {path.parent for name in ("per_class.json", "comparison.csv") for path in parent.glob(f"*/{name}")}
        reports |= {f"{kind} {folder.name}": folder for folder in sorted(kept)}
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
        if (report / file).is_file():
            yield picture((report / file).read_bytes(), caption)
        elif figure := _drawn(report, file, by_class):
            stream = io.BytesIO()
            figure.savefig(stream, dpi=100)
            yield picture(stream.getvalue(), caption)
        elif report == _LAST and file == "cnn_mistakes.png":  # images, of which Git has no data
            yield sentence(f"{report / file} {_NO_PICTURE}")


def _per_class(by_class: dict[str, Any]) -> Iterator[str]:
    for name, title in _TITLES.items():
        if name in by_class:
            yield _section(f"By class, {title}", pd.DataFrame(by_class[name]).T.astype({"support": int}))


def _section(heading: str, frame: pd.DataFrame) -> str:
    return f"<section><h3>{heading}</h3>{table(frame)}</section>"


def _figures(metrics: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return the figures of networks and baselines: a row a figure, a column each."""
    columns = {title: metrics[name] for name, title in _TITLES.items() if name in metrics}
    columns |= {name.replace("_", " "): scores for name, scores in metrics.get("au_baselines", {}).items()}
    return pd.DataFrame(columns)


def _drawn(folder: Path, file: str, by_class: dict[str, Any]) -> Figure | None:
    """Draw a picture again that is in DVC's cache, from the plot data that are in Git; None where there are none."""
    data = folder / f"{Path(file).stem}.csv"
    name, _, kind = data.stem.partition("_")
    if name not in by_class or not data.is_file():
        return None
    if kind == "confusion":
        return plots.confusion_matrix(pd.read_csv(data), list(by_class[name]), _TITLES[name])
    calibrated = data.with_stem(f"{data.stem}_calibrated")
    curves = {"as the network says": pd.read_csv(data), "after temperature scaling": pd.read_csv(calibrated)}
    return plots.reliability_diagram(curves, _TITLES[name])
