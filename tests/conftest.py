"""A small real repository, with Git and DVC, in which the pipeline runs; and `mien` in the process of the tests."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import Run, call_mien
from helpers.repository import ROOT, Repository, new_repository
from helpers.stages import keep_log

__all__ = ["ROOT", "Repository"]

#: `make test` has one worker per core. More threads in each of them only wait for each other: scikit-learn's trees took
#: ten times as long. Processes that tests start inherit this.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
    os.environ.setdefault(_variable, "1")

SMALL: dict[str, dict[str, Any]] = {
    "generate_aus": {"samples": 200},
    "render_faces": {"faces": 300},
    "train_au": {"epochs": 4, "batch_size": 32},
    "train_cnn": {"network": "small_cnn", "epochs": 1},
}


#: Folders of which a test takes longest; with `make test` they come first, so that no core waits for a last long file.
LONGEST = ("pipeline", "training", "models", "app", "experiments", "_io", "install", "robustness")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of the same name
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each worker of pytest-xdist have whole files, and one at first all that needs the built repository."""

    def needs_it(item: pytest.Item) -> bool:
        return "reproduced" in getattr(item, "fixturenames", ())

    def place(item: pytest.Item) -> tuple[bool, int]:
        folder = item.path.parent.name
        return not needs_it(item), LONGEST.index(folder) if folder in LONGEST else len(LONGEST)

    if config.pluginmanager.has_plugin("xdist"):
        items.sort(key=place)
        for item in items:
            item.add_marker(pytest.mark.xdist_group("reproduced" if needs_it(item) else item.path.name))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say at the very end how many tests were skipped, and why."""
    yield
    reports = terminalreporter.getreports("skipped")
    skipped = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    for reason, count in skipped.items():
        terminalreporter.write_line(f"note: tests skipped: {count} ({reason})", yellow=True, bold=True)


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The project's files, uncommitted changes included, in a new repository with small params; nothing has run."""
    return new_repository(tmp_path_factory.mktemp("repository"), tmp_path_factory.mktemp("home"), SMALL)


@pytest.fixture(scope="session")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Such a repository for commands that fail: what they leave must not be in the way of `reproduced`."""
    return new_repository(tmp_path_factory.mktemp("spare"), tmp_path_factory.mktemp("home"), SMALL)


@pytest.fixture(scope="session")
def reproduced(repository: Repository) -> Repository:
    """The repository after its first `dvc repro`, committed."""
    repository.ok("dvc", "repro")
    repository.commit("reproduced")
    return repository


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command of mien and return its stdout and stderr; `code` is the exit code to expect."""

    def run(*words: object, code: int = 0) -> tuple[str, str]:
        assert call_mien(monkeypatch, *words) == code
        return capsys.readouterr()

    return run


@pytest.fixture
def workspace(repository: Repository, tmp_path: Path) -> Repository:
    """A folder with the stages and params, without Git and DVC, to run single stages in."""
    for name in ("stages", "src"):
        (tmp_path / name).symlink_to(repository.path / name)
    shutil.copy(repository.path / "params.yaml", tmp_path)
    return Repository(tmp_path, repository.environment)


@pytest.fixture
def stages(workspace: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The same, as the current folder: `run_stage` runs stages there, without MLflow."""
    keep_log(monkeypatch)
    monkeypatch.chdir(workspace.path)
    monkeypatch.setattr(sys, "argv", ["stage"])
    return workspace
