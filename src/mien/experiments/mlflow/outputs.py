"""Logs the inputs and outputs of a stage that its run lacks, by the stage or later from DVC's files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Metric, Param, Run

from mien._io.yaml import read_yaml
from mien.experiments import layout
from mien.experiments.mlflow import datasets
from mien.experiments.mlflow.values import figures

#: The stages that train a network, and the folders of these networks.
NETWORKS = {"train_au": layout.AU_MODEL, "train_cnn": layout.CNN_MODEL}
_MAX_PARAMS, _MAX_METRICS = 100, 1000  # MLflow's limit per request
#: The prefix of a network's figures in its run, and the data they were measured on, by the network's name.
_MEASURED = {
    "cnn": (("train_cnn/cnn.", "train_cnn", layout.FER), ("evaluate/cnn.", "evaluate", layout.FER)),
    "au": (("train_au/au.", "train_au", layout.REALISTIC_AUS), ("evaluate/au.", "evaluate", layout.REALISTIC_AUS)),
}


@dataclass(frozen=True)
class Outputs:
    """The inputs and outputs of a stage.

    Attributes:
        stage: its name.
        report: a folder with the existing files of its report.
        network: a folder with the best.onnx that it trained; None if it trained none.
        data: its input data.
    """

    stage: str
    report: Path
    network: Path | None
    data: Sequence[DatasetInput]

    @classmethod
    def of_journal(cls, folder: Path, stage: str, params: Mapping[str, str]) -> "Outputs":
        """Return the outputs in a stage's journal, see `StageLog.outputs`."""
        files = [folder / layout.LOCK, folder / layout.PIPELINE]
        known = all(path.exists() for path in files)
        data = datasets.from_outs(read_yaml(files[0]), read_yaml(files[1]), stage, params) if known else []
        network = folder / "network"
        return cls(stage, folder / "report", network if network.exists() else None, data)


def log_outputs(client: MlflowClient, number: str, outputs: Outputs, when: int) -> bool:
    """Log what the run (its id) lacks. Returns whether anything was missing. when: the time of figures."""
    run, stage = client.get_run(number), outputs.stage
    metrics = list(_missing_epochs(client, run, outputs, when))
    values = figures(stage, outputs.report).items()
    metrics += [Metric(key, value, when, 0) for key, value in values if key not in run.data.metrics]
    log_metrics(client, number, metrics)
    logged = {entry.dataset.name for entry in run.inputs.dataset_inputs} if run.inputs else set()
    data = [entry for entry in outputs.data if entry.dataset.name not in logged]
    if data:
        client.log_inputs(number, data)
    arrived = {Path(entry.path).name for entry in client.list_artifacts(number, stage)}
    files = [path for path in sorted(outputs.report.iterdir()) if path.name not in arrived]
    for path in files:
        client.log_artifact(number, str(path), stage)
    lacked_network = _log_network(client, number, outputs)
    _carry_metrics(client, number)
    return bool(metrics or data or files or lacked_network)


def log_params(client: MlflowClient, run: str, values: Mapping[str, str]) -> None:
    """Log params to a run (its id), in requests of a size that MLflow accepts."""
    params = [Param(key, value) for key, value in values.items()]
    for start in range(0, len(params), _MAX_PARAMS):
        client.log_batch(run, params=params[start : start + _MAX_PARAMS])


def log_metrics(client: MlflowClient, run: str, metrics: Sequence[Metric]) -> None:
    """Log metrics to a run (its id), in requests of a size that MLflow accepts."""
    for start in range(0, len(metrics), _MAX_METRICS):
        client.log_batch(run, metrics=metrics[start : start + _MAX_METRICS])


def _missing_epochs(client: MlflowClient, run: Run, outputs: Outputs, when: int) -> Iterator[Metric]:
    """Yield the figures of epochs that a run lacks: epochs before a kill are in the killed run."""
    stage, path = outputs.stage, outputs.report / layout.history(outputs.stage).name
    if stage not in NETWORKS or not path.exists():
        return
    key = f"{stage}/val_loss"
    points = client.get_metric_history(run.info.run_id, key) if key in run.data.metrics else []
    steps = {point.step for point in points}
    for row in pd.read_csv(path).to_dict("records"):
        epoch = int(row.pop("epoch"))
        if epoch not in steps:
            yield from (Metric(f"{stage}/{name}", float(value), when, epoch) for name, value in row.items())


def _log_network(client: MlflowClient, run: str, outputs: Outputs) -> bool:
    if outputs.network is None:
        return False
    from mien.experiments.mlflow.models import log_model  # loads ONNX, which most stages do not need

    return log_model(client, run, NETWORKS[outputs.stage].name, outputs.network)


def _carry_metrics(client: MlflowClient, run: str) -> None:
    """Add the run's figures on validation and test to its networks if they lack them."""
    logged = client.get_run(run)
    data = [entry.dataset for entry in logged.inputs.dataset_inputs] if logged.inputs else []
    digests = {dataset.name: dataset.digest for dataset in data}
    for model in client.search_logged_models([logged.info.experiment_id], f"source_run_id = '{run}'"):
        carried = {metric.key for metric in model.metrics or ()}
        metrics = []
        for prefix, stage, path in _MEASURED.get(model.name, ()):
            name = f"{path}:{datasets.context(stage, str(path))}"
            measured_on = {"dataset_name": name, "dataset_digest": digests[name]} if name in digests else {}
            for key in sorted(key for key in logged.data.metrics if key.startswith(prefix) and key not in carried):
                last = client.get_metric_history(run, key)[-1]
                metrics.append(
                    Metric(key, last.value, last.timestamp, last.step, model_id=model.model_id, **measured_on)
                )
        if metrics:
            client.log_batch(run, metrics=metrics)
