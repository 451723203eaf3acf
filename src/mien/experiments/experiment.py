"""A DVC experiment with its figures: read from the repository, or from a record of them."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dvc.api
import pandas as pd
from dvc.exceptions import PathMissingError
from mlflow import MlflowClient

from mien._io.errors import InputError, note
from mien._io.nested import flatten
from mien._io.tables import parse_csv
from mien._io.yaml import parse_yaml
from mien.config.renames import translated
from mien.experiments import layout
from mien.experiments.mlflow.environment import tracking_uri
from mien.experiments.mlflow.store import connect, expected_at, search
from mien.experiments.mlflow.tags import EXPERIMENT_TAG
from mien.training.history import best_epoch

_SECONDS = "train_cnn/epoch_seconds"


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
    per_class: Mapping[str, Mapping[str, float | None]]
    cases: pd.DataFrame
    minutes: float | None

    @classmethod
    def read(cls, name: str) -> "Experiment":
        """Read an experiment of the current repository, without its minutes, see `minutes_by_mlflow`.

        Raises:
            InputError: there is no such experiment.
        """

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
                None,
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


def minutes_by_mlflow(names: Sequence[str]) -> dict[str, float | None]:
    """Return the minutes of experiments by MLflow; None of all, with a note, if its store or server does not work."""
    try:
        with expected_at(tracking_uri()):
            client, mlflow_experiment = connect(tracking_uri())
            return {name: _minutes_of(client, mlflow_experiment, name) for name in names}
    except InputError as error:
        note(f"{error}; the minutes of training are left out")
        return dict.fromkeys(names)


def _minutes_of(client: MlflowClient, mlflow_experiment: str, name: str) -> float | None:
    runs = search(client, [mlflow_experiment], EXPERIMENT_TAG, name)
    histories = [client.get_metric_history(run.info.run_id, _SECONDS) for run in runs if _SECONDS in run.data.metrics]
    return round(sum(epoch.value for epoch in histories[0]) / 60, 2) if histories else None
