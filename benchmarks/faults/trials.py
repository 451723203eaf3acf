"""Repositories for fault injection, and the record of results."""

import hashlib
import json
import shutil
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from helpers.repository import Repository, new_repository

from mien._io.yaml import read_yaml

#: Params with which an idle machine of two cores runs the whole pipeline in well under a minute.
TINY = {
    "generate_aus": {"samples": 40},
    "render_faces": {"faces": 100},
    "train_au": {"epochs": 2, "batch_size": 32, "units": [16]},
    "train_cnn": {"epochs": 2, "network": "small_cnn"},
    "evaluate": {"tta": False},
}


@dataclass
class Fault:
    """One kind of fault: how often it was tried and held, what the user saw, and what went wrong."""

    name: str
    tried: int = 0
    held: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def record(self, problem: str, seen: str) -> None:
        """Note one try. An empty `problem` says that mien held."""
        self.tried += 1
        self.held += not problem
        self.seen[seen] += 1
        if problem:
            self.wrong.append(problem)
        print(f"{self.name}: {problem or 'held'}: {seen}", file=sys.stderr, flush=True)

    def example(self) -> str:
        """Return what the user saw most often, for a cell of a table."""
        return " ".join(self.seen.most_common(1)[0][0].split()).replace("|", "\\|")[:240] if self.seen else ""


def fresh(folder: Path) -> Repository:
    """Make a repository with TINY params in a folder, in which nothing has run. It logs nothing to MLflow.

    What happens where MLflow fails, benchmarks/tracking.py measures.
    """
    (folder / "home").mkdir(parents=True)
    (folder / "repository").mkdir()
    repository = new_repository(folder / "repository", folder / "home", TINY)
    (repository.path / ".mlflow-outbox").touch()  # where a folder should be
    return with_own_state(repository, folder)


def copy_of(repository: Repository, folder: Path) -> Repository:
    """Copy a repository into a folder, its data and cache included."""
    shutil.copytree(repository.path, folder / "repository", symlinks=True)
    return with_own_state(Repository(folder / "repository", repository.environment), folder)


def with_own_state(repository: Repository, folder: Path) -> Repository:
    """Let DVC keep what it knows of the files in a folder, not in /var/tmp, where that outlives the repository."""
    return Repository(repository.path, repository.environment | {"DVC_SITE_CACHE_DIR": str(folder / "site")})


def lock_of(repository: Repository) -> bytes:
    """Return what dvc.lock holds; nothing if there is none."""
    path = repository.path / "dvc.lock"
    return path.read_bytes() if path.exists() else b""


def difference(repository: Repository, lock: bytes) -> str:
    """Say what differs from the run that wrote `lock`: its dvc.lock, its outputs, a damaged cache; "" for nothing."""
    if lock_of(repository) != lock:
        return "dvc.lock differs from that of an untouched run"
    status = repository.run("dvc", "status", "--json")
    if status.returncode != 0 or json.loads(status.stdout) != {}:
        return f"dvc status: {status.stdout.strip()} {last_error(status.stderr)}"
    cache = repository.path / ".dvc/cache/files/md5"
    for path in cache.glob("??/*"):
        if hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != f"{path.parent.name}{path.stem}":
            return f"{path.relative_to(repository.path)} is damaged"
    return ""


def last_error(text: str) -> str:
    """Return the line of an output that says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or [""])[0][:300]


def stages_of(repository: Repository) -> list[str]:
    """Return the names of the stages, in the order in which dvc.yaml has them, which is one that they can run in."""
    return list(read_yaml(repository.path / "dvc.yaml")["stages"])


def outputs_of(repository: Repository) -> dict[str, list[str]]:
    """Return the outputs of each stage, in the order in which the stages run."""
    stages = read_yaml(repository.path / "dvc.lock")["stages"]
    return {name: [out["path"] for out in stage["outs"]] for name, stage in stages.items()}


def files_of(repository: Repository, outputs: list[str]) -> list[Path]:
    """Return the files that outputs have, those in folders one by one."""
    paths = [repository.path / output for output in outputs]
    return [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
