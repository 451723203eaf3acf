"""Brings MLflow up to date: what stages could not send, and experiments of which they did not run.

A stage whose outputs DVC has in its cache does not run, and logs nothing; what it would have logged is in DVC's files.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress

import pandas as pd
from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from mlflow.entities import Run

from mien._io.errors import InputError, within
from mien._io.yaml import check, flat, parse_yaml
from mien.config import Params
from mien.config.renames import translated
from mien.experiments import layout
from mien.experiments.mlflow.outbox import Journal, remove_run, root, tracking_uri
from mien.experiments.mlflow.sending import Sending, send_rest
from mien.experiments.mlflow.stage_log import DATA, EXPERIMENT_TAG, RUN_TAG, StageLog, tags
from mien.experiments.mlflow.store import connect, expected_at
from mien.training.history import best_epoch

_NETWORKS = {"train_au": layout.AU_MODEL, "train_cnn": layout.CNN_MODEL}
_PATIENCE = 60.0  # seconds for the process that sends what stages logged, which a server makes wait for 30 at most


def sync() -> Iterator[str]:
    """Log what MLflow lacks, and yield one line per part.

    What stages could not send goes where they would have sent it, or to MLFLOW_TRACKING_URI where that is set.

    Raises:
        InputError: a store or server does not take it; what is not sent is kept.
    """
    for journal in Journal.of_run():
        uri = journal.uri() if "MLFLOW_TRACKING_URI" not in os.environ else tracking_uri()
        missing = journal.missing_at(uri)
        with within(f"{journal.name}: not logged: {missing}"), expected_at(uri):
            is_sent = send_rest(journal, uri, _PATIENCE)
        yield f"{journal.name}: logged to {uri}: {missing}" if is_sent else f"{journal.name}: still running"
        remove_run(journal.folder.parent)
    if (root() / ".dvc").is_dir():
        with expected_at(tracking_uri()):
            yield from _complete(tracking_uri())


def _complete(uri: str) -> Iterator[str]:
    """Log what the experiments of the repository lack in MLflow, as DVC has it; yield one line for each."""
    client, mlflow_experiment = connect(uri)
    runs: dict[str, Run] = {}
    for run in client.search_runs([mlflow_experiment]):  # the newest first
        runs.setdefault(run.data.tags.get(EXPERIMENT_TAG, ""), run)
    with Repo(str(root())) as repo:
        listed = repo.experiments.ls(all_commits=True)
    for baseline, experiments in listed.items():
        for name, revision in experiments:
            known = runs[name].data if name in runs else None
            stages = _stages_without_metrics(known.metrics if known else ())
            if not stages:
                continue
            execution = known.tags[RUN_TAG] if known else f"{name}-{revision}"
            journal = Journal.of(execution, "cached")
            try:
                lock = journal.begin()
            except BlockingIOError:
                continue  # another `mien mlflow sync` is at it
            sending = None
            try:
                sending = journal.sending_lock(_PATIENCE)  # the run's own process, if alive, keeps off
                journal.append("start", uri=uri, name=name, tags=tags(name, execution, baseline))
                _log(DVCFileSystem(str(root()), rev=revision), journal, stages)
                journal.append("end", status="FINISHED")
            except (DvcException, OSError) as error:
                journal.remove()
                yield f"{name}: not in DVC's cache ({error})"
            else:
                if sending:
                    Sending(journal, uri).finish()
                yield f"{name}: logged from DVC's cache to {uri}: {', '.join(stages)}"
            finally:
                if sending:
                    sending.release()
                lock.release()
                remove_run(journal.folder.parent)


def _stages_without_metrics(names: Collection[str]) -> list[str]:
    logged = {name.partition("/")[0] for name in names}
    return [stage for stage in layout.STAGES if stage not in logged]


def _log(files: DVCFileSystem, journal: Journal, stages: Collection[str]) -> None:
    """Log what stages would have logged: params, data, curves, networks, figures and plots."""
    journal.append("params", values=_params(files.read_text(str(layout.PARAMS))))
    files.get_file(str(layout.LOCK), str(journal.folder / layout.LOCK))
    for stage in stages:
        log = StageLog(stage, journal)
        report = journal.files / stage
        files.get(str(layout.report(stage)), str(report), recursive=True)
        if stage in DATA:
            context, paths = DATA[stage]
            journal.append("data", context=context, paths=[str(path) for path in paths])
        if stage in _NETWORKS:
            history = pd.read_csv(report / layout.history(stage).name)
            for _, row in history.iterrows():
                log.epoch({str(key): value for key, value in row.items()})
            log.metrics({"best": best_epoch(history)})
            network = _NETWORKS[stage]
            files.get(str(network), str(journal.models / network.name), recursive=True)
            journal.append("model", name=network.name)
        log.figures(report)
    journal.append("files")


def _params(text: str) -> dict[str, str]:
    """Return what stages log of a params.yaml; of one that is valid no longer, what stands in it."""
    params, _ = translated(parse_yaml(text, layout.PARAMS), layout.PARAMS)
    with suppress(InputError):
        params = check(Params, params, layout.PARAMS).model_dump()
    return {key: str(value) for key, value in flat(params).items()}
