"""What `pip install` of mien takes on disk: the base, and what each extra adds to it. Needs a package index.

Run: python benchmarks/install_size.py [EXTRA ..], in the root of the repository; without EXTRA, all of pyproject.toml

Each install goes into a new environment of the Python that runs this. Counted are the files that it adds, in units of
10^6 bytes. "without byte code" leaves out the .pyc files: what `pip install --no-compile` writes. "environment" is the
whole folder, pip included, in the blocks that its files take (as `du` counts).
"""

import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Size(NamedTuple):
    """What is in an environment, in bytes."""

    packages: int
    files: int
    without_byte_code: int
    blocks: int

    def __sub__(self, other: "Size") -> "Size":
        return Size(*(here - there for here, there in zip(self, other, strict=True)))


def main() -> None:
    """Install the base and each extra, and print a table."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = sys.argv[1:] or list(project["optional-dependencies"])
    print("| install | packages | MB | without byte code | environment |\n|---|---:|---:|---:|---:|")
    empty, base = installed("")
    print(row("base", base - empty, base), flush=True)
    for extra in extras:
        _, size = installed(f"[{extra}]")
        print(row(f"`{extra}` adds", size - base, size), flush=True)


def installed(extra: str) -> tuple[Size, Size]:
    """Return the size of a new environment before and after an install of mien with an extra."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        empty = measured(Path(folder))
        python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"{ROOT}{extra}"], check=True)
        return empty, measured(Path(folder))


def measured(environment: Path) -> Size:
    """Measure an environment."""
    packages = sysconfig.get_path("purelib", "venv", {"base": str(environment)})
    sizes = [(path.suffix, path.stat()) for path in files(environment)]
    return Size(
        len(list(distributions(path=[packages]))),
        sum(status.st_size for _, status in sizes),
        sum(status.st_size for suffix, status in sizes if suffix != ".pyc"),
        sum(getattr(status, "st_blocks", 0) * 512 for _, status in sizes),
    )


def files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder; what a link leads to belongs elsewhere."""
    yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def row(name: str, added: Size, whole: Size) -> str:
    """Return a row of the table."""
    figures = (f"{size / 1e6:,.0f}" for size in (added.files, added.without_byte_code, whole.blocks))
    return f"| {name} | {added.packages} | {' | '.join(figures)} |"


if __name__ == "__main__":
    main()
