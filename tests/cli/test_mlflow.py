"""`mien mlflow sync` where nothing waits."""

from pathlib import Path

import pytest
from helpers.commands import Run


@pytest.mark.parametrize("words", [("mlflow", "sync"), ("sync",)])
def test_nothing_to_upload(mien: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    out, err = mien(*words)
    assert out == ""
    assert err == ("" if words == ("mlflow", "sync") else "note: 'mien sync' is now 'mien mlflow sync'\n")
