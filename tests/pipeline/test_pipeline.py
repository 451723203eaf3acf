"""The pipeline as a user runs it: a real repository, real DVC commands."""

import io
import json
import re
import shutil
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from helpers.repository import Repository

from mien._io.nested import flatten
from mien._io.yaml import read_yaml
from mien.aus.facs import AUS
from mien.config import load_params
from mien.emotions import FER2013
from mien.experiments import layout
from mien.inference.networks.face_classifier import FaceClassifier


def test_repro_writes_what_dvc_yaml_promises(reproduced: Repository) -> None:
    assert json.loads(reproduced.ok("dvc", "status", "--json")) == {}
    metrics = json.loads((reproduced.path / "reports/evaluate/metrics.json").read_text())
    assert set(metrics) == {"au", "au_baselines", "cnn"}
    assert 2 / 7 < metrics["au"]["accuracy"] <= 1
    assert set(json.loads((reproduced.path / "reports/evaluate/per_class.json").read_text())["cnn"]) == set(FER2013)


def test_the_readme_draws_the_pipeline_as_it_is(repository: Repository) -> None:
    assert repository.ok("dvc", "dag", "--md").strip() in (repository.path / "README.md").read_text()


def test_second_repro_runs_nothing(reproduced: Repository) -> None:
    assert reproduced.stages_run_by("dvc", "repro") == []


def test_forced_rebuild_gives_the_same_bytes(reproduced: Repository) -> None:
    assert set(reproduced.stages_run_by("dvc", "repro", "--force")) == set(layout.STAGES)
    assert reproduced.ok("git", "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({"action_map": {"top": 3}}, ["action_map"]),
        (
            {"oversample_augment": {"method": "random"}},
            ["oversample_augment", "train_cnn", "evaluate"],
        ),
    ],
)
def test_a_param_reruns_only_what_depends_on_it(
    reproduced: Repository, change: dict[str, dict[str, object]], stages: list[str]
) -> None:
    reproduced.set_params(change)
    try:
        assert reproduced.stages_run_by("dvc", "repro") == stages
    finally:
        reproduced.ok("git", "checkout", "--quiet", ".")
        reproduced.ok("dvc", "checkout", "--quiet")


def test_every_plot_has_its_data(reproduced: Repository) -> None:
    shown = json.loads(reproduced.ok("dvc", "plots", "show", "--json", "--out", "dvc_plots"))
    assert not shown.get("errors")
    plots = read_yaml(reproduced.path / "dvc.yaml")["plots"]
    named = {name for plot in plots if isinstance(plot, dict) for name in plot}
    pictures = {str(path.relative_to(reproduced.path)) for path in reproduced.path.glob("reports/*/*.png")}
    assert named | pictures <= set(shown["data"])
    assert all(shown["data"].values())


def test_a_repro_is_one_run_in_mlflow_with_params_and_metrics_of_each_stage(reproduced: Repository) -> None:
    run = _runs(reproduced, "workspace").iloc[0]
    assert run["status"] == "FINISHED"
    metrics = run[[name for name in run.index if name.startswith("metrics.")]].dropna()
    for stage in layout.STAGES:
        assert metrics[f"metrics.{stage}/seconds"] > 0
        assert any(name.startswith(f"params.{stage}.") for name in run.index)
        if (path := reproduced.path / layout.metrics(stage)).exists():
            figures = flatten(json.loads(path.read_text()))
            assert {name: metrics[f"metrics.{stage}/{name}"] for name in figures} == figures
            assert (_artifacts(run) / stage / path.name).read_bytes() == path.read_bytes()
    assert metrics["metrics.generate_aus/exact.total"] == 7 * 200
    assert run["params.train_cnn.epochs"] == "1"
    assert run["tags.mlflow.source.git.commit"] == reproduced.ok("git", "rev-list", "--max-parents=0", "HEAD").strip()
    assert 0 < run["metrics.train_cnn/val_accuracy"] <= 1
    for picture in reproduced.path.glob("reports/evaluate/*.png"):
        assert (_artifacts(run) / "evaluate" / picture.name).exists()


def test_mlflow_models_are_those_of_the_pipeline(reproduced: Repository) -> None:
    run = _runs(reproduced, "workspace").iloc[0]
    models = _models(run)
    assert set(models) == {"cnn", "au"}
    faces = np.load(reproduced.path / "data/fer/test_images.npy")[:3]
    classifier = FaceClassifier.from_pretrained(reproduced.path / "models/cnn", precision="auto")
    answers = models["cnn"].predict(faces)
    expected = [classifier.predict_proba(face[np.newaxis], tta="mirror")[0] for face in faces]  # one by one, as served
    np.testing.assert_allclose(answers[classifier.classes_], expected, atol=1e-4)
    assert models["au"].predict(np.zeros((2, len(AUS)), np.float32))["emotion"].isin(FER2013).all()
    client = mlflow.MlflowClient()
    logged = client.search_logged_models([run["experiment_id"]], f"source_run_id = '{run['run_id']}'")
    for model in logged:
        carried = {metric.key: metric.value for metric in model.metrics or ()}
        for key in (f"train_{model.name}/{model.name}.val_accuracy", f"evaluate/{model.name}.accuracy"):
            assert carried[key] == run[f"metrics.{key}"]
        assert model.tags["mlflow.note.content"].startswith("Takes ")


def test_an_experiment_in_a_copy_logs_to_the_repository(reproduced: Repository) -> None:
    command = ("dvc", "exp", "run", "--temp", "--name", "short", "--set-param", "train_au.epochs=1")
    assert reproduced.stages_run_by(*command) == ["train_au", "evaluate"]
    _assert_whole(reproduced, "short")


@pytest.fixture(scope="module")
def sweep(reproduced: Repository) -> Iterator[dict[tuple[str, str], str]]:
    """The names of two experiments, by learning rate and architecture; one is as the workspace."""
    tools = str(Path(sys.executable).parent)
    make = ["make", f"--old-file={tools}/.installed", f"BIN={tools}", "sweep", "NETWORKS=small_cnn,three_block"]
    assert "'train_cnn.learning_rate=0.1,0.2'" in reproduced.ok(*make, "--dry-run", "RATES=0.1,0.2")
    assert reproduced.stages_run_by(*make, "RATES=0.001") == ["train_cnn", "evaluate"]
    shown = pd.read_csv(io.StringIO(reproduced.ok("dvc", "exp", "show", "--csv"))).dropna(subset="Experiment")
    shown = shown[shown["Experiment"].str.startswith("sweep-")]
    keys = zip(shown["train_cnn.learning_rate"].astype(str), shown["train_cnn.network"], strict=True)
    yield dict(zip(keys, shown["Experiment"], strict=True))
    shutil.rmtree(reproduced.path / "reports/sweep")


def test_each_experiment_of_a_sweep_is_there_once(reproduced: Repository, sweep: dict[tuple[str, str], str]) -> None:
    assert set(sweep) == {("0.001", "small_cnn"), ("0.001", "three_block")}
    runs = {key: _assert_whole(reproduced, name) for key, name in sweep.items()}
    for (rate, network), run in runs.items():
        assert (run["params.train_cnn.learning_rate"], run["params.train_cnn.network"]) == (rate, network)
    (parent,) = {run["tags.mlflow.parentRunId"] for run in runs.values()}
    assert mlflow.get_run(parent).info.run_name == "sweep"
    assert reproduced.ok("mien", "sync") == ""


def test_experiments_are_shown_by_a_few_columns_the_best_on_validation_first(
    reproduced: Repository, sweep: dict[tuple[str, str], str]
) -> None:
    shown = pd.read_csv(io.StringIO(reproduced.ok("mien", "exp", "show", "--csv")))
    headlines = {"cnn.val_accuracy", "cnn.val_loss", "cnn.accuracy", "cnn.macro_f1"}
    assert {"train_cnn.network"} | headlines <= set(shown.columns)
    hidden = {"generate_aus.samples", "cnn.accuracy_low", "models/cnn"}  # params of one value, details
    assert hidden.isdisjoint(shown)
    assert set(sweep.values()) | {"workspace"} <= set(shown["experiment"])
    assert shown["cnn.val_accuracy"].dropna().is_monotonic_decreasing


def test_a_sweep_is_compared(reproduced: Repository, sweep: dict[tuple[str, str], str]) -> None:
    folder = reproduced.path / "reports/sweep"
    table = pd.read_csv(folder / "comparison.csv").set_index("experiment")
    assert table["val_accuracy"].is_monotonic_decreasing
    assert dict(table["train_cnn.network"]) == {name: network for (_, network), name in sweep.items()}
    metrics = json.loads((reproduced.path / "reports/evaluate/metrics.json").read_text())["cnn"]
    rows = table.to_dict("index")
    usual, large = rows[sweep["0.001", "small_cnn"]], rows[sweep["0.001", "three_block"]]
    assert usual["accuracy"] == metrics["accuracy"]
    assert usual["weights"] < large["weights"]
    assert large["minutes"] > 0
    assert {path.name for path in folder.iterdir()} >= {"README.md", "comparison.png", "confusion.png", "classes.png"}
    refused = reproduced.run("mien", "exp", "compare", "no-such", "--output", "compared")
    assert (refused.returncode, (reproduced.path / "compared").exists()) == (2, False)
    assert refused.stderr.startswith("error: experiment no-such: ")


def test_a_comparison_is_added_to_and_tells_what_seeds_change(
    reproduced: Repository, sweep: dict[tuple[str, str], str]
) -> None:
    whole = pd.read_csv(reproduced.path / "reports/sweep/comparison.csv").set_index("experiment").to_dict("index")
    folder = reproduced.path / "compared"
    large, usual = sweep["0.001", "three_block"], sweep["0.001", "small_cnn"]
    try:
        reproduced.ok("mien", "exp", "compare", large, "--output", "compared")
        kept = json.loads((folder / "experiments.json").read_text())
        other = kept[large] | {"params": kept[large]["params"] | {"base.seed": 21}}
        other["scores"] = other["scores"] | {"accuracy": other["scores"]["accuracy"] - 0.02}
        (folder / "experiments.json").write_text(json.dumps(kept | {"gone": other}))
        reproduced.ok("mien", "exp", "compare", usual, "--output", "compared", "--add")
        table = pd.read_csv(folder / "comparison.csv").set_index("experiment").to_dict("index")
        assert set(table) == {large, "gone", usual}
        assert table[usual]["accuracy"] == whole[usual]["accuracy"]
        assert table[large]["accuracy"] == whole[large]["accuracy"]
        assert table[large]["minutes"] == whole[large]["minutes"] > 0
        same, mean = whole[large]["val_accuracy"], whole[large]["accuracy"] - 0.01
        row = f"| {large}, gone | 2 | {same:.4f} ± 0.0000 | {mean:.4f} ± 0.0141 |"
        warning = "Experiments with another base.seed may have used other validation images"
        assert all(text in (folder / "README.md").read_text() for text in (row, warning))
        reproduced.ok("mien", "exp", "compare", usual, "--output", "compared")
        assert warning not in (folder / "README.md").read_text()
        assert list(pd.read_csv(folder / "comparison.csv")["experiment"]) == [usual]
        (folder / "experiments.json").write_text("[]")
        refused = reproduced.run("mien", "exp", "compare", usual, "--output", "compared", "--add")
        assert (refused.returncode, refused.stderr.split(":")[:2]) == (2, ["error", " compared/experiments.json"])
        (folder / "experiments.json").unlink()  # without it, what the table has would be lost
        refused = reproduced.run("mien", "exp", "compare", large, "--output", "compared", "--add")
        assert (refused.returncode, refused.stderr.split(":")[:2]) == (2, ["error", " compared/experiments.json"])
        assert list(pd.read_csv(folder / "comparison.csv")["experiment"]) == [usual]
    finally:
        shutil.rmtree(folder)


def test_an_experiment_is_told_apart_applied_and_branched(
    reproduced: Repository, sweep: dict[tuple[str, str], str]
) -> None:
    large, usual = sweep["0.001", "three_block"], sweep["0.001", "small_cnn"]
    changed = json.loads(reproduced.ok("dvc", "exp", "diff", usual, large, "--json"))["params"]["params.yaml"]
    assert {key: (values["old"], values["new"]) for key, values in changed.items()} == {
        "train_cnn.network": ("small_cnn", "three_block")
    }
    try:
        reproduced.ok("dvc", "exp", "apply", large)
        assert load_params(reproduced.path / "params.yaml").train_cnn.network == "three_block"
        assert json.loads(reproduced.ok("dvc", "status", "--json")) == {}
    finally:
        reproduced.ok("git", "checkout", "--quiet", ".")
        reproduced.ok("dvc", "checkout", "--quiet")
    reproduced.ok("dvc", "exp", "branch", large, "larger")
    assert "network: three_block" in reproduced.ok("git", "show", "larger:params.yaml")
    reproduced.ok("git", "branch", "--quiet", "-D", "larger")


def test_a_recipe_becomes_the_params_of_an_experiment(reproduced: Repository) -> None:
    flags = reproduced.ok("mien", "exp", "recipe", "fer2013").split()
    reproduced.ok("dvc", "exp", "run", *flags, "--single-item", "action_map")
    changed = flatten(read_yaml(reproduced.path / "params.yaml"))
    recipe = flatten(read_yaml(reproduced.path / "recipes/fer2013.yaml"))
    reproduced.ok("git", "checkout", "--quiet", ".")
    assert recipe
    assert {key: changed[key] for key in recipe} == recipe


def test_drawn_faces_have_the_shares_that_params_ask_for(reproduced: Repository) -> None:
    with zipfile.ZipFile(reproduced.path / "data/faces/faces.zip") as archive:
        folders = pd.Series(name.rsplit("/", 1)[0] for name in archive.namelist()).value_counts()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert set(folders.index) == {f"{split}/{emotion}" for split in ("train", "test") for emotion in FER2013}
    happy, sad, disgust = (folders[f"train/{e}"] + folders[f"test/{e}"] for e in ("happy", "sad", "disgust"))
    assert happy / sad == pytest.approx(7215 / 4830, rel=0.05)
    assert disgust == 10
    assert folders["test/happy"] / happy == pytest.approx(0.2, abs=0.02)


def test_a_report_shows_the_figures_of_the_run(reproduced: Repository) -> None:
    reproduced.ok("mien", "report", "out", "--title", "Drawn faces", "--command", "make repro")
    text = (reproduced.path / "out/README.md").read_text()
    metrics = json.loads((reproduced.path / "reports/evaluate/metrics.json").read_text())["cnn"]
    for name, value in metrics.items():
        assert f"| {name} | {value} |" in text
    for linked in re.findall(r"\]\(([^)]+)\)", text):
        assert (reproduced.path / "out" / linked).exists()
    shutil.rmtree(reproduced.path / "out")
    assert f"{metrics['accuracy']:.4f}" in reproduced.ok("mien", "summary")


def _runs(repository: Repository, experiment: str) -> pd.DataFrame:
    """Return the runs of an experiment in MLflow, the oldest first."""
    repository.ok("mien", "sync")  # what a busy machine did not log in time, and what DVC had in its cache
    mlflow.set_tracking_uri(f"sqlite:///{repository.path}/mlflow.db")
    tag = f"tags.`dvc.experiment` = '{experiment}'"
    return mlflow.search_runs(experiment_names=["mien"], filter_string=tag, order_by=["start_time"])


def _artifacts(run: pd.Series) -> Path:
    return Path(run["artifact_uri"].removeprefix("file://"))


def _models(run: pd.Series) -> dict[str, Any]:
    with warnings.catch_warnings(action="ignore"):  # it warns of its own type hints
        found = mlflow.search_logged_models(
            [run["experiment_id"]], filter_string=f"source_run_id = '{run['run_id']}'", output_format="list"
        )
        return {model.name: mlflow.pyfunc.load_model(model.model_uri) for model in found}


def _assert_whole(repository: Repository, experiment: str) -> pd.Series:
    """Check that an experiment is in MLflow once, with all that belongs to it; return its run."""
    (run,) = (run for _, run in _runs(repository, experiment).iterrows())
    assert run["tags.mlflow.source.git.commit"] == repository.ok("git", "rev-parse", "HEAD").strip()
    assert run["params.base.seed"]
    assert set(layout.STAGES) <= {path.name for path in _artifacts(run).iterdir()}
    for figure in ("train_au/val_accuracy", "train_cnn/val_accuracy", "evaluate/au.accuracy", "evaluate/cnn.accuracy"):
        assert 0 <= run[f"metrics.{figure}"] <= 1
    for stage in ("generate_aus", "render_faces", "prepare_fer", "oversample_augment", "action_map"):
        figures = flatten(json.loads((repository.path / layout.metrics(stage)).read_text()))
        assert {name: run[f"metrics.{stage}/{name}"] for name in figures} == figures
    lock = (repository.path / "dvc.lock").read_text()
    inputs = mlflow.get_run(run["run_id"]).inputs
    assert inputs is not None
    data = {entry.dataset.name: entry.dataset.digest for entry in inputs.dataset_inputs}
    assert set(data) == {
        "data/aus/exact.csv:rendering",
        "data/aus/realistic.csv:test",
        "data/aus/realistic.csv:training",
        "data/balanced:test",
        "data/balanced:training",
        "data/faces/faces.zip:preparation",
        "data/fer:balancing",
        "data/fer:test",
        "data/fer:validation",
    }
    assert all(f"md5: {digest}\n" in lock for digest in data.values())
    assert set(_models(run)) == {"au", "cnn"}
    return run
