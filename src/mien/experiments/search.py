"""Hyperparameter search for train_cnn: trials on a Ray cluster; ASHA stops unpromising ones early.

Li et al., A system for massively parallel hyperparameter tuning, 2020. All decisions are made on validation.
"""

import os
import shutil
import sys
import threading
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from dvc.utils.serialize import modify_yaml

from mien._io.atomic import output_file, output_folders
from mien._io.errors import InputError
from mien._io.outputs import check_folder
from mien._io.ray_cluster import connect
from mien.data.arrays import Images
from mien.experiments import layout
from mien.experiments.mlflow import log_stage
from mien.experiments.mlflow.environment import tracking_uri
from mien.experiments.mlflow.journal import Journal
from mien.experiments.mlflow.tags import execution
from mien.experiments.search_report import trial_table, write_report
from mien.experiments.search_space import SearchSpace, Trial, draw_trials
from mien.training import distributed
from mien.training.inputs import Inputs

if TYPE_CHECKING:
    from ray.tune import ResultGrid, Tuner

#: The MLflow tag that tells what stopped a trial before its last epoch.
STOPPED_TAG = "search.stopped_by"
_REDUCTION_FACTOR = 3  # one of this many trials continues after each rung
_TIMEOUT = 10.0  # seconds for a stopped trial to end and send its log
_MAX_FAILURES = 2  # restarts of a trial whose process died; it resumes after its last finished epoch
_ended = threading.Event()  # set when the trial in this process is over; Tune trains in a thread
_MLFLOW_VARIABLES = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)


def search(path: Path, folder: Path, trials: int | None = None, cpus: int = 1, gpus: int = 0) -> list[Trial]:
    """Run the trials of a search space. Writes results into `folder` and the best params into params.yaml.

    trials.csv and README.md have one row per trial, the best first; history.csv has all epochs. Each trial is an MLflow
    run, a child of the search's run. The data are those of the last `dvc repro` in the current folder, which all nodes
    of the cluster must see.

    Args:
        path: the file of the search space.
        folder: the folder for results; trials are named after it.
        trials: the number of trials; None for that of the file.
        cpus, gpus: resources per trial.

    Returns:
        The trials that finished an epoch, the best first.

    Raises:
        InputError: the file is wrong, there are no data, `folder` is a file or has other files, the cluster lacks the
            CPUs or GPUs for a trial, or no trial finished an epoch.
    """
    check_folder(folder, "search", ["trials.csv"])
    space = SearchSpace.read(path)
    name = folder.resolve().name
    drawn = draw_trials(space, trials or space.trials, name, path)
    for images, split in ((layout.BALANCED, "train"), (layout.FER, "validation")):
        Images.load(images, split)
    with output_folders(folder) as (written,):
        try:
            with connect(cpus), redirect_stdout(sys.stderr):  # because Tune prints its progress there
                histories = _run(drawn, name, space.grace_epochs, cpus, gpus)
        finally:
            shutil.rmtree(layout.SEARCH_CHECKPOINTS, ignore_errors=True)
            _send_rest(drawn)
        if not histories:
            raise InputError(f"{path}: none of {len(drawn)} trials finished an epoch")
        table = trial_table(drawn, histories)
        by_name = {trial.name: trial for trial in drawn}
        ranked = [by_name[name] for name in table["trial"]]
        write_report(written, ranked, table, histories, f"mien exp search {path} --trials {len(drawn)}")
    apply_changes(ranked[0].changes)
    return ranked


def apply_changes(changes: Mapping[str, Any], path: Path = layout.PARAMS) -> None:
    """Set keys such as train_cnn.network in params.yaml. Comments are kept."""
    with output_file(path) as scratch:
        shutil.copy(path, scratch)
        with modify_yaml(str(scratch)) as tree:
            for key, value in changes.items():
                *sections, last = key.split(".")
                reduce(lambda section, name: section[name], sections, tree)[last] = value


def _run(trials: list[Trial], name: str, grace_epochs: int, cpus: int, gpus: int) -> dict[str, pd.DataFrame]:
    """Train on the connected cluster. Returns the epochs by trial, for trials that finished at least one.

    In MLflow, the trials are children of a run called `name`.
    """
    import ray
    from ray import tune
    from ray.tune.trainable import wrap_function

    if (available := int(ray.cluster_resources().get("GPU", 0))) < gpus:
        raise InputError(f"--gpus: found {gpus} for a trial, expected at most the {available} of the Ray cluster")
    trainable = tune.with_parameters(
        _train,
        trials=trials,
        parent=(name, execution(name)),
        root=str(Path.cwd()),
        environment={
            **{variable: os.environ[variable] for variable in _MLFLOW_VARIABLES if variable in os.environ},
            "TF_NUM_INTRAOP_THREADS": str(cpus),  # otherwise each trial takes all cores of its node
        },
    )

    class PatientTrial(wrap_function(trainable)):  # type: ignore[misc]
        """A trial whose process lives until its stop by ASHA is logged. Tune's own trials do not wait."""

        def cleanup(self) -> None:
            super().cleanup()
            _wait_for_end()

    tuner = _tuner(tune.with_resources(PatientTrial, {"cpu": cpus, "gpu": gpus}), trials, grace_epochs)
    return _histories(trials, tuner.fit())


def _tuner(trainable: Any, trials: list[Trial], grace_epochs: int) -> "Tuner":
    """Return a tuner that trains each trial by its number. ASHA stops those that others are better than."""
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    epochs = max(trial.params.train_cnn.epochs for trial in trials)
    return tune.Tuner(
        trainable,
        param_space={"number": tune.grid_search(list(range(len(trials))))},
        tune_config=tune.TuneConfig(
            metric="val_accuracy",
            mode="max",
            scheduler=ASHAScheduler(
                time_attr="epoch",
                max_t=epochs,
                grace_period=min(grace_epochs, epochs),
                reduction_factor=_REDUCTION_FACTOR,
            ),
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(layout.SEARCH_CHECKPOINTS.resolve()),
            verbose=1,
            failure_config=tune.FailureConfig(max_failures=_MAX_FAILURES),
        ),
    )


def _histories(trials: list[Trial], results: "ResultGrid") -> dict[str, pd.DataFrame]:
    histories = {}
    for number in range(len(results)):
        result = results[number]
        trial = trials[(result.config or {})["number"]]
        if result.error:
            print(f"{trial.name}: failed: {str(result.error).splitlines()[-1]}", file=sys.stderr)
        epochs = result.metrics_dataframe
        if epochs is not None and len(epochs):
            columns = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"]
            histories[trial.name] = epochs[columns].drop_duplicates("epoch", keep="last", ignore_index=True)
    return histories


def _train(
    config: Mapping[str, int],
    trials: list[Trial],
    parent: tuple[str, str],
    root: str,
    environment: Mapping[str, str],
) -> None:
    """Train one trial in a Ray process. Each epoch is reported to Tune, which may stop the trial."""
    from ray import tune

    trial = trials[config["number"]]
    os.chdir(root)
    os.environ.update(environment, DVC_EXP_NAME=trial.name)
    folder = layout.SEARCH_CHECKPOINTS / trial.name
    folder.mkdir(parents=True, exist_ok=True)
    _ended.clear()
    try:
        with log_stage("train_cnn", trial.params, parent) as log:

            def report(row: dict[str, float]) -> None:
                log.epoch(row)
                tune.report(row)

            try:
                inputs = Inputs.load(layout.BALANCED, layout.FER, trial.params.train_cnn)
                distributed.train(inputs, trial.params, folder, checkpoints=folder / "checkpoints", on_epoch=report)
            except SystemExit:  # raised by `tune.report` when ASHA stops the trial
                log.tag(STOPPED_TAG, "ASHA")
    finally:
        _ended.set()


def _wait_for_end() -> None:
    """Wait until the trial in this process is over and logged."""
    _ended.wait(_TIMEOUT)


def _send_rest(trials: list[Trial]) -> None:
    """Send the last logs of trials to MLflow, because Ray ends senders together with their trials."""
    from mien.experiments.mlflow.sender import Sending
    from mien.experiments.mlflow.store import expected_at

    try:
        with expected_at(tracking_uri()):
            for journal in [journal for trial in trials for journal in Journal.of_run(f"{trial.name}-*")]:
                Sending(journal, tracking_uri()).send(_TIMEOUT)
    except InputError as error:
        print(f"mlflow: {error}; what is missing there is kept, `mien mlflow sync` sends it", file=sys.stderr)
