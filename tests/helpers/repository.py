"""A small real repository, with Git and DVC, in which the pipeline runs; for tests and benchmarks."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dvc.utils.serialize import modify_yaml

from mien._io.yaml import read_yaml

ROOT = Path(__file__).parents[2]


@dataclass
class Repository:
    """A Git and DVC repository to run commands in."""

    path: Path
    environment: dict[str, str] = field(default_factory=lambda: {**os.environ})

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command, `python` and `dvc` being those of the tests, and return what it printed."""
        return subprocess.run(
            command, cwd=self.path, env=self.environment | environment, capture_output=True, text=True, check=False
        )

    def ok(self, *command: str, **environment: str) -> str:
        """Run a command that must succeed and return its stdout."""
        result = self.run(*command, **environment)
        assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def set_params(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Change keys of params.yaml."""
        with modify_yaml(str(self.path / "params.yaml")) as params:
            for section, keys in changes.items():
                params[section].update(keys)

    def commit(self, message: str) -> None:
        self.ok("git", "add", "--all")
        self.ok("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def stages_run_by(self, *command: str) -> list[str]:
        """Run a DVC command and return the stages that it ran, in order."""
        lines = self.ok(*command).splitlines()
        return [line.split("'")[1] for line in lines if line.startswith("Running stage")]


def outs(stage: str) -> list[Path]:
    """Return what dvc.yaml says that a stage writes: outs, metrics and plots."""
    entry = read_yaml(ROOT / "dvc.yaml")["stages"][stage]
    written = [out for kind in ("outs", "metrics", "plots") for out in entry.get(kind, ())]
    return [Path(next(iter(out)) if isinstance(out, dict) else out) for out in written]


def new_repository(path: Path, home: Path, params: Mapping[str, Mapping[str, Any]]) -> Repository:
    """Make a repository of the project's files, uncommitted changes included, with other params; nothing has run.

    Args:
        path: an empty folder for it.
        home: a folder that its commands take for the user's.
        params: the keys to change, by section.
    """
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if name.startswith("reports/") or name == "dvc.lock" or not (ROOT / name).exists():
            continue
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, path / name)
    repository = Repository(path, environment(home))
    repository.ok("git", "init", "--quiet")
    repository.set_params(params)
    repository.commit("start")
    return repository


def clone_with_cache(repository: Repository, path: Path) -> Repository:
    """Clone a repository. The clone shares its cache, in which DVC finds what was built and what has run."""
    repository.ok("git", "clone", "--quiet", str(repository.path), str(path))
    cloned = Repository(path, repository.environment)
    cloned.ok("dvc", "cache", "dir", "--local", str(repository.path / ".dvc/cache"))
    return cloned


def environment(home: Path) -> dict[str, str]:
    """Return the environment of commands: this one without what would mislead them. home: that of its user."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_", "GIT_"))}
    identity = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "tests"), ("EMAIL", "tests@example.org"))
    }
    return inherited | identity | {"PATH": f"{Path(sys.executable).parent}:{inherited['PATH']}", "HOME": str(home)}
