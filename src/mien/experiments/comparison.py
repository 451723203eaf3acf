"""Comparing DVC experiments: one table, one picture, and what the best one confuses."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dvc.api
import pandas as pd
from ruamel.yaml import YAML

from mien import plots
from mien.errors import InputError
from mien.experiments.report import markdown_table
from mien.schema import flat
from mien.stage import outputs
from mien.tracking.log import EXPERIMENT_TAG
from mien.tracking.outbox import tracking_uri
from mien.tracking.store import connect, expected_at

_SECONDS = "train_cnn/seconds"


@dataclass(frozen=True)
class Experiment:
    """What a DVC experiment recorded of its CNN. `params` are flat, such as train_cnn.epochs."""

    name: str
    params: dict[str, Any]
    history: pd.DataFrame
    cost: dict[str, float]
    scores: dict[str, float]
    per_class: dict[str, dict[str, float]]
    cases: pd.DataFrame

    @classmethod
    def read(cls, name: str) -> "Experiment":
        """Read an experiment of the repository here. Raises InputError where there is none of that name."""

        def text(path: str) -> str:
            return dvc.api.read(path, rev=name)

        try:
            return cls(
                name,
                flat(YAML(typ="safe", pure=True).load(text("params.yaml"))),
                pd.read_csv(io.StringIO(text("reports/train_cnn/history.csv"))),
                json.loads(text("reports/train_cnn/cost.json")),
                json.loads(text("reports/evaluate/metrics.json"))["cnn"],
                json.loads(text("reports/evaluate/per_class.json"))["cnn"],
                pd.read_csv(io.StringIO(text("reports/evaluate/cnn_confusion.csv"))),
            )
        except Exception as error:  # noqa: BLE001 -- of what DVC raises, and of what other revisions hold
            raise InputError(f"experiment {name}: cannot be read ({error}), expected one of `dvc exp list`") from None

    @property
    def validation_accuracy(self) -> float:
        return float(self.history["val_accuracy"].max())

    @property
    def minutes(self) -> float | None:
        """How long its training took, by MLflow; None where that knows nothing, as DVC took it from its cache."""
        with expected_at(tracking_uri()):
            client, mlflow_experiment = connect(tracking_uri())
            runs = client.search_runs([mlflow_experiment], f"tags.`{EXPERIMENT_TAG}` = '{self.name}'")
        seconds = [run.data.metrics[_SECONDS] for run in runs if _SECONDS in run.data.metrics]
        return round(seconds[0] / 60, 1) if seconds else None


def table(experiments: Sequence[Experiment]) -> pd.DataFrame:
    """Return a row an experiment, the best validation accuracy first.

    Columns: experiment; the params in which they differ; epochs that were trained, and of the best one validation
    accuracy, accuracy and macro F1 on test; weights, multiply-adds (millions), ONNX file (MB) and minutes of training.
    """
    differing = [key for key in experiments[0].params if len({str(e.params.get(key)) for e in experiments}) > 1]
    rows = [
        {
            "experiment": each.name,
            **{key: each.params.get(key) for key in differing},
            "epochs": len(each.history),
            "val_accuracy": round(each.validation_accuracy, 4),
            "accuracy": each.scores["accuracy"],
            "macro_f1": each.scores["macro_f1"],
            **{key: each.cost[key] for key in ("weights", "mega_macs", "onnx_mb")},
            "minutes": each.minutes,
        }
        for each in experiments
    ]
    return pd.DataFrame(rows).sort_values("val_accuracy", ascending=False, kind="stable", ignore_index=True)


def compare(names: Sequence[str], folder: Path, title: str) -> None:
    """Compare experiments and write what came out into `folder`.

    comparison.csv and README.md have the table, comparison.png curves and scores of each; confusion.png and classes.png
    are of the one with the best validation accuracy, as nothing is chosen on test.

    Raises:
        InputError: a name is none of an experiment.
    """
    experiments = [Experiment.read(name) for name in names]
    best = max(experiments, key=lambda each: each.validation_accuracy)
    rows = table(experiments)
    curves = {each.name: each.history for each in experiments}
    lines = [
        f"# {title}",
        "Written by `mien compare`. Models and epochs are chosen on validation; accuracy and macro F1 are of test.",
        markdown_table("experiment", rows.set_index("experiment").to_dict("index")),
        "![Curves and scores](comparison.png)",
        f"The best by validation is {best.name}:",
        "![Confusion](confusion.png)",
        "![Precision, recall and F1](classes.png)",
    ]
    with outputs(str(folder)) as (written,):
        rows.to_csv(written / "comparison.csv", index=False)
        plots.save(plots.comparison(rows, curves, title), written / "comparison.png")
        plots.save(plots.confusion(best.cases, list(best.per_class), f"{best.name}, test"), written / "confusion.png")
        plots.save(plots.class_scores(best.per_class, f"{best.name}, test"), written / "classes.png")
        (written / "README.md").write_text("\n\n".join(lines) + "\n")
