"""Fill the figures of README, docs and model cards from reports/: `python -m tools.fill_figures`.

A figure stands between comments that name its source: a file below reports/, a key, and a form:

    <!-- figure: recipes/fer2013/metrics.json; cnn/accuracy; % -->70.8 %<!-- / -->

A key may end with +, the sum of what is there; in a list, a number is an index. For the forms see `figures.formatted`.
A table stands between `<!-- table: NAME -->` and `<!-- / -->`; NAME is one of `figure_tables.TABLES`.
tests/test_docs.py compares texts with reports.
"""

import re
from pathlib import Path

from mien._io.errors import InputError, reports_input_errors
from tools.figure_tables import TABLES
from tools.figures import ReadReport, Reports, formatted

ROOT = Path(__file__).parents[1]

_FIGURE = re.compile(r"(<!-- figure: (?P<file>[^;]+); (?P<key>[^;]+); (?P<form>\S+) -->)[^<]*(<!-- / -->)")
_TABLE = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- / -->)", re.DOTALL)


def texts() -> list[Path]:
    """Return the files that may contain figures."""
    cards = ROOT.glob("src/mien/inference/weights/*.md")
    return sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *cards])


def from_workspace(file: str) -> str:
    """Return the current text of a file in reports/."""
    return (ROOT / "reports" / file).read_text(encoding="utf-8")


def filled(text: str, read: ReadReport = from_workspace) -> str:
    """Return a text with its figures and tables filled from reports.

    Raises:
        InputError: it names a table, a key or a form that does not exist.
    """
    reports = Reports(read)

    def figure(match: re.Match[str]) -> str:
        return f"{match[1]}{formatted(reports(match['file'], match['key']), match['form'])}{match[5]}"

    def table(match: re.Match[str]) -> str:
        if match["name"] not in TABLES:
            raise InputError(f"table: found {match['name']}, expected one of {', '.join(TABLES)}")
        return f"{match[1]}{TABLES[match['name']](reports)}{match[3]}"

    return _TABLE.sub(table, _FIGURE.sub(figure, text))


@reports_input_errors
def main() -> None:
    """Fill all texts, and name those that changed."""
    for path in texts():
        before = path.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
