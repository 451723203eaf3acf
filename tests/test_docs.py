"""The texts say what is: their links lead somewhere, and the walk shows the figures that Git holds."""

import re
import subprocess
from pathlib import Path

import pytest
from helpers.repository import ROOT

TEXTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
SHOWN = re.compile(r"```sh\n(?P<command>[^`]*?)```\n```\n(?P<output>.*?)```", re.DOTALL)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(text: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)|src=\"([^\"]+)", text.read_text())
    assert [link for pair in links for link in pair if link and not (text.parent / link).exists()] == []


def test_the_walk_shows_what_git_holds() -> None:
    shown = {match["command"]: match["output"] for match in SHOWN.finditer((ROOT / "docs/walk.md").read_text())}
    of_git = {command: output for command, output in shown.items() if re.match(r"(cat|tail -1) reports/", command)}
    assert len(of_git) == 2
    for command, output in of_git.items():
        assert subprocess.run(command, cwd=ROOT, shell=True, capture_output=True, text=True).stdout == output
