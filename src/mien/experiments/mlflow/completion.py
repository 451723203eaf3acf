"""Completes runs in MLflow from DVC's files: what stages would have logged that DVC had in its cache.

A run belongs to a commit of a DVC experiment, which it is tagged with, not to a name: one name may stand for several
commits, and be given anew. Start, end and status of a run that is there stay as they are.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from time import time
from typing import Any

import pandas as pd
from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.experiments.utils import exp_refs
from dvc.scm import NoSCM
from mlflow.entities import Metric, Run
from scmrepo.exceptions import SCMError

from mien._io.errors import InputError, first_line
from mien._io.yaml import parse_yaml
from mien.experiments import layout
from mien.experiments.mlflow.datasets import from_deps
from mien.experiments.mlflow.models import log_model
from mien.experiments.mlflow.outbox import Journal, root
from mien.experiments.mlflow.requests import carry_metrics, log_metrics, log_params
from mien.experiments.mlflow.stage_log import COMMIT_TAG, EXPERIMENT_TAG, REVISION_TAG, RUN_TAG, WORKSPACE, tags, user
from mien.experiments.mlflow.store import all_runs, connect
from mien.experiments.mlflow.values import agree, figures, recorded_param_texts

#: Tells that nothing of DVC's files is missing in a run.
_COMPLETE_TAG = "mien.complete"
_NETWORKS = {"train_au": layout.AU_MODEL, "train_cnn": layout.CNN_MODEL}
_NOT_THERE = (DvcException, SCMError, OSError)

Part = tuple[str, Callable[[], Iterator[str]]]


class Completion:
    """Completes the runs of the repository in a store or server."""

    def __init__(self, uri: str) -> None:
        """Read what runs there are. Raises whatever MLflow raises."""
        self._uri = uri
        self._client, self._experiment = connect(uri)
        experiments = [experiment.experiment_id for experiment in self._client.search_experiments()]
        self._runs = list(all_runs(self._client, experiments, f"tags.`{EXPERIMENT_TAG}` LIKE '%'"))  # the newest first

    def parts(self) -> Iterator[Part]:
        """Yield what can be completed by itself, by name: the experiments of DVC, and the last `dvc repro`.

        The functions yield lines that say what they did, and raise whatever MLflow raises.
        """
        with Repo(str(root())) as repo:
            if not isinstance(repo.scm, NoSCM):
                for ref in list(exp_refs(repo.scm)):
                    commit = repo.scm.resolve_commit(repo.scm.get_ref(str(ref)))
                    experiment = ref.name, ref.baseline_sha, commit.hexsha, int(commit.commit_time * 1000)
                    yield ref.name, partial(self._complete_experiment, *experiment)
            yield WORKSPACE, partial(self._complete_workspace, repo)

    def _complete_experiment(self, name: str, baseline: str, revision: str, when: int) -> Iterator[str]:
        if (name, baseline) in _waiting():
            return  # in the outbox, which says so itself
        known = [run for run in self._runs if run.data.tags.get(REVISION_TAG) == revision]
        if any(_COMPLETE_TAG in run.data.tags for run in known):
            return
        files = _Files(revision)
        params = files.params()
        run = next(iter(known), None) or self._unclaimed(name, baseline, params)
        if run is None:
            named = tags(name, f"{name}-{revision}", baseline) | {REVISION_TAG: revision}
            run = self._client.create_run(self._experiment, when, named, name)
            self._client.set_terminated(run.info.run_id, "FINISHED", when)
        else:
            self._client.set_tag(run.info.run_id, REVISION_TAG, revision)
            if run.info.status == "RUNNING":  # nobody works on it: the machine went down
                self._client.set_terminated(run.info.run_id, "FINISHED", _last_time(run, when))
        yield from self._complete(name, run, files, run.info.end_time or when)

    def _unclaimed(self, name: str, baseline: str, params: Mapping[str, str]) -> Run | None:
        """Return the run that the stages of an experiment made, whose commit they could not know yet."""
        runs = [
            run
            for run in self._runs
            if run.data.tags[EXPERIMENT_TAG] == name
            and run.data.tags.get(COMMIT_TAG) == baseline
            and REVISION_TAG not in run.data.tags
            and agree(run.data.params, params)
        ]
        return min(runs, key=lambda run: run.info.status != "FINISHED", default=None)  # the newest that is

    def _complete_workspace(self, repo: Repo) -> Iterator[str]:
        """Complete the run of the last `dvc repro`, if the workspace still is what it made."""
        runs = [run for run in self._runs if run.data.tags[EXPERIMENT_TAG] == WORKSPACE]
        run = next((run for run in runs if run.data.tags.get("mlflow.user", "") == user()), None)
        if run is None or _COMPLETE_TAG in run.data.tags or Journal.of_run(run.data.tags.get(RUN_TAG, "")):
            return
        files = _Files(None)
        if run.info.status != "FINISHED" or not agree(run.data.params, files.params()):
            return
        try:
            changed = repo.status()
        except _NOT_THERE as error:
            raise InputError(f"`dvc status` fails ({first_line(error)})") from None
        if changed:
            yield f"{WORKSPACE}: its last run is left as it is, as `dvc status` finds changes since"
        else:
            yield from self._complete(WORKSPACE, run, files, run.info.end_time or int(time() * 1000))

    def _complete(self, name: str, run: Run, files: "_Files", when: int) -> Iterator[str]:
        completed = [stage for stage in files.stages() if self._complete_stage(stage, run, files, when)]
        log_params(self._client, run.info.run_id, _without(files.params(), run.data.params))
        carry_metrics(self._client, run.info.run_id)
        if completed:
            yield f"{name}: logged from DVC's files to {self._uri}: {', '.join(completed)}"
        if files.left_out or files.lacking:
            yield f"{name}: left out: {', '.join([*files.left_out, *files.lacking])}"
        if not files.lacking:
            self._client.set_tag(run.info.run_id, _COMPLETE_TAG, "true")

    def _complete_stage(self, stage: str, run: Run, files: "_Files", when: int) -> bool:
        """Log what a stage would have logged and MLflow lacks; return whether there was something."""
        client, number = self._client, run.info.run_id
        with files.report(stage) as report:
            values = figures(stage, report)
            metrics = []
            if stage in _NETWORKS and (path := report / layout.history(stage).name).exists():
                history = pd.read_csv(path)
                metrics = self._missing_epochs(stage, run, history, when)
            metrics += [Metric(key, value, when, 0) for key, value in _without(values, run.data.metrics).items()]
            log_metrics(client, number, metrics)
            logged = {entry.dataset.name for entry in run.inputs.dataset_inputs} if run.inputs else set()
            data = [entry for entry in from_deps(files.lock, stage) if entry.dataset.name not in logged]
            if data:
                client.log_inputs(number, data)
            lacks_files = any(report.iterdir()) and not client.list_artifacts(number, stage)
            if lacks_files:
                client.log_artifacts(number, str(report), stage)
        return any([metrics, data, lacks_files, stage in _NETWORKS and self._complete_network(stage, run, files)])

    def _missing_epochs(self, stage: str, run: Run, history: pd.DataFrame, when: int) -> list[Metric]:
        """Return the figures of epochs that a run lacks, as those before a kill are in the run that was killed."""
        key = f"{stage}/val_loss"
        points = self._client.get_metric_history(run.info.run_id, key) if key in run.data.metrics else []
        steps = {point.step for point in points}
        rows = history[~history["epoch"].isin(steps)].to_dict("records")
        return [
            Metric(f"{stage}/{name}", float(value), when, int(row["epoch"]))
            for row in rows
            for name, value in row.items()
            if name != "epoch"
        ]

    def _complete_network(self, stage: str, run: Run, files: "_Files") -> bool:
        network = _NETWORKS[stage]
        named = f"source_run_id = '{run.info.run_id}' and name = '{network.name}'"
        logged = self._client.search_logged_models([run.info.experiment_id], named)
        if any(model.status == "READY" for model in logged):
            return False
        with files.folder(network) as folder:
            return folder is not None and bool(log_model(self._client, run.info.run_id, network.name, folder))


class _Files:
    """What DVC has of a revision, or of the workspace.

    Attributes:
        left_out: the stages that did not run with its params, one text each.
        lacking: what DVC's cache lacks, and may have another time.
        lock: its dvc.lock.
    """

    def __init__(self, revision: str | None) -> None:
        """Open a revision, None for the workspace. Raises InputError where it has no params.yaml or dvc.lock."""
        self.left_out: list[str] = []
        self.lacking: list[str] = []
        self._revision = revision
        self._params = self._text(layout.PARAMS)
        self.lock: dict[str, Any] = parse_yaml(self._text(layout.LOCK), layout.LOCK)

    def params(self) -> dict[str, str]:
        """Return what stages log of params.yaml."""
        return recorded_param_texts(self._params)

    def stages(self) -> list[str]:
        """Return the stages whose outputs are those of params.yaml; `dvc repro --single-item` may leave others."""
        params, recorded = parse_yaml(self._params, layout.PARAMS), self.lock["stages"]
        outs = {out["path"]: (stage, out.get("md5")) for stage in recorded for out in recorded[stage].get("outs", ())}
        current: list[str] = []
        for stage in [stage for stage in layout.STAGES if stage in recorded]:
            taken = [(dep, outs[dep["path"]]) for dep in recorded[stage].get("deps", ()) if dep["path"] in outs]
            is_fresh = all(maker in current and dep.get("md5") == md5 for dep, (maker, md5) in taken)
            settings = recorded[stage].get("params", {}).get(str(layout.PARAMS), {})
            if is_fresh and all(_get(params, key) == value for key, value in settings.items()):
                current.append(stage)
            else:
                self.left_out.append(f"{stage}, which did not run with these params")
        self.left_out += [f"{stage}, which did not run" for stage in layout.STAGES if stage not in recorded]
        return current

    @contextmanager
    def report(self, stage: str) -> Iterator[Path]:
        """Yield a folder with the files of a stage's report that DVC has; what it lacks goes to `lacking`."""
        with tempfile.TemporaryDirectory() as folder:
            for out in self.lock["stages"][stage].get("outs", ()):
                path = Path(out["path"])
                if path.parent == layout.report(stage):
                    self._get(path, Path(folder, path.name))
            yield Path(folder)

    @contextmanager
    def folder(self, path: Path) -> Iterator[Path | None]:
        """Yield a copy of a folder of the pipeline, None where DVC lacks it, which goes to `lacking`."""
        with tempfile.TemporaryDirectory() as scratch:
            target = Path(scratch, path.name)
            yield target if self._get(path, target) else None

    def _get(self, path: Path, target: Path) -> bool:
        try:
            if self._files.isdir(f"/{path}"):
                self._files.get(f"/{path}", str(target), recursive=True)
            else:
                self._files.get_file(f"/{path}", str(target))
        except _NOT_THERE:
            self.lacking.append(f"{path}, which is not in DVC's cache")
            return False
        return True

    def _text(self, path: Path) -> str:
        try:
            return str(self._files.read_text(f"/{path}", encoding="utf-8"))
        except (*_NOT_THERE, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read ({first_line(error)})") from None

    @cached_property
    def _files(self) -> DVCFileSystem:
        return DVCFileSystem(str(root()), rev=self._revision)


def _waiting() -> set[tuple[str, str]]:
    """Return the experiments, by name and baseline, of which something waits in the outbox."""
    waiting = set()
    for journal in Journal.of_run():
        with suppress(InputError, LookupError):
            named = journal.events()[0]["tags"]
            waiting.add((named[EXPERIMENT_TAG], named.get(COMMIT_TAG, "")))
    return waiting


def _last_time(run: Run, otherwise: int) -> int:
    return max((point.timestamp for point in run.data._metric_objs), default=otherwise)


def _without(values: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in known}


def _get(tree: Any, key: str) -> Any:
    for name in key.split("."):
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree
