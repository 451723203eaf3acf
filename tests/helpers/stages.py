"""Stages, run in this process."""

import runpy

import pytest

from mien.experiments.mlflow import stage_log


def keep_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stages keep what they log: to start MLflow and make its store takes longer than most of them."""
    monkeypatch.setattr(stage_log, "start_sender", lambda _: None)
    monkeypatch.setattr(stage_log.StageLog, "_wait", lambda *_, **__: None)


def run_stage(name: str) -> None:
    """Run a stage in the current folder, see the fixture `stages`. Raises SystemExit if it fails."""
    runpy.run_path(f"stages/{name}.py", run_name="__main__")
