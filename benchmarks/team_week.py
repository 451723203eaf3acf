"""Simulate a team's week with 20 DVC experiments and an MLflow server, and check that each one is in MLflow once.

In temporary repositories of this project (uncommitted changes included) with Git, DVC, a remote and a real MLflow
server, some days pass. The pipeline is its AU half, generate_aus and train_au, on few rows:

    Monday     `dvc repro`; experiments in the workspace and in a copy
    Tuesday    the server is down for two experiments
    Wednesday  a queue of six with two workers, whose stage is killed once; the killed experiment runs again
    Thursday   equal names on two branches, an experiment from DVC's cache, one run anew by force, a sweep
    Friday     one is applied and committed, more follow; the report of a pull request; push, and pull elsewhere

In the end each experiment must have one run, that is finished, with the params, metrics and times that it had, and no
`mien mlflow sync` may change it. Prints one line per day, then what is wrong, and writes reports/benchmarks/team_week;
exit code 1 where something is wrong. It takes minutes on two cores.

    PYTHONPATH=tests python benchmarks/team_week.py
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
import psutil
from dvc.utils.serialize import modify_yaml
from helpers.mlflow_servers import free_port, tracking_server, wait_for
from helpers.repository import Repository, new_repository
from mlflow import MlflowClient
from mlflow.entities import Run

from mien.experiments import layout
from mien.experiments.mlflow.tags import EXPERIMENT_TAG, PARENT_TAG, REVISION_TAG, WORKSPACE
from mien.experiments.mlflow.values import recorded_param_texts

STAGES = ("generate_aus", "train_au")
TINY = {"generate_aus": {"samples": 40}, "train_au": {"epochs": 2, "batch_size": 32, "units": [16]}}
REPORT = Path("reports/benchmarks/team_week/README.md")
EXPERIMENTS = 20
PATIENCE = 1200.0  # seconds for a queue
STATES = ("Queued", "Running", "Success", "Failed")  # of tasks in the queue
QUICK = 0.2  # seconds that clocks of processes may differ


class Team:
    """A repository, its MLflow server, and when each experiment was at work."""

    def __init__(self, folder: Path) -> None:
        for name in ("home", "repository", "server"):
            (folder / name).mkdir()
        self.folder, self.port = folder, free_port()
        self.git = new_repository(folder / "repository", folder / "home", TINY)
        _keep_half(self.git.path / layout.PIPELINE)
        self.git.commit("the AU half")
        self.git.environment |= {
            "PYTHONPATH": f"{self.git.path}/src",
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{self.port}",
        }
        self.spans: dict[str, list[tuple[float, float]]] = {}
        self.victim = ""  # the experiment that was killed
        self._server = ExitStack()

    def start_server(self) -> None:
        """Start the server, with all that it had before."""
        self._server.enter_context(tracking_server(self.port, self.folder / "server"))

    def kill_server(self) -> None:
        """Kill the server."""
        self._server.close()

    @contextmanager
    def at_work(self, *names: str) -> Iterator[None]:
        """Note when experiments are at work."""
        start = time.time()
        yield
        for name in names:
            self.spans.setdefault(name, []).append((start, time.time()))

    def run(self, name: str, *words: str) -> None:
        """Run one experiment, and put the workspace back."""
        with self.at_work(name):
            self.git.ok("dvc", "exp", "run", "--quiet", "--name", name, *words)
        self.git.ok("git", "checkout", "--quiet", ".")

    def run_queue(self, name: str, *words: str) -> None:
        """Queue the experiments of a sweep and run them with two workers; kill the stage of the first that trains."""
        self.git.ok("dvc", "exp", "run", "--quiet", "--queue", "--name", name, *words)
        names = [task["Name"] for task in self._queue()]
        with self.at_work(*names):
            self._start_workers(2)
            wait_for(lambda: self._kill_stage(names), PATIENCE)
            wait_for(self._queue_is_done, PATIENCE)
            self.git.ok("dvc", "queue", "remove", "--failed")

    def _start_workers(self, count: int) -> None:
        """Start workers, which would hold a pipe open to the end of the queue."""
        self.git.ok("sh", "-c", f"dvc queue start --jobs {count} > .dvc/tmp/workers.log 2>&1")

    def _queue(self) -> list[dict[str, str]]:
        lines = self.git.ok("dvc", "queue", "status").splitlines()
        rows = [line.split() for line in lines if line.split()[-1:] and line.split()[-1] in STATES]
        return [{"Name": row[1], "Status": row[-1]} for row in rows]

    def _queue_is_done(self) -> bool:
        states = {task["Status"] for task in self._queue()}
        if states & {"Running"}:
            return False
        if "Queued" in states:  # of several workers DVC may let one wait forever
            self._start_workers(1)
            return False
        return True

    def _kill_stage(self, names: list[str]) -> bool:
        """Kill the process of the stage that one of some experiments runs; tell whether there was one."""
        for process in psutil.process_iter():
            try:
                is_stage = process.cmdline()[1:2] == ["stages/train_au.py"]  # and not its shell
                environment = process.environ() if is_stage else {}
            except psutil.Error:
                continue
            name = environment.get("DVC_EXP_NAME", "")
            if environment.get("DVC_ROOT") == str(self.git.path) and name in names and _logs(self.git.path, name):
                process.kill()
                self.victim = name
                return True
        return False

    def sync(self) -> list[str]:
        """Bring MLflow up to date, and return what is said."""
        return self.git.ok("mien", "mlflow", "sync").splitlines()

    def runs(self) -> list[Run]:
        """Return all runs of experiments that MLflow has."""
        client = MlflowClient(self.git.environment["MLFLOW_TRACKING_URI"])
        (experiment,) = client.search_experiments(filter_string="name = 'mien'")
        runs = client.search_runs([experiment.experiment_id], max_results=1000)
        return [run for run in runs if run.data.tags.get(EXPERIMENT_TAG, WORKSPACE) != WORKSPACE]


def _keep_half(pipeline: Path) -> None:
    """Leave in a dvc.yaml what makes and trains the AU network."""
    with modify_yaml(str(pipeline)) as tree:
        for name in [name for name in tree["stages"] if name not in STAGES]:
            del tree["stages"][name]
        tree["plots"] = [plot for plot in tree["plots"] if "reports/train_au/" in str(plot)]
        del tree["artifacts"]["cnn"]


def _logs(repository: Path, name: str) -> bool:
    """Return whether an experiment is at its epochs."""
    journals = repository.glob(f".mlflow-outbox/{name}-*/train_au/events.jsonl")
    return any('"kind": "epoch"' in journal.read_text() for journal in journals)


def monday(team: Team) -> None:
    """The pipeline is built, and tried with other params, in the workspace and in a copy."""
    git = team.git
    for name in ("remote", "origin"):
        (team.folder / name).mkdir()
    git.ok("dvc", "remote", "add", "--default", "storage", str(team.folder / "remote"))
    git.ok("git", "init", "--quiet", "--bare", str(team.folder / "origin"))
    git.ok("git", "remote", "add", "origin", str(team.folder / "origin"))
    git.ok("dvc", "repro", "--quiet")
    git.commit("built")
    git.ok("git", "branch", "--move", "--force", "main")
    team.run("integer", "-S", "train_au.dropout=0")  # which the stage logs as 0.0
    team.run("wide", "-S", "train_au.units=[32]")
    team.run("copy", "--temp", "-S", "train_au.units=[8]")


def tuesday(team: Team) -> None:
    """The server dies, is away for two experiments, and comes back."""
    team.kill_server()
    team.run("away-a", "-S", "train_au.learning_rate=0.002")
    team.run("away-b", "-S", "train_au.learning_rate=0.004")
    team.start_server()
    team.sync()


def wednesday(team: Team) -> None:
    """Six in a queue, of which one is killed, which runs again by itself, with the params that MLflow has of it."""
    swept = ("train_au.learning_rate=0.01,0.02,0.03", "train_au.units=[4],[6]", "train_au.epochs=30")
    team.run_queue("grid", *(word for param in swept for word in ("-S", param)))
    team.sync()
    (killed,) = [run for run in team.runs() if run.info.status == "KILLED"]
    keys = [param.partition("=")[0] for param in swept]
    team.run(team.victim, *(word for key in keys for word in ("-S", f"{key}={killed.data.params[key]}")))


def thursday(team: Team) -> None:
    """Names that are used twice, on branches and by force; one from DVC's cache; a sweep, one after the other."""
    git = team.git
    team.run("same", "-S", "train_au.epochs=3")
    team.run("again", "-S", "train_au.epochs=1")
    team.run("again", "--force", "-S", "train_au.epochs=1", "-S", "train_au.units=[5]")
    git.ok("git", "switch", "--quiet", "--create", "other")
    (git.path / "NOTES.md").write_text("Another branch.\n")
    git.commit("other")
    team.run("same", "-S", "train_au.epochs=4")
    team.run("cached", "-S", "train_au.epochs=3")
    git.ok("git", "switch", "--quiet", "main")
    names = [f"sweep-{number}" for number in range(1, 4)]
    with team.at_work(*names):
        rates = "train_au.learning_rate=0.0002,0.0003,0.0004"
        git.ok("dvc", "exp", "run", "--quiet", "--queue", "--name", "sweep", "-S", rates)
        git.ok("dvc", "exp", "run", "--quiet", "--run-all")


def friday(team: Team) -> None:
    """One is taken over, more follow on it; a pull request; others get everything."""
    git = team.git
    git.ok("git", "switch", "--quiet", "--create", "wider")
    git.ok("dvc", "exp", "apply", "wide")
    git.ok("dvc", "repro", "--quiet")
    git.commit("wider")
    team.run("next", "-S", "train_au.epochs=5")
    team.run("last", "-S", "train_au.epochs=6")
    git.ok("dvc", "checkout", "--quiet")
    git.ok("python", "tools/pull_request_report.py", "--", "main", "report")
    if "train_au.units" not in (git.path / "report/report.md").read_text():
        raise RuntimeError("report/report.md: does not have the param that changed")
    team.sync()
    git.ok("git", "push", "--quiet", "--all", "origin")
    git.ok("dvc", "push", "--quiet")
    git.ok("dvc", "exp", "push", "--quiet", "--all-commits", "origin")


def elsewhere(team: Team) -> Repository:
    """Return a clone that has pulled all experiments."""
    team.git.ok("git", "clone", "--quiet", "--branch", "wider", str(team.folder / "origin"), str(team.folder / "clone"))
    clone = Repository(team.folder / "clone", team.git.environment | {"PYTHONPATH": f"{team.folder}/clone/src"})
    clone.ok("dvc", "pull", "--quiet")
    clone.ok("dvc", "exp", "pull", "--quiet", "--all-commits", "origin")
    return clone


def revisions(repository: Repository) -> dict[str, str]:
    """Return the names of all DVC experiments by their commits."""
    lines = repository.ok("git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps").splitlines()
    rows = [line.split() for line in lines]
    return {revision: ref.rpartition("/")[2] for revision, ref in rows if len(ref.split("/")) == 5}  # exps/XX/X../NAME


def problems(team: Team) -> Iterator[str]:
    """Yield what is not as it has to be."""
    experiments, runs = revisions(team.git), team.runs()
    if len(experiments) != EXPERIMENTS:
        yield f"found {len(experiments)} experiments, expected {EXPERIMENTS}"
    count = Counter(run.data.tags.get(REVISION_TAG) for run in runs)
    for revision, name in experiments.items():
        if count[revision] != 1:
            yield f"{name}: found {count[revision]} runs in MLflow, expected 1"
    for run in runs:
        name, revision = run.data.tags[EXPERIMENT_TAG], run.data.tags.get(REVISION_TAG)
        if revision in experiments:
            yield from (f"{name}: {text}" for text in wrong(team, run, revision))
    others = [run for run in runs if run.data.tags.get(REVISION_TAG) not in experiments]
    states = sorted((run.data.tags[EXPERIMENT_TAG], run.info.status) for run in others)
    if states != [("again", "FINISHED"), (team.victim, "KILLED")]:
        yield f"found {states} beside the experiments, expected the one that was killed, and the one run anew by force"
    for sweep, size in (("grid", 6), ("sweep", 3)):
        swept = [run for run in runs if run.data.tags[EXPERIMENT_TAG].startswith(f"{sweep}-")]
        parents = Counter(run.data.tags.get(PARENT_TAG) for run in swept if REVISION_TAG in run.data.tags)
        if list(parents.values()) != [size] or None in parents:
            yield f"{sweep}: found {dict(parents)} children by parent, expected {size} of one"


def wrong(team: Team, run: Run, revision: str) -> Iterator[str]:
    """Yield what of the run of an experiment is not as DVC has it, or not when it was."""
    git = team.git
    params = recorded_param_texts(git.ok("git", "show", f"{revision}:params.yaml"))
    if run.data.params != params:
        yield "other params"
    figures = json.loads(git.ok("git", "show", f"{revision}:reports/train_au/metrics.json"))["au"]
    logged = {name: run.data.metrics.get(f"train_au/au.{name}") for name in figures}
    if logged != figures:
        yield f"metrics: found {logged}, expected {figures}"
    start, end = run.info.start_time / 1000, (run.info.end_time or 0) / 1000
    spans = team.spans[run.data.tags[EXPERIMENT_TAG]]
    if run.info.status != "FINISHED" or not any(a - QUICK <= start <= end <= b + QUICK for a, b in spans):
        yield f"{run.info.status}, from {start} to {end}, expected FINISHED within one of {spans}"
    if "train_au/seconds" in run.data.metrics and not 0 < run.data.metrics["train_au/seconds"] <= end - start + 1:
        yield f"took {end - start} s, a stage of it {run.data.metrics['train_au/seconds']}"


def states(team: Team) -> dict[str, tuple[object, ...]]:
    """Return what of each run must stay as it is."""
    return {
        run.info.run_id: (run.info.start_time, run.info.end_time, run.info.status, run.data.params, run.data.metrics)
        for run in team.runs()
    }


def report(runs: list[Run], wrong: list[str]) -> str:
    """Return the report: what is wrong, and the runs in MLflow in the end."""
    rows = [
        {
            "experiment": run.data.tags[EXPERIMENT_TAG],
            "status": run.info.status,
            "of a sweep": "yes" if PARENT_TAG in run.data.tags else "",
            "params": len(run.data.params),
            "metrics": len(run.data.metrics),
            "val_accuracy": run.data.metrics.get("train_au/au.val_accuracy"),
        }
        for run in sorted(runs, key=lambda run: run.info.start_time)
    ]
    found = "\n".join(f"- {text}" for text in wrong) or "Nothing is wrong."
    return f"""# A team's week

Made by `PYTHONPATH=tests python benchmarks/team_week.py`, which says what happens on which day and what is checked.

{found}

The {len(runs)} runs in MLflow in the end, in the order of their start: one of each of the {EXPERIMENTS} experiments,
one whose stage was killed, and one that was run anew by force.

{pd.DataFrame(rows).to_markdown(index=False)}
"""


def main() -> None:
    """Live the week, and exit with 1 where something is wrong in the end."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        team = Team(Path(folder))
        team.start_server()
        try:
            for day in (monday, tuesday, wednesday, thursday, friday):
                start = time.monotonic()
                day(team)
                print(f"{day.__name__:10} {time.monotonic() - start:4.0f} s", flush=True)
            before = states(team)
            lines = elsewhere(team).ok("mien", "mlflow", "sync").splitlines() + team.sync()
            texts = list(problems(team)) + lines
            texts += ["a later `mien mlflow sync` changed a run"] if states(team) != before else []
            text = report(team.runs(), texts)
        finally:
            team.kill_server()
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(text)
    for text in texts:
        print(f"wrong: {text}")
    print(f"{len(before)} runs of {EXPERIMENTS} experiments: {len(texts)} things are wrong")
    sys.exit(1 if texts else 0)


if __name__ == "__main__":
    main()
