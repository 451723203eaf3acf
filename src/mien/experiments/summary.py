"""A report: params, figures and pictures of the last run of the pipeline, in one folder that Git keeps.

It shows no image of the data set, whose terms may not allow that.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from mien import plots
from mien._io.atomic import output_folders
from mien._io.errors import InputError
from mien.training.history import best_epoch

_FILES = {  # what is copied, and the heading of what is shown
    "params.yaml": None,
    "reports/evaluate/metrics.json": None,
    "reports/evaluate/per_class.json": None,
    "reports/prepare_fer/audit.json": None,
    "reports/train_cnn/history.csv": None,
    "reports/prepare_fer/classes.png": "Images",
    "reports/evaluate/cnn_confusion.png": "Confusion on test",
    "reports/evaluate/cnn_classes.png": "Precision, recall and F1 on test",
    "reports/evaluate/cnn_reliability.png": "Accuracy on test by confidence, before and after temperature scaling",
}


def write_report(folder: Path, title: str, command: str) -> None:
    """Write the CNN's report of the last run into `folder`: a README.md with what it shows, and the files behind it.

    Raises:
        InputError: the pipeline did not run, or what it wrote is damaged.
    """
    if missing := [file for file in _FILES if not Path(file).exists()]:
        raise InputError(f"{missing[0]}: no such file, expected the outputs of `dvc repro`")
    with _reading("reports/train_cnn/history.csv") as path:
        epochs = pd.read_csv(path)
        curves = plots.training_history(epochs, best_epoch(epochs), "Training")
    with _reading("reports/evaluate/metrics.json") as path:
        figures = {name: {"value": value} for name, value in json.loads(path.read_text())["cnn"].items()}
        metrics = markdown_table("figure on test", figures)
    with _reading("reports/evaluate/per_class.json") as path:
        by_class = markdown_table("class", json.loads(path.read_text())["cnn"])
    pictures = [(heading, Path(file).name) for file, heading in _FILES.items() if heading]
    lines = [
        f"# {title}",
        f"Made by `{command}`. Nothing was chosen on the test split.",
        metrics,
        by_class,
        *(f"## {heading}\n![{heading}]({name})" for heading, name in [*pictures, ("Training", "history.png")]),
        "Behind it: [params](params.yaml), [metrics](metrics.json), [per class](per_class.json), "
        "[audit of the images](audit.json), [history](history.csv).",
    ]
    with output_folders(folder) as (written,):
        for file in _FILES:
            shutil.copy(file, written)
        plots.save(curves, written / "history.png")
        (written / "README.md").write_text("\n\n".join(lines) + "\n")


def summary() -> str:
    """Return the headline figures of the last run as a text table, a row a network and baseline.

    Raises:
        InputError: the pipeline did not run, or what it wrote is damaged.
    """
    with _reading("reports/evaluate/metrics.json") as path:
        metrics = json.loads(path.read_text())
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
        return table.to_string(float_format="{:.4f}".format, na_rep="")


@contextmanager
def _reading(file: str) -> Iterator[Path]:
    """Yield the path of a file of `dvc repro`; what goes wrong with what is in it raises InputError."""
    try:
        yield Path(file)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        raise InputError(f"{file}: cannot be read ({error!r}), expected the output of `dvc repro`") from None


def markdown_table(corner: str, rows: Mapping[Any, Mapping[Any, Any]]) -> str:
    """Return rows of named cells as a table in Markdown, `corner` above their names; what is missing is empty."""
    columns = list(next(iter(rows.values())))
    head = [f"| {corner} | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    return "\n".join(
        head + [f"| {name} | {' | '.join(_cell(row[c]) for c in columns)} |" for name, row in rows.items()]
    )


def _cell(value: Any) -> str:
    missing = value is None or value != value  # as NaN alone is
    return "" if missing else str(value)
