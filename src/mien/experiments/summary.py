"""Writes a report of the pipeline's last run (params, figures, pictures) into a folder for Git.

It shows no image of the data set, because its terms may not allow that.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from mien._io.atomic import output_folders
from mien._io.errors import InputError, note
from mien._io.outputs import check_folder
from mien.experiments import layout
from mien.experiments.freshness import fault_of_run
from mien.plots.png import save_png
from mien.plots.trainings import training_history
from mien.training.history import best_epoch

_HISTORY, _METRICS = layout.history("train_cnn"), layout.metrics("evaluate")
_EVALUATION = layout.report("evaluate")
_FILES = (layout.PARAMS, _METRICS, layout.per_class(), layout.metrics("prepare_fer"), _HISTORY)
_SPLITS = {"cnn": "test", "cnn_extra": "further faces, of people that were kept apart"}
_PICTURES = {  # pictures by heading
    "Images": layout.report("prepare_fer") / "classes.png",
    "Confusion on test": _EVALUATION / "cnn_confusion.png",
    "Precision, recall and F1 on test": _EVALUATION / "cnn_classes.png",
    "Accuracy on test by confidence, before and after temperature scaling": _EVALUATION / "cnn_reliability.png",
}


def write_report(folder: Path, title: str, command: str) -> None:
    """Write the CNN's report of the last run into `folder`: a README.md, and the files that it shows.

    Raises:
        InputError: the pipeline did not run, not with these params, or what it wrote is damaged; or `folder` has other
            files.
    """
    check_folder(folder, "report", [layout.PARAMS.name, _METRICS.name])
    files = (*_FILES, *_PICTURES.values())
    if missing := [path for path in files if not path.exists()]:
        raise InputError(f"{missing[0]}: no such file, expected the outputs of `dvc repro`")
    with _reading(_HISTORY):
        epochs = pd.read_csv(_HISTORY)
        curves = training_history(epochs, best_epoch(epochs), "Training")
    with _reading(_METRICS):
        metrics = {
            name: markdown_table(f"figure on {split}", {key: {"value": value} for key, value in figures.items()})
            for name, split in _SPLITS.items()
            if (figures := json.loads(_METRICS.read_text()).get(name))
        }
    with _reading(layout.per_class()):
        per_class = json.loads(layout.per_class().read_text())
        tables = {name: markdown_table("class", per_class[name]) for name in metrics}
    pictures = {heading: path.name for heading, path in _PICTURES.items()} | {"Training": "history.png"}
    lines = [
        f"# {title}",
        f"Made by `{command}`. Nothing was chosen on the test split.",
        *(text for name in metrics for text in (metrics[name], tables[name])),
        *(f"## {heading}\n![{heading}]({name})" for heading, name in pictures.items()),
        "Behind it: [params](params.yaml), [metrics](metrics.json), [per class](per_class.json), "
        "[audit of the images](audit.json), [history](history.csv).",
    ]
    if fault := fault_of_run(files):
        raise InputError(f"{fault}, expected the figures of its params; run `dvc repro` first")
    with output_folders(folder) as (written,):
        for path in files:
            shutil.copy(path, written)
        save_png(curves, written / "history.png")
        (written / "README.md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def summary() -> str:
    """Return the headline figures of the last run as a text table, one row per network and baseline.

    A note says so if params.yaml has other params than the run.

    Raises:
        InputError: the pipeline did not run, or what it wrote is damaged.
    """
    with _reading(_METRICS):
        metrics = json.loads(_METRICS.read_text())
        cnn = metrics["cnn"]
        rows = {"CNN, faces": cnn}
        rows |= {
            f"  {way.replace('_', ' ')}": {"accuracy": cnn[f"accuracy_{way}"]}
            for way in ("tta", "without_leaks")
            if f"accuracy_{way}" in cnn
        }
        rows["AU network"] = metrics["au"]
        rows |= {f"  {name.replace('_', ' ')}": figures for name, figures in metrics["au_baselines"].items()}
        table = pd.DataFrame(rows).T[["accuracy", "accuracy_low", "accuracy_high", "macro_f1", "mcc"]]
    if fault := fault_of_run([_METRICS]):
        note(f"{fault}; the figures are those of an earlier run")
    return table.to_string(float_format="{:.4f}".format, na_rep="")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn errors while a file of `dvc repro` is read into an InputError."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error!r}), expected the output of `dvc repro`") from None


def markdown_table(corner: str, rows: Mapping[Any, Mapping[Any, Any]]) -> str:
    """Return rows of named cells as a Markdown table, with `corner` above the names. Missing values are empty cells.

    DataFrame.to_markdown is not used because it pads cells: one longer value would change every line in Git.
    """
    columns = list(next(iter(rows.values())))
    head = [f"| {corner} | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    return "\n".join(
        head + [f"| {name} | {' | '.join(_cell(row[c]) for c in columns)} |" for name, row in rows.items()]
    )


def _cell(value: Any) -> str:
    missing = value is None or value != value  # as NaN alone is
    return "" if missing else str(value)
