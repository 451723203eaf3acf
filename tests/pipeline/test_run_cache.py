"""DVC's run cache, which takes stages that ran before from the cache, and the style of the files that DVC rewrites."""

import json
import shutil
from collections.abc import Iterator

import pytest
from helpers.repository import Repository

from mien._io.yaml import read_yaml
from mien.experiments import layout


@pytest.fixture
def restored(reproduced: Repository) -> Iterator[Repository]:
    """The built repository, whose workspace is put back after the test."""
    yield reproduced
    reproduced.ok("git", "checkout", "--quiet", ".")
    reproduced.ok("dvc", "checkout", "--quiet")


def test_every_stage_that_ran_is_in_the_run_cache(reproduced: Repository) -> None:
    entries = [read_yaml(path) for path in reproduced.path.glob(".dvc/cache/runs/*/*/*")]
    commands = read_yaml(reproduced.path / "dvc.yaml")["stages"]
    assert {entry["cmd"] for entry in entries} == {commands[stage]["cmd"] for stage in layout.STAGES}


def test_removed_outputs_come_back_without_a_run(restored: Repository) -> None:
    shutil.rmtree(restored.path / "models/au")
    (restored.path / "reports/train_au/history.csv").unlink()
    output = restored.ok("dvc", "repro", "train_au")
    assert "Stage 'train_au' is cached" in output
    assert "Running stage" not in output
    assert restored.ok("git", "status", "--porcelain") == ""
    assert json.loads(restored.ok("dvc", "status", "--json")) == {}


def test_an_experiment_that_ran_before_is_not_run_again_and_changes_one_line(restored: Repository) -> None:
    command = ("dvc", "exp", "run", "--set-param", "action_map.top=4", "--single-item", "action_map")
    assert restored.stages_run_by(*command, "--name", "first-of-two") == ["action_map"]
    assert restored.ok("git", "diff", "--numstat", "params.yaml") == "1\t1\tparams.yaml\n"
    restored.ok("git", "checkout", "--quiet", ".")
    restored.ok("dvc", "checkout", "--quiet")
    assert restored.stages_run_by(*command, "--name", "second-of-two") == []
    assert len(restored.ok("git", "diff", "reports/action_map/actions.csv").splitlines()) > 5
    restored.ok("dvc", "exp", "remove", "--quiet", "first-of-two", "second-of-two")


def test_a_frozen_stage_is_one_more_line(restored: Repository) -> None:
    restored.ok("dvc", "freeze", "render_faces")
    assert restored.ok("git", "diff", "--numstat") == "1\t0\tdvc.yaml\n"
    restored.ok("dvc", "unfreeze", "render_faces")
    assert restored.ok("git", "diff", "--numstat") == ""
