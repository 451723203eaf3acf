"""What `pip install` of mien takes on disk: the base, and what each extra adds to it. Needs a package index.

    python benchmarks/install_size.py [EXTRA ..] [--output reports/benchmarks/install_size]

Without EXTRA, all extras of pyproject.toml are measured. Each install goes into a new environment of the Python that
runs this. The table has the files that the install adds, in units of 10^6 bytes. "without byte code" leaves out the
.pyc files: what `pip install --no-compile` writes. "environment" is the whole folder, pip included, in the blocks that
its files take (as `du` counts). FOLDER gets the table and figures.json, from which the README is filled.
"""

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import venv
from collections.abc import Iterator, Mapping
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


class Sizes(NamedTuple):
    """What an install adds, and the whole environment."""

    added: Size
    whole: Size


def main() -> None:
    """Install the base and each extra, and print a table."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extras", nargs="*", metavar="EXTRA", help="an extra of pyproject.toml")
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    empty, base = installed("")
    sizes = {"base": Sizes(base - empty, base)}
    for extra in given.extras or project["optional-dependencies"]:
        _, size = installed(f"[{extra}]")
        sizes[extra] = Sizes(size - base, size)
        print(row(extra, sizes[extra]), file=sys.stderr, flush=True)
    print(table(sizes))
    if given.output:
        write(sizes, given.output)


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


def table(sizes: Mapping[str, Sizes]) -> str:
    """Return the table, one row per install."""
    header = "| install | packages | MB | without byte code | environment |\n|---|---:|---:|---:|---:|"
    return "\n".join([header, *(row(name, size) for name, size in sizes.items())])


def row(name: str, sizes: Sizes) -> str:
    """Return a row of the table."""
    added, whole = sizes
    figures = (f"{size / 1e6:,.0f}" for size in (added.files, added.without_byte_code, whole.blocks))
    label = name if name == "base" else f"`{name}` adds"
    return f"| {label} | {added.packages} | {' | '.join(figures)} |"


def write(sizes: Mapping[str, Sizes], folder: Path) -> None:
    """Write the table and the figures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    extras = [name for name in sizes if name != "base"]
    command = " ".join(["python benchmarks/install_size.py", *extras, "--output reports/benchmarks/install_size"])
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    head = (
        f"# What an install takes on disk\n\nMeasured with Python {python} by `{command}`, which explains the columns."
    )
    (folder / "README.md").write_text(f"{head}\n\n{table(sizes)}\n", encoding="utf-8")
    figures = {
        name: {
            "packages": added.packages,
            "mb": round(added.files / 1e6),
            "mb_without_byte_code": round(added.without_byte_code / 1e6),
            "environment_mb": round(whole.blocks / 1e6),
        }
        for name, (added, whole) in sizes.items()
    }
    (folder / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
