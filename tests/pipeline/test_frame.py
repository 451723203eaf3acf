"""The repository keeps its own promises: dvc.yaml names the code it depends on, every stage explains itself."""

import ast
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from helpers.repository import ROOT, outs
from pydantic import BaseModel

from mien._io.nested import merge
from mien._io.yaml import read_yaml
from mien.config import load_params
from mien.config.types import OptionalPath
from mien.experiments.recipes import names, recipe_flags
from mien.models.registry import NETWORKS

STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]
#: Code that shapes no output of a stage.
FRAME = (
    "config",  # types and bounds of params, whose values DVC compares
    "experiments",  # the entry point of a stage, and what logs it
    *(f"_io.{name}" for name in ("atomic", "errors", "extras", "quiet")),  # how outputs appear, and what is said
)

FEW = 2  # files of one room that dvc.yaml names one by one


def imported(path: Path, modules: set[Path] | None = None) -> set[Path]:
    """Return the modules of mien that a file imports, those they import, and so on; without those of the frame.

    modules: known so far; a package that imports its own modules leads to itself.
    """
    modules = set() if modules is None else modules
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "mien":
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                base = ROOT / "src" / Path(*name.split("."))
                for module in (base.with_suffix(".py"), base / "__init__.py"):
                    known = name == "mien" or _is_frame(name) or module in modules
                    if module.exists() and not known and _has_code(module):
                        modules.add(module)
                        imported(module, modules)
    return modules


#: The rooms, by floor: each imports only from its own floor and from those below (docs/architecture.md).
FLOORS = (
    {"_io", "config", "emotions", "plots", "splits"},
    {"actions", "aus", "data", "models", "rendering"},
    {"evaluation", "experiments", "inference", "training"},
    {"app", "cli"},
)


def rooms_of(path: Path) -> set[str]:
    """Return the rooms that a file imports from when it runs; annotations may name more."""
    tree = ast.parse(path.read_text())
    of_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node not in of_types:
            names += [node.module] if node.module != "mien" else [f"mien.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("mien.")}


def test_imports_run_one_way() -> None:
    floor = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
    package = ROOT / "src/mien"
    rooms = {path.name.removesuffix(".py") for path in package.iterdir() if not path.name.startswith("__")}
    assert rooms - {"py.typed"} == set(floor)
    used: dict[str, set[str]] = {room: set() for room in floor}
    for path in package.glob("*/**/*.py"):
        room = path.relative_to(package).parts[0]
        assert {other for other in rooms_of(path) if floor[other] > floor[room]} == set(), path
        used[room] |= rooms_of(path) - {room}
    TopologicalSorter(used).prepare()  # raises CycleError: rooms of a floor do not import each other


def _is_frame(name: str) -> bool:
    module = name.removeprefix("mien.")
    return any(module == part or module.startswith(f"{part}.") for part in FRAME)


def _has_code(module: Path) -> bool:
    return len(ast.parse(module.read_text()).body) > 1  # more than a docstring


def needed(stage: str) -> set[str]:
    """Return the modules that a stage imports, those that its params name among them."""
    modules = imported(ROOT / f"stages/{stage}.py")
    if stage == "train_cnn":
        for path in (ROOT / f"src/mien/models/{network}.py" for network in NETWORKS):
            modules |= {path} | imported(path)
    return {str(module.relative_to(ROOT)) for module in modules}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_it_imports_and_on_no_other(stage: str) -> None:
    named = [path for path in STAGES[stage]["deps"] if path.startswith("src/mien/") and "/weights/" not in path]
    assert len(set(named)) == len(named)
    assert sorted(STAGES[stage]["deps"]) == STAGES[stage]["deps"]  # as DVC writes them

    def covering(module: str) -> list[str]:
        return [path for path in named if module == path or module.startswith(f"{path}/")]

    modules = needed(stage)
    assert {module for module in modules if len(covering(module)) != 1} == set()
    assert {path for path in named if not any(path in covering(module) for module in modules)} == set()
    files = Counter(str(Path(path).parent) for path in named if path.endswith(".py"))
    assert {room for room, count in files.items() if count > FEW} == set()  # a stage that uses more names the room


def test_optional_inputs_are_deps_of_their_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    keys = list(optional_paths(load_params()))
    assert "train_cnn.transfer.path" in keys
    for key in keys:
        assert f"${{{key}}}" in STAGES[key.partition(".")[0]]["deps"]


def optional_paths(section: BaseModel, above: str = "") -> Iterator[str]:
    """Yield the keys whose values are optional inputs, each of which has a placeholder."""
    for name, value in section:
        if isinstance(value, BaseModel):
            yield from optional_paths(value, f"{above}{name}.")
        elif isinstance(value, OptionalPath):
            assert value.path is None
            assert Path(value).is_file()
            yield f"{above}{name}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_explains_itself(
    stage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [stage, "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(ROOT / f"stages/{stage}.py"), run_name="__main__")
    text = capsys.readouterr().out
    for out in outs(stage):
        assert str(out.parent) in text or str(out) in text


def test_the_params_and_all_recipes_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert load_params().base.seed >= 0
    assert "fer2013" in names()
    base = read_yaml(ROOT / "params.yaml")
    for name in names():
        path = shutil.copy(ROOT / "params.yaml", tmp_path)
        apply_overrides(path, [flag for flag in recipe_flags(name) if flag != "-S"])  # as `dvc exp run` does
        assert read_yaml(Path(path)) == merge(base, read_yaml(ROOT / f"recipes/{name}.yaml"))


def test_the_lock_is_that_of_the_code_and_params() -> None:
    dvc = str(Path(sys.executable).with_name("dvc"))
    command = [dvc, "repro", "--dry", "--allow-missing"]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert "Running stage" not in result.stdout, f"dvc.lock is behind: run dvc repro\n{result.stdout}"
    assert result.returncode == 0, result.stderr
