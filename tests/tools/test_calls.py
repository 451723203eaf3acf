"""Tools are called in a way that works: one that imports another is a module, `python -m tools.NAME`."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = [ROOT / "Makefile", *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tools/*.py"),
         *ROOT.glob("src/mien/inference/weights/*.md")]  # fmt: skip
IMPORT = re.compile(r"^(?:from|import) tools\b", re.MULTILINE)


def calls(pattern: str) -> set[str]:
    """Return the tools whose calls in Makefile, docs and docstrings match a pattern; its group is the name."""
    return {name for path in TEXTS for name in re.findall(pattern, path.read_text())}


@pytest.mark.parametrize("name", sorted(calls(r"python tools/(\w+)\.py")))
def test_a_tool_called_by_its_path_imports_no_other(name: str) -> None:
    assert not IMPORT.search((ROOT / "tools" / f"{name}.py").read_text()), f"expected python -m tools.{name}"


def test_tools_called_as_modules_exist() -> None:
    modules = calls(r"python -m tools\.(\w+)")
    assert "train_aus" in modules
    assert all((ROOT / "tools" / f"{name}.py").is_file() for name in modules)
