"""The pipeline's paths are in one place, and dvc.yaml has the same."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.repository import ROOT, outs

from mien._io.yaml import read_yaml
from mien.experiments import layout
from mien.experiments.mlflow import models

STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]
OUTS = {stage: [str(out) for out in outs(stage)] for stage in STAGES}
PATHS = {name: path for name, path in vars(layout).items() if name.isupper() and isinstance(path, Path)}
#: Nothing that DVC tracks.
SCRATCH = {
    *("AU_CHECKPOINTS", "CNN_CHECKPOINTS", "SEARCH_CHECKPOINTS"),
    *("EXPERIMENT_REPORTS", "RECIPE_REPORTS", "SEARCH_REPORT"),
    *("PIPELINE", "PARAMS", "LOCK", "RECIPES"),
}
_PIPELINE_PATH = re.compile(r"(data|models|reports)/[\w./-]+")


def test_the_stages_are_those_of_dvc_yaml() -> None:
    assert set(layout.STAGES) == set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_every_output_is_where_the_layout_says(stage: str) -> None:
    folders = [path for name, path in PATHS.items() if name not in SCRATCH] + [layout.report(stage)]
    assert [out for out in OUTS[stage] if not any(Path(out).is_relative_to(folder) for folder in folders)] == []


@pytest.mark.parametrize("name", sorted(PATHS.keys() - SCRATCH))
def test_every_path_of_the_layout_belongs_to_an_output(name: str) -> None:
    written = [Path(out) for stage in OUTS for out in OUTS[stage]]
    assert any(out.is_relative_to(PATHS[name]) or PATHS[name].is_relative_to(out) for out in written)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_reports_its_figures_where_the_layout_says(stage: str) -> None:
    assert {str(layout.metrics(stage)): {"cache": False}} in STAGES[stage]["metrics"]


@pytest.mark.parametrize("stage", ["train_au", "train_cnn"])
def test_a_stage_that_trains_reports_its_history_where_the_layout_says(stage: str) -> None:
    assert str(layout.history(stage)) in OUTS[stage]


def test_no_other_code_knows_a_path_of_the_pipeline() -> None:
    # mien/config, below layout.py, refuses one as a teacher; mien/inference names some in its examples
    exempt = [
        Path(layout.__file__),
        *(ROOT / "src/mien/config").iterdir(),
        *(ROOT / "src/mien/inference").rglob("*.py"),
    ]
    strays = [
        f"{path.relative_to(ROOT)}: {text}"
        for room in ("src/mien", "stages", "tools")
        for path in sorted((ROOT / room).rglob("*.py"))
        if path not in exempt
        for text in _texts(path)
        if _PIPELINE_PATH.fullmatch(text) and text != models.NETWORK  # a place in the files of a model of MLflow
    ]
    assert strays == []


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
