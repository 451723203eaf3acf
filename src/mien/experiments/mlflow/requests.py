"""Requests to MLflow, in parts that it takes at once."""

from collections.abc import Mapping, Sequence

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from mien.experiments import layout
from mien.experiments.mlflow.datasets import context

_MAX_PARAMS, _MAX_METRICS = 100, 1000  # of one request to MLflow
#: Where the figures of a network stand among those of its run, by its name: prefix, and the data they were measured on.
_MEASURED = {
    "cnn": (("train_cnn/cnn.", "train_cnn", layout.FER), ("evaluate/cnn.", "evaluate", layout.FER)),
    "au": (("train_au/au.", "train_au", layout.REALISTIC_AUS), ("evaluate/au.", "evaluate", layout.REALISTIC_AUS)),
}


def log_params(client: MlflowClient, run: str, values: Mapping[str, str]) -> None:
    """Log params to a run, whose id is given."""
    params = [Param(key, value) for key, value in values.items()]
    for start in range(0, len(params), _MAX_PARAMS):
        client.log_batch(run, params=params[start : start + _MAX_PARAMS])


def log_metrics(client: MlflowClient, run: str, metrics: Sequence[Metric]) -> None:
    """Log metrics to a run, whose id is given."""
    for start in range(0, len(metrics), _MAX_METRICS):
        client.log_batch(run, metrics=metrics[start : start + _MAX_METRICS])


def carry_metrics(client: MlflowClient, run: str) -> None:
    """Let the networks of a run carry its figures on validation and test, which they lack."""
    logged = client.get_run(run)
    data = [entry.dataset for entry in logged.inputs.dataset_inputs] if logged.inputs else []
    digests = {dataset.name: dataset.digest for dataset in data}
    for model in client.search_logged_models([logged.info.experiment_id], f"source_run_id = '{run}'"):
        carried = {metric.key for metric in model.metrics or ()}
        metrics = []
        for prefix, stage, path in _MEASURED.get(model.name, ()):
            name = f"{path}:{context(stage, str(path))}"
            measured_on = {"dataset_name": name, "dataset_digest": digests[name]} if name in digests else {}
            for key in sorted(key for key in logged.data.metrics if key.startswith(prefix) and key not in carried):
                last = client.get_metric_history(run, key)[-1]
                metrics.append(
                    Metric(key, last.value, last.timestamp, last.step, model_id=model.model_id, **measured_on)
                )
        if metrics:
            client.log_batch(run, metrics=metrics)
