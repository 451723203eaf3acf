"""Brings MLflow up to date: what stages could not send, and experiments of which they did not run.

A stage whose outputs DVC has in its cache does not run, and logs nothing; what it would have logged is in DVC's files.
"""

import json
import os
from collections.abc import Collection, Iterator

import pandas as pd
from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from mlflow.entities import Run

from mien._io.errors import within
from mien._io.yaml import flat, parse_yaml
from mien.experiments.mlflow.log import EXPERIMENT_TAG, RUN_TAG, Log, tags
from mien.experiments.mlflow.outbox import Journal, root, tracking_uri
from mien.experiments.mlflow.send import Sending, send_rest
from mien.experiments.mlflow.store import connect, expected_at

#: The networks by the stage that trains them, and a figure that each stage logs.
_NETWORKS = {"train_au": "au", "train_cnn": "cnn"}
_FIGURES = {"train_au": "train_au/accuracy", "train_cnn": "train_cnn/accuracy", "evaluate": "cnn.accuracy"}


def sync() -> Iterator[str]:
    """Log what MLflow lacks, and yield a line for each part.

    What stages could not send goes where they would have sent it, or to MLFLOW_TRACKING_URI where that is set.

    Raises:
        InputError: a store or server does not take it; what is not sent is kept.
    """
    for journal in Journal.of_run():
        name = f"{journal.folder.parent.name}/{journal.folder.name}"
        uri = journal.uri() if "MLFLOW_TRACKING_URI" not in os.environ else tracking_uri()
        missing = journal.missing_at(uri)
        with within(f"{name}: not logged: {missing}"), expected_at(uri):
            free = send_rest(journal, uri)
        yield f"{name}: logged to {uri}: {missing}" if free else f"{name}: still running"
    if (root() / ".dvc").is_dir():
        with expected_at(tracking_uri()):
            yield from _complete(tracking_uri())


def _complete(uri: str) -> Iterator[str]:
    """Log what the experiments of the repository lack in MLflow, as DVC has it; yield a line for each."""
    client, mlflow_experiment = connect(uri)
    runs: dict[str, Run] = {}
    for run in client.search_runs([mlflow_experiment]):  # the newest first
        runs.setdefault(run.data.tags.get(EXPERIMENT_TAG, ""), run)
    with Repo(str(root())) as repo:
        listed = repo.experiments.ls(all_commits=True)
    for baseline, experiments in listed.items():
        for name, revision in experiments:
            known = runs[name].data if name in runs else None
            lacking = [stage for stage, figure in _FIGURES.items() if not known or figure not in known.metrics]
            if not lacking:
                continue
            execution = known.tags[RUN_TAG] if known else f"{name}-{revision}"
            journal = Journal.of(execution, "cached")
            if (lock := journal.lock()) is None:
                continue  # another `mien mlflow sync` is at it
            try:
                journal.append("start", uri=uri, name=name, tags=tags(name, execution, baseline))
                _log(DVCFileSystem(str(root()), rev=revision), journal, lacking)
                journal.append("end", status="FINISHED")
            except (DvcException, OSError) as error:
                journal.remove()
                yield f"{name}: not in DVC's cache ({error})"
            else:
                Sending(journal, uri).finish()
                yield f"{name}: logged from DVC's cache to {uri}: {', '.join(lacking)}"
            finally:
                os.close(lock)


def _log(files: DVCFileSystem, journal: Journal, stages: Collection[str]) -> None:
    """Log what stages would have logged: params, data, curves, networks, figures and plots."""
    params = parse_yaml(files.read_text("params.yaml"), "params.yaml")
    journal.append("params", values={key: str(value) for key, value in flat(params).items()})
    files.get_file("dvc.lock", str(journal.folder / "dvc.lock"))
    journal.append("data", context="training", paths=["data/aus/realistic.csv", "data/balanced", "data/fer"])
    for stage in stages:
        log, report = Log(stage, journal), journal.files / stage
        files.get(f"reports/{stage}", str(report), recursive=True)
        if stage in _NETWORKS:
            for _, row in pd.read_csv(report / "history.csv").iterrows():
                log.epoch({str(key): value for key, value in row.items()})
            network = _NETWORKS[stage]
            files.get(f"models/{network}", str(journal.models / network), recursive=True)
            journal.append("model", name=network)
        else:
            log.metrics(json.loads((report / "metrics.json").read_text()))
    journal.append("files")
