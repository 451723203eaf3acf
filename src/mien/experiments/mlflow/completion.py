"""Completes runs in MLflow from DVC's files, for stages that DVC restored from its cache.

A run belongs to the commit of a DVC experiment, stored as a tag, and not to a name, because names can be reused. Start,
end and status of an existing run stay unchanged.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from time import time

from dvc.repo import Repo
from dvc.repo.experiments.utils import exp_refs
from dvc.scm import NoSCM
from mlflow.entities import Run

from mien._io.errors import InputError, first_line
from mien.experiments.mlflow.dvc_files import NOT_THERE, DvcFiles
from mien.experiments.mlflow.environment import root
from mien.experiments.mlflow.journal import Journal
from mien.experiments.mlflow.outputs import log_outputs, log_params
from mien.experiments.mlflow.store import MAX_RUNS, adopt, connect
from mien.experiments.mlflow.tags import (
    COMMIT_TAG,
    EXPERIMENT_TAG,
    PARENT_TAG,
    REVISION_TAG,
    RUN_TAG,
    WORKSPACE,
    tags,
    user,
)
from mien.experiments.mlflow.values import are_compatible

#: The tag of a run that lacks nothing of DVC's files.
_COMPLETE_TAG = "mien.complete"
_OF_SWEEP = re.compile(r"(.+)-\d+")  # DVC names the experiments of a sweep NAME-1, NAME-2 ..

_SOON = 600_000  # milliseconds between the end of the stages and the commit of their experiment, in which DVC hashes

Part = tuple[str, Callable[[], Iterator[str]]]


class Completion:
    """Completes the repository's runs in a store or server."""

    def __init__(self, uri: str) -> None:
        """Read the existing runs. Raises whatever MLflow raises."""
        self._uri = uri
        self._client, self._experiment = connect(uri)
        experiments = [experiment.experiment_id for experiment in self._client.search_experiments()]
        condition = f"tags.`{EXPERIMENT_TAG}` LIKE '%'"
        self._names: set[tuple[str, str]] = set()  # of the experiments of DVC, with their baselines
        self._runs = list(self._client.search_runs(experiments, condition, max_results=MAX_RUNS))  # the newest first

    def parts(self) -> Iterator[Part]:
        """Yield the parts that can be completed, by name: DVC's experiments and the last `dvc repro`.

        Their functions yield lines about what they did, and raise whatever MLflow raises.
        """
        with Repo(str(root())) as repo:
            refs = [] if isinstance(repo.scm, NoSCM) else sorted(exp_refs(repo.scm), key=lambda ref: _order(ref.name))
            self._names = {(ref.name, ref.baseline_sha) for ref in refs}
            sweeps = Counter((_sweep(ref.name), ref.baseline_sha) for ref in refs)
            for ref in refs:
                commit = repo.scm.resolve_commit(repo.scm.get_ref(str(ref)))
                experiment = ref.name, ref.baseline_sha, commit.hexsha, int(commit.commit_time * 1000)
                is_swept = _sweep(ref.name) != "" and sweeps[_sweep(ref.name), ref.baseline_sha] > 1
                yield ref.name, partial(self._complete_experiment, *experiment, is_swept=is_swept)
            yield WORKSPACE, partial(self._complete_workspace, repo)

    def _complete_experiment(
        self, name: str, baseline: str, revision: str, when: int, *, is_swept: bool
    ) -> Iterator[str]:
        if (name, baseline) in _waiting():
            return  # still in the outbox, which is reported separately
        known = [run for run in self._runs if run.data.tags.get(REVISION_TAG) == revision]
        run = min(known, key=lambda run: _COMPLETE_TAG not in run.data.tags, default=None)
        if run is None or _COMPLETE_TAG not in run.data.tags:
            files = DvcFiles(revision)
            named = tags(name, f"{name}-{revision}", baseline)
            run = run or self._unclaimed(name, baseline, when, files.params())
            run = run or self._client.create_run(self._experiment, when, named, name)
            self._client.set_tag(run.info.run_id, REVISION_TAG, revision)
            if run.info.status == "RUNNING":  # new, or abandoned because the machine went down
                self._client.set_terminated(run.info.run_id, "FINISHED", _last_time(run, when))
            yield from self._complete(name, run, files, run.info.end_time or when)
        if run.data.tags[EXPERIMENT_TAG] != name and self._is_former(run):
            self._rename(run, name)
            yield f"{name}: was called {run.data.tags[EXPERIMENT_TAG]} in MLflow"
        if is_swept and PARENT_TAG not in run.data.tags:
            adopt(self._client, run.info.run_id, _sweep(name), f"{_sweep(name)}-{baseline}")

    def _unclaimed(self, name: str, baseline: str, when: int, params: Mapping[str, str]) -> Run | None:
        """Return the run of an experiment's stages, which could not know its commit yet.

        If the experiment was renamed since, the time of its commit identifies it: that comes when its stages are done.
        """
        runs = [
            run
            for run in self._runs
            if run.data.tags.get(COMMIT_TAG) == baseline
            and REVISION_TAG not in run.data.tags
            and are_compatible(run.data.params, params)
        ]
        named = [run for run in runs if run.data.tags[EXPERIMENT_TAG] == name]
        if named:
            return min(named, key=lambda run: run.info.status != "FINISHED")  # the newest existing one
        former = [
            run
            for run in runs
            if self._is_former(run)
            and run.info.status == "FINISHED"
            and 0 <= when + 1000 - (run.info.end_time or 0) < _SOON
        ]
        return next(iter(former), None)

    def _is_former(self, run: Run) -> bool:
        """Return whether a run has the name of an experiment that DVC no longer has."""
        former = run.data.tags[EXPERIMENT_TAG]
        return former != WORKSPACE and (former, run.data.tags.get(COMMIT_TAG, "")) not in self._names

    def _rename(self, run: Run, name: str) -> None:
        """Let a run follow `dvc exp rename`, so that it is found by the name that DVC has."""
        self._client.set_tag(run.info.run_id, EXPERIMENT_TAG, name)
        if run.info.run_name == run.data.tags[EXPERIMENT_TAG]:  # else somebody named the run
            self._client.update_run(run.info.run_id, name=name)

    def _complete_workspace(self, repo: Repo) -> Iterator[str]:
        """Complete the run of the last `dvc repro`, if the workspace is unchanged since then."""
        runs = [run for run in self._runs if run.data.tags[EXPERIMENT_TAG] == WORKSPACE]
        run = next((run for run in runs if run.data.tags.get("mlflow.user", "") == user()), None)
        if run is None or _COMPLETE_TAG in run.data.tags or Journal.of_run(run.data.tags.get(RUN_TAG, "")):
            return
        files = DvcFiles(None)
        if run.info.status != "FINISHED" or not are_compatible(run.data.params, files.params()):
            return
        try:
            changed = repo.status()
        except NOT_THERE as error:
            raise InputError(f"`dvc status` fails ({first_line(error)})") from None
        if changed:
            yield f"{WORKSPACE}: its last run is left as it is, as `dvc status` finds changes since"
        else:
            yield from self._complete(WORKSPACE, run, files, run.info.end_time or int(time() * 1000))

    def _complete(self, name: str, run: Run, files: DvcFiles, when: int) -> Iterator[str]:
        number, completed, params = run.info.run_id, [], files.params().items()
        log_params(self._client, number, {key: text for key, text in params if key not in run.data.params})
        for stage in files.stages():
            with files.outputs(stage) as outputs:
                if log_outputs(self._client, number, outputs, when):
                    completed.append(stage)
        if completed:
            yield f"{name}: logged from DVC's files to {self._uri}: {', '.join(completed)}"
        if files.left_out or files.lacking:
            yield f"{name}: left out: {', '.join([*files.left_out, *files.lacking])}"
        if not files.lacking:
            self._client.set_tag(number, _COMPLETE_TAG, "true")


def _waiting() -> set[tuple[str, str]]:
    """Return the experiments (name and baseline) with something in the outbox."""
    waiting = set()
    for journal in Journal.of_run():
        with suppress(InputError, LookupError):
            named = journal.events()[0]["tags"]
            waiting.add((named[EXPERIMENT_TAG], named.get(COMMIT_TAG, "")))
    return waiting


def _sweep(name: str) -> str:
    """Return the name of an experiment's sweep, derived from its own name; empty for other names."""
    match = _OF_SWEEP.fullmatch(name)
    return match[1] if match else ""


def _order(name: str) -> tuple[str, int, str]:
    """Return a sort key that orders the experiments of a sweep by number."""
    return (sweep, int(name.rpartition("-")[2]), name) if (sweep := _sweep(name)) else (name, 0, name)


def _last_time(run: Run, otherwise: int) -> int:
    return max((point.timestamp for point in run.data._metric_objs), default=otherwise)
