"""Reads params, lock and stage outputs of a revision or the workspace from DVC's files and cache."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from scmrepo.exceptions import SCMError

from mien._io.errors import InputError, first_line
from mien._io.yaml import parse_yaml
from mien.experiments import layout
from mien.experiments.freshness import current_stages
from mien.experiments.mlflow import datasets
from mien.experiments.mlflow.environment import root
from mien.experiments.mlflow.outputs import NETWORKS, Outputs
from mien.experiments.mlflow.values import recorded_param_texts

NOT_THERE = (DvcException, SCMError, OSError)


class DvcFiles:
    """A revision, or the workspace, as DVC has it.

    Attributes:
        left_out: stages that did not run with its params, one text each.
        lacking: what is missing in DVC's cache now but may be there later.
    """

    def __init__(self, revision: str | None) -> None:
        """Open a revision; None for the workspace. Raises InputError if it has no params.yaml or dvc.lock."""
        self.left_out: list[str] = []
        self.lacking: list[str] = []
        self._files = DVCFileSystem(str(root()), rev=revision)
        self._params = self._text(layout.PARAMS)
        self._lock: dict[str, Any] = parse_yaml(self._text(layout.LOCK), layout.LOCK)

    def params(self) -> dict[str, str]:
        """Return the params that stages log."""
        return recorded_param_texts(self._params)

    def stages(self) -> list[str]:
        """Return the stages whose outputs belong to params.yaml, see `current_stages`."""
        recorded = self._lock["stages"]
        current = current_stages(parse_yaml(self._params, layout.PARAMS), recorded)
        behind = [stage for stage in layout.STAGES if stage in recorded and stage not in current]
        self.left_out += [f"{stage}, which did not run with these params" for stage in behind]
        self.left_out += [f"{stage}, which did not run" for stage in layout.STAGES if stage not in recorded]
        return current

    @contextmanager
    def outputs(self, stage: str) -> Iterator[Outputs]:
        """Yield copies of a stage's outputs as far as DVC has them. Missing ones are added to `lacking`."""
        with tempfile.TemporaryDirectory() as scratch:
            report, network = Path(scratch, "report"), Path(scratch, "network")
            report.mkdir()
            for out in self._lock["stages"][stage].get("outs", ()):
                path = Path(out["path"])
                if path.parent == layout.report(stage):
                    self._get(path, report / path.name)
            trained = stage in NETWORKS and self._get(NETWORKS[stage], network)
            yield Outputs(stage, report, network if trained else None, list(datasets.from_deps(self._lock, stage)))

    def _get(self, path: Path, target: Path) -> bool:
        try:
            self._files.get(f"/{path}", str(target), recursive=self._files.isdir(f"/{path}"))
        except NOT_THERE:
            self.lacking.append(f"{path}, which is not in DVC's cache")
            return False
        return True

    def _text(self, path: Path) -> str:
        try:
            return str(self._files.read_text(f"/{path}", encoding="utf-8"))
        except (*NOT_THERE, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read ({first_line(error)})") from None
