"""The pipeline as a user runs it: a real repository, real DVC commands."""

import json
import re
import shutil
import zipfile

import mlflow
import pandas as pd
import pytest
from conftest import Repository
from ruamel.yaml import YAML

from mien.emotions import FER2013
from mien.facs import AUS
from mien.schema import flat

STAGES = {
    "generate_aus",
    "render_faces",
    "prepare_fer",
    "oversample_augment",
    "train_au",
    "train_cnn",
    "evaluate",
    "action_map",
}


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
    assert set(reproduced.stages_run_by("dvc", "repro", "--force")) == STAGES
    assert reproduced.ok("git", "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({"action_map": {"top": 3}}, ["action_map"]),
        ({"train_au": {"dropout": 0.3}}, ["train_au", "evaluate"]),
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
    plots = YAML(typ="safe").load(reproduced.path / "dvc.yaml")["plots"]
    named = {name for plot in plots if isinstance(plot, dict) for name in plot}
    pictures = {str(path.relative_to(reproduced.path)) for path in reproduced.path.glob("reports/*/*.png")}
    assert named | pictures <= set(shown["data"])
    assert all(shown["data"].values())


def test_runs_are_mirrored_in_mlflow(reproduced: Repository) -> None:
    runs = _runs(reproduced)
    cnn = runs[runs["tags.mlflow.runName"] == "train_cnn"].iloc[0]
    assert cnn["params.train_cnn.epochs"] == "1"
    assert 0 < cnn["metrics.val_accuracy"] <= 1
    evaluated = runs[runs["tags.mlflow.runName"] == "evaluate"].iloc[0]
    metrics = json.loads((reproduced.path / "reports/evaluate/metrics.json").read_text())
    assert evaluated["metrics.cnn.accuracy"] == metrics["cnn"]["accuracy"]


def test_mlflow_models_know_their_signature(reproduced: Repository) -> None:
    runs = _runs(reproduced)
    for stage, shape in (("train_cnn", (-1, 48, 48)), ("train_au", (-1, len(AUS)))):
        run = runs[runs["tags.mlflow.runName"] == stage].iloc[0]
        (model,) = mlflow.search_logged_models(
            [run["experiment_id"]], filter_string=f"source_run_id = '{run['run_id']}'", output_format="list"
        )
        assert model.artifact_location.startswith((reproduced.path / "mlruns").as_uri())
        signature = mlflow.models.get_model_info(model.model_uri).signature
        assert [tensor.shape for tensor in signature.inputs] == [shape]


def test_a_throw_away_experiment_logs_to_the_repository(reproduced: Repository) -> None:
    before = len(_runs(reproduced))
    reproduced.ok("dvc", "exp", "run", "--temp", "--name", "short", "--set-param", "train_au.epochs=1")
    runs = _runs(reproduced)
    assert len(runs) > before
    assert "short" in set(runs["tags.dvc.experiment"])


def test_experiments_are_compared(reproduced: Repository) -> None:
    for network in ("small_cnn", "three_block"):  # the latter is taken from DVC's cache
        change = f"train_cnn.network={network}"
        reproduced.ok("dvc", "exp", "run", "--temp", "--name", f"with-{network}", "--set-param", change)
    reproduced.ok("mien", "compare", "with-small_cnn", "with-three_block", "--output", "compared")
    folder = reproduced.path / "compared"
    table = pd.read_csv(folder / "comparison.csv").set_index("experiment")
    assert table["val_accuracy"].is_monotonic_decreasing
    assert dict(table["train_cnn.network"]) == {f"with-{name}": name for name in ("small_cnn", "three_block")}
    metrics = json.loads((reproduced.path / "reports/evaluate/metrics.json").read_text())["cnn"]
    rows = table.to_dict("index")
    small, usual = rows["with-small_cnn"], rows["with-three_block"]
    assert usual["accuracy"] == metrics["accuracy"]
    assert small["weights"] < usual["weights"]
    assert small["minutes"] > 0
    assert {path.name for path in folder.iterdir()} >= {"README.md", "comparison.png", "confusion.png", "classes.png"}
    shutil.rmtree(folder)
    refused = reproduced.run("mien", "compare", "no-such", "--output", "compared")
    assert (refused.returncode, folder.exists()) == (2, False)
    assert refused.stderr.startswith("error: experiment no-such: ")


def test_a_recipe_becomes_the_params_of_an_experiment(reproduced: Repository) -> None:
    flags = reproduced.ok("mien", "recipe", "fer2013").split()
    reproduced.ok("dvc", "exp", "run", *flags, "--single-item", "action_map")
    yaml = YAML(typ="safe")
    changed = flat(yaml.load(reproduced.path / "params.yaml"))
    recipe = flat(yaml.load(reproduced.path / "recipes/fer2013.yaml"))
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


def _runs(repository: Repository) -> pd.DataFrame:
    mlflow.set_tracking_uri(f"sqlite:///{repository.path}/mlflow.db")
    return mlflow.search_runs(experiment_names=["mien"])
