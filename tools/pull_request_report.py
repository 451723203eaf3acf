"""Reports the effect of a change on params, metrics and plots, for its pull request: `make report BASE=main`.

report.md contains `dvc params diff`, `dvc metrics diff` and `dvc plots diff` between the workspace and a revision, with
a PNG of each changed plot that shows both sides. Only plots of data in Git are drawn. Pictures by stages, such as
reports/evaluate/cnn_mistakes.png, may show people's faces and are left out.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import vl_convert
from PIL import Image

from mien._io.errors import InputError, reports_input_errors
from mien._io.yaml import read_yaml
from mien.experiments import layout
from mien.experiments.table import HEADLINES

_READ_BY = "Judge by the `val_` figures, which are of validation. The figures of `reports/evaluate` are of test."


@reports_input_errors
def main() -> None:
    """Write the report that the command line requests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="what to compare with: a branch, tag or commit, such as main")
    parser.add_argument("folder", type=Path, help="where to write report.md and the pictures")
    arguments = parser.parse_args()
    check_base(arguments.base)
    check_up_to_date()
    write_report(arguments.base, arguments.folder)
    print(arguments.folder / "report.md")


def check_base(base: str) -> None:
    """Raise InputError if `base` is not a commit of the current Git repository, or if there is no repository."""
    if _run("git", "rev-parse", "--git-dir").returncode:
        raise InputError(f"{Path.cwd()}: is in no Git repository, expected a clone of mien")
    exists = not _run("git", "rev-parse", "--quiet", "--verify", "--end-of-options", f"{base}^{{commit}}").returncode
    if base.startswith("-") or not exists:  # DVC would read it as an option
        shallow = _run("git", "rev-parse", "--is-shallow-repository").stdout.strip() == "true"
        advice = "this clone is shallow: run `git fetch --unshallow`" if shallow else "expected one such as origin/main"
        raise InputError(f"BASE={base}: no such branch, tag or commit here, {advice}")


def check_up_to_date() -> None:
    """Raise InputError if the figures of the workspace do not belong to its params and code."""
    dry = _run(sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing")
    # the first outdated stage fails if its data are missing
    if behind := re.findall(r"(?:^Running stage|failed to reproduce) '([^']+)'", dry.stdout + dry.stderr, re.MULTILINE):
        stages = ", ".join(dict.fromkeys(behind))
        raise InputError(f"{stages}: not up to date with params and code, run `dvc repro` first")


def write_report(base: str, folder: Path) -> None:
    """Write report.md and its pictures into `folder`."""
    params = _table("params", base)
    metrics = _table("metrics", base)
    plots = changed_plots(base)
    folder.mkdir(parents=True, exist_ok=True)
    sections = [f"## The change against {base}"]
    if params or metrics or plots:
        sections += ["### Params", "\n".join(params) or "No param changed."]
        sections += ["### Metrics", *([_READ_BY, *_folded(*metrics)] if metrics else ["No metric changed."])]
        sections += ["### Plots", *([] if plots else ["No plot changed."])]
    else:
        sections += ["No param, no metric and no plot changed."]
    for name, specification in plots.items():
        picture = re.sub(r"\W+", "-", name) + ".png"
        drawn = Image.open(io.BytesIO(vl_convert.vegalite_to_png(specification)))
        drawn.convert("RGB").save(folder / picture, optimize=True)  # a quarter of what vl_convert writes
        sections.append(f"![{name}]({picture})")
    (folder / "report.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def changed_plots(base: str) -> dict[str, dict[str, Any]]:
    """Return the Vega-Lite specification of each data plot that differs from `base`, by name.

    Only the plots in the plots section of dvc.yaml are drawn; those of single stages show the same files.
    """
    named = {name for plot in read_yaml(layout.PIPELINE)["plots"] if isinstance(plot, dict) for name in plot}
    with tempfile.TemporaryDirectory() as scratch:
        plots = json.loads(_dvc("plots", "diff", base, "--json", "--out", scratch))["data"]
    changed = {}
    for name, revisions in ((name, revisions) for name, revisions in plots.items() if name in named):
        for specification in [revision["content"] for revision in revisions if revision["type"] == "vega"]:
            rows = specification["data"]["values"]
            new = [row for row in rows if row["rev"] == "workspace"]
            old = [row for row in rows if row["rev"] != "workspace"]
            if [row | {"rev": None} for row in new] != [row | {"rev": None} for row in old]:
                specification["data"]["values"] = old + new  # the order of panels
                changed[name] = specification
    return changed


def _table(kind: str, base: str) -> list[str]:
    """Return the lines of the table of `dvc params diff` or `dvc metrics diff`; empty if nothing changed."""
    lines = _dvc(kind, "diff", base, "--md").strip().splitlines()
    return lines if len(lines) > 2 else []


def _folded(head: str, rule: str, *rows: str) -> list[str]:
    """Split the lines of a metrics table into headlines and others, which are folded."""
    named = {row.split("|")[2].strip(): row for row in rows}
    first = [named[name] for name in HEADLINES if name in named]
    others = [row for row in rows if row not in first]
    parts = ["\n".join([head, rule, *first])] if first else []
    if others:
        parts += [
            f"<details><summary>{len(others)} other metrics</summary>",
            "\n".join([head, rule, *others]),
            "</details>",
        ]
    return parts


def _dvc(*arguments: str) -> str:
    result = _run(sys.executable, "-m", "dvc", *arguments)
    if result.returncode:
        raise InputError(f"dvc {' '.join(arguments)}: {' '.join(result.stderr.split())}")
    return result.stdout


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    main()
