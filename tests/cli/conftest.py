"""`mien` in this process."""

import sys

import pytest
from helpers.commands import Run

from mien.cli import main


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command and return its stdout and stderr; `code` is the exit code to expect."""

    def run(*words: object, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["mien", *map(str, words)])
        if code:
            with pytest.raises(SystemExit) as left:
                main()
            assert left.value.code == code
        else:
            main()
        return capsys.readouterr()

    return run
