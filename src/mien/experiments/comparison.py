"""Compares DVC experiments: a table, learning curves, the spread over seeds, and the best one's confusion matrix.

The figures are kept beside the table, because DVC's experiments are local to a clone.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dvc.api
import pandas as pd
from dvc.exceptions import PathMissingError

from mien._io.atomic import output_folders
from mien._io.errors import InputError
from mien._io.nested import flatten
from mien._io.tables import parse_csv
from mien._io.yaml import parse_yaml
from mien.config.renames import translated
from mien.experiments import layout
from mien.experiments.mlflow.environment import tracking_uri
from mien.experiments.mlflow.store import connect, expected_at, search
from mien.experiments.mlflow.tags import EXPERIMENT_TAG
from mien.experiments.summary import markdown_table
from mien.plots.png import save_png
from mien.plots.scores import class_scores, confusion_matrix
from mien.plots.trainings import experiment_comparison
from mien.training.history import best_epoch

_SECONDS = "train_cnn/epoch_seconds"
_TABLE, _KEPT = "comparison.csv", "experiments.json"
_CUTS = ("base.seed", "prepare_fer.validation_share")  # the params that cut validation from train
_SEEDS = ("base.seed", "train_cnn.seed_offset")
_REPEATED = ("val_accuracy", "accuracy", "accuracy_tta", "accuracy_without_leaks", "macro_f1")


@dataclass(frozen=True)
class Experiment:
    """The record of a DVC experiment's CNN.

    params: flat, such as train_cnn.epochs. val_accuracy: of the kept epoch. cases: test cases, columns actual and
    predicted. minutes: the duration of its epochs by MLflow, including those before a kill; None if unknown, as for
    stages from DVC's cache.
    """

    name: str
    params: dict[str, Any]
    history: pd.DataFrame
    val_accuracy: float
    cost: dict[str, float]
    scores: dict[str, float]
    per_class: dict[str, dict[str, float]]
    cases: pd.DataFrame
    minutes: float | None

    @classmethod
    def read(cls, name: str) -> "Experiment":
        """Read an experiment of the current repository. Raises InputError if there is no such experiment."""

        def text(path: Path) -> str:
            return dvc.api.read(str(path), rev=name)

        try:
            history = pd.read_csv(io.StringIO(text(layout.history("train_cnn"))))
            return cls(
                name,
                flatten(translated(parse_yaml(text(layout.PARAMS), layout.PARAMS), layout.PARAMS)[0]),
                history,
                float(best_epoch(history)["val_accuracy"]),
                _cost(text),
                json.loads(text(layout.metrics("evaluate")))["cnn"],
                json.loads(text(layout.per_class()))["cnn"],
                parse_csv(io.StringIO(text(layout.confusion()))),
                _minutes(name),
            )
        except Exception as error:  # noqa: BLE001 -- of what DVC raises, and of what other revisions hold
            raise InputError(f"experiment {name}: cannot be read ({error}), expected one of `dvc exp list`") from None

    @classmethod
    def from_record(cls, name: str, record: Mapping[str, Any]) -> "Experiment":
        """Make an experiment from the result of `record`."""
        cases = pd.DataFrame(record["cases"], columns=["actual", "predicted", "count"])
        history = pd.DataFrame(record["history"])
        kept = {key: record[key] for key in ("params", "cost", "scores", "per_class", "minutes")}
        return cls(
            name,
            history=history,
            # older records kept the epoch of the highest
            val_accuracy=record.get("val_accuracy", float(history["val_accuracy"].max())),
            cases=cases.loc[cases.index.repeat(cases["count"]), ["actual", "predicted"]],
            **kept,
        )

    def record(self) -> dict[str, Any]:
        """Return the experiment for JSON, with cases counted by kind."""
        return {
            "params": self.params,
            "minutes": self.minutes,
            "val_accuracy": self.val_accuracy,
            "cost": self.cost,
            "scores": self.scores,
            "per_class": self.per_class,
            "cases": self.cases.value_counts(["actual", "predicted"], sort=False).reset_index().to_numpy().tolist(),
            "history": self.history.to_dict("list"),
        }


def _cost(text: Callable[[Path], str]) -> dict[str, float]:
    """Return the complexity of an experiment's CNN. text: reads its files."""
    try:
        metrics = json.loads(text(layout.metrics("train_cnn")))
    except PathMissingError:  # of a revision before version 0.2
        return dict(json.loads(text(layout.report("train_cnn") / "cost.json")))
    return {name: figure for name, figure in metrics.items() if name != "cnn"}


def _minutes(name: str) -> float | None:
    with expected_at(tracking_uri()):
        client, mlflow_experiment = connect(tracking_uri())
        runs = search(client, [mlflow_experiment], EXPERIMENT_TAG, name)
        histories = [
            client.get_metric_history(run.info.run_id, _SECONDS) for run in runs if _SECONDS in run.data.metrics
        ]
    return round(sum(epoch.value for epoch in histories[0]) / 60, 2) if histories else None


def _kept(folder: Path) -> dict[str, Experiment]:
    """Return the experiments that an earlier comparison kept, by name; empty if there was none."""
    path = folder / _KEPT
    if not path.exists() and not (folder / _TABLE).exists():
        return {}
    try:
        return {name: Experiment.from_record(name, record) for name, record in json.loads(path.read_text()).items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error!r}), expected what `mien exp compare` wrote") from None


def table(experiments: Sequence[Experiment]) -> pd.DataFrame:
    """Return one row per experiment, the best validation accuracy first.

    Columns: experiment; the params in which experiments differ; the number of trained epochs; validation accuracy, and
    accuracy and macro F1 on test, of the best epoch; weights, multiply-adds (millions), ONNX file (MB) and minutes of
    training.
    """
    keys = dict.fromkeys(key for experiment in experiments for key in experiment.params)
    differing = [key for key in keys if len({str(e.params[key]) for e in experiments if key in e.params}) > 1]
    rows = [
        {
            "experiment": experiment.name,
            **{key: experiment.params.get(key) for key in differing},
            "epochs": len(experiment.history),
            "val_accuracy": round(experiment.val_accuracy, 4),
            "accuracy": experiment.scores["accuracy"],
            "macro_f1": experiment.scores["macro_f1"],
            **{key: experiment.cost[key] for key in ("weights", "mega_macs", "onnx_mb")},
            "minutes": experiment.minutes,
        }
        for experiment in experiments
    ]
    return pd.DataFrame(rows).sort_values("val_accuracy", ascending=False, kind="stable", ignore_index=True)


def seeds(experiments: Sequence[Experiment]) -> pd.DataFrame:
    """Return one row per group of experiments that differ only in seeds; empty if there is no such group.

    Seeds are base.seed and train_cnn.seed_offset, which experiments of before this key lack.

    Columns: experiments (names), seeds (number), then as text mean and sample standard deviation of the validation
    accuracy and of each test accuracy that all of them have.
    """
    groups: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        rest = {key: value for key, value in experiment.params.items() if key not in _SEEDS}
        groups.setdefault(json.dumps(rest, sort_keys=True), []).append(experiment)
    rows = []
    for group in groups.values():
        if len({tuple(experiment.params.get(key, 0) for key in _SEEDS) for experiment in group}) > 1:
            scores = pd.DataFrame(
                [{"val_accuracy": experiment.val_accuracy, **experiment.scores} for experiment in group]
            )
            shown = scores[[key for key in _REPEATED if key in scores and scores[key].notna().all()]]
            spread = {key: f"{column.mean():.4f} ± {column.std():.4f}" for key, column in shown.items()}
            rows.append(
                {"experiments": ", ".join(experiment.name for experiment in group), "seeds": len(group), **spread}
            )
    return pd.DataFrame(rows)


def compare(names: Sequence[str], folder: Path, title: str, *, add: bool = False) -> None:
    """Compare experiments and write the results into `folder`.

    comparison.csv and README.md contain the table, comparison.png the curves and scores of each experiment.
    confusion.png and classes.png show the one with the best validation accuracy, as nothing is chosen on test.
    experiments.json keeps everything that was read.

    Args:
        add: include the experiments in experiments.json, which DVC may have forgotten.

    Raises:
        InputError: there is no experiment of a name, or experiments.json is damaged or missing beside a comparison.csv.
    """
    kept = _kept(folder) if add else {}
    experiments = list((kept | {name: Experiment.read(name) for name in names}).values())
    best = max(experiments, key=lambda experiment: experiment.val_accuracy)
    rows, repeated = table(experiments), seeds(experiments)
    curves = {experiment.name: experiment.history for experiment in experiments}
    lines = [
        f"# {title}",
        "Written by `mien exp compare`. Models and epochs are chosen on validation; accuracy and macro F1 are of test.",
        markdown_table("experiment", rows.set_index("experiment").to_dict("index")),
        "![Curves and scores](comparison.png)",
        f"The best by validation is {best.name}:",
        "![Confusion](confusion.png)",
        "![Precision, recall and F1](classes.png)",
    ]
    if cuts := [key for key in _CUTS if key in rows]:
        other = " or ".join(cuts)
        lines[2:2] = [f"Those of another {other} may have been validated on other images, easier or harder ones."]
    if len({frozenset(experiment.per_class) for experiment in experiments}) > 1:
        lines[2:2] = ["They do not have the same classes: figures of different classes say nothing about each other."]
    if len(repeated):
        by_seed = markdown_table("experiments", repeated.set_index("experiments").to_dict("index"))
        lines[-4:-4] = ["Mean and standard deviation over seeds:", by_seed]
    with output_folders(folder) as (written,):
        rows.to_csv(written / _TABLE, index=False)
        save_png(experiment_comparison(rows, curves, title), written / "comparison.png")
        save_png(confusion_matrix(best.cases, list(best.per_class), f"{best.name}, test"), written / "confusion.png")
        save_png(class_scores(best.per_class, f"{best.name}, test"), written / "classes.png")
        (written / "README.md").write_text("\n\n".join(lines) + "\n")
        records = [f"{json.dumps(experiment.name)}: {json.dumps(experiment.record())}" for experiment in experiments]
        (written / _KEPT).write_text("{\n" + ",\n".join(records) + "\n}\n")
