"""Inject faults into the pipeline and commands, and check that they hold: kills, a full disk, flipped bytes, bad files.

Each fault is real. Faults of the kinds kills, disk, together and flips are injected into temporary repositories of this
project (including uncommitted changes) with Git, DVC and tiny params; faults of the kinds commands and inputs into
commands that read and write files. A table per kind is written to reports/benchmarks/faults/README.md, where other
kinds are kept; progress is printed to stderr. The exit code is 1 if something did not hold. A full disk needs
permission to mount a tmpfs; without it this kind is skipped, and the report says so.

    PYTHONPATH=tests python benchmarks/faults
    PYTHONPATH=tests python benchmarks/faults --only kills --kills 100 --seed 1 --report /tmp/kills.md
    PYTHONPATH=tests python benchmarks/faults --only disk together --work /scratch
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from commands import harm_commands
from disk import fill_in_each_stage, small_disk
from flips import flip_checkpoint, flip_in_the_cache, flip_params, flip_what_dvc_sees, flip_what_is_read
from helpers.repository import ROOT, Repository
from inputs import harm_inputs
from kills import Beginning, beginnings, cut_lock_short, kill_at_random
from together import two_at_once
from trials import Fault, difference, fresh, lock_of

OF_PIPELINE = ("kills", "disk", "together", "flips")
KINDS = (*OF_PIPELINE, "commands", "inputs")
REPORT = ROOT / "reports/benchmarks/faults/README.md"
HEAD = """# Faults

How the pipeline and commands react to faults. `PYTHONPATH=tests python benchmarks/faults` injects real ones: into
repositories with Git, DVC and tiny params, and into commands that read and write files.

DVC notices a changed file by its size and time. It does not notice silent damage, on a disk, in a copy or in its cache.
So mien keeps a SHA256SUMS in each folder of data or networks and checks it before it uses a file.
`sha256sum --check --ignore-missing SHA256SUMS` does the same by hand.
"""


HELD = (
    "Held: no traceback, nothing on stderr but notes and errors, an error names the file, and no file that was cut, or "
    "whose form has checksums, is read as something else without a word."
)


def main() -> None:
    """Do what the arguments ask for, and bring the report up to date after each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--kills", type=int, default=20, help="kills across the whole pipeline (20)")
    parser.add_argument("--together", type=int, default=5, help="how often two `dvc repro` start at once (5)")
    parser.add_argument("--flips", type=int, default=3, help="flipped bytes a file (3)")
    parser.add_argument("--commands", type=int, default=20, help="kills of commands that write files (20)")
    parser.add_argument("--inputs", type=int, default=50, help="harmed files for each command and form (50)")
    parser.add_argument("--seed", type=int, default=0, help="moments and places follow from it (0)")
    parser.add_argument("--report", type=Path, default=REPORT, metavar="OUT.md", help=f"({REPORT.relative_to(ROOT)})")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="where the repositories are, 1 GB (the system's place)"
    )
    arguments = parser.parse_args()
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        for kind, faults, note in tried(arguments, Path(folder)):
            failed += sum(fault.tried - fault.held for fault in faults)
            options = f"--only {kind} --{kind} {vars(arguments)[kind]}" if kind in vars(arguments) else f"--only {kind}"
            text = section(faults, f"{options} --seed {arguments.seed}", note)
            write(arguments.report, kind, text.replace(f"{folder}/", ""))
    print(f"{arguments.report}: {failed} did not hold" if failed else f"{arguments.report}: all held")
    sys.exit(bool(failed))


def tried(arguments: argparse.Namespace, work: Path) -> Iterator[tuple[str, list[Fault], str]]:
    """Do the kinds of faults asked for; yield each with what came of it, and a note."""
    if any(kind in OF_PIPELINE for kind in arguments.only):
        yield from tried_on_pipeline(arguments, work)
    if "commands" in arguments.only:
        (work / "disk").mkdir()
        with small_disk(work / "disk") as reason:
            rng = random.Random(arguments.seed)  # noqa: S311
            faults = harm_commands(arguments.commands, rng, work / "commands", None if reason else work / "disk")
        yield "commands", faults, f"No disk was filled, as no tmpfs can be mounted here: {reason}." if reason else ""
    if "inputs" in arguments.only:
        yield "inputs", harm_inputs(arguments.inputs, arguments.seed), HELD


def tried_on_pipeline(arguments: argparse.Namespace, work: Path) -> Iterator[tuple[str, list[Fault], str]]:
    """Do those that are done to repositories."""
    start = fresh(work / "start")
    before, untouched = beginnings(start, work)
    lock = lock_of(untouched)
    if problem := difference(untouched, lock):
        sys.exit(f"error: the untouched run does not hold: {problem}")
    for kind in filter(OF_PIPELINE.__contains__, arguments.only):
        rng = random.Random(arguments.seed)  # noqa: S311
        folder = work / kind
        folder.mkdir()
        if kind == "kills":
            faults = [
                kill_at_random(before, lock, arguments.kills, rng, folder),
                cut_lock_short(untouched, lock, arguments.kills, rng),
            ]
            yield kind, faults, f"An untouched run took {sum(beginning.seconds for beginning in before):.0f} s."
        elif kind == "disk":
            with small_disk(folder) as reason:
                faults = [] if reason else fill_in_each_stage(start, untouched, lock, rng, folder)
            yield kind, faults, f"Skipped, as no tmpfs can be mounted here: {reason}." if reason else ""
        elif kind == "together":
            yield kind, [two_at_once(start, lock, arguments.together, rng, folder)], ""
        else:
            yield kind, flips(before, untouched, lock, arguments.flips, rng, folder), ""


def flips(
    before: list[Beginning], untouched: Repository, lock: bytes, tries: int, rng: random.Random, work: Path
) -> list[Fault]:
    """Flip bytes of all kinds of files."""
    at_train_au = next(beginning.repository for beginning in before if beginning.stage == "train_au")
    return [
        *flip_what_is_read(untouched, tries, rng),
        flip_checkpoint(at_train_au, lock, rng, work),
        flip_in_the_cache(untouched, lock, rng),
        *flip_what_dvc_sees(untouched, lock, tries, rng),
        flip_params(untouched, tries, rng),
    ]


def section(faults: list[Fault], options: str, note: str) -> str:
    """Return what was tried, and with which options, as Markdown."""
    wrong = [f"- {fault.name}: {problem}" for fault in faults for problem in fault.wrong]
    lines = [
        *[f"`{options}`. {note}".rstrip(), ""],
        *(["| fault | tried | held | what the user sees, for example |", "|---|---|---|---|"] if faults else []),
        *(f"| {fault.name} | {fault.tried} | {fault.held} | {fault.example()} |" for fault in faults),
        *(["", "What did not hold:", "", *wrong] if wrong else []),
    ]
    return "\n".join(lines)


def write(path: Path, kind: str, text: str) -> None:
    """Write a section of the report; the others stay as they are."""
    old = path.read_text().split("\n## ")[1:] if path.exists() else []
    sections = {title: body.strip() for title, _, body in (part.partition("\n") for part in old)} | {kind: text}
    path.write_text("\n".join([HEAD, *(f"## {name}\n\n{sections[name]}\n" for name in KINDS if name in sections)]))


if __name__ == "__main__":
    main()
