"""`mien exp recipe` gives safe flags for a shell; `mien exp search` checks its bounds."""

import pytest
from helpers.commands import Run
from helpers.repository import ROOT


@pytest.mark.parametrize("words", [("exp", "recipe"), ("recipe",)])
def test_a_recipe_is_flags_and_nothing_else_on_stdout(
    mien: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(ROOT)
    out, err = mien(*words, "fer2013", "fer2013_small")
    flags = out.split()
    assert out.endswith("\n")
    assert set(flags[::2]) == {"-S"}
    assert all("=" in flag for flag in flags[1::2])
    assert "train_cnn.network=mien_small" in flags
    assert err == ("" if words == ("exp", "recipe") else "note: 'mien recipe' is now 'mien exp recipe'\n")


@pytest.mark.parametrize(("flag", "value", "minimum"), [("trials", 0, 1), ("cpus", 0, 1), ("gpus", -1, 0)])
def test_a_search_of_nothing_is_refused(mien: Run, flag: str, value: int, minimum: int) -> None:
    _, err = mien("exp", "search", "space.yaml", f"--{flag}", value, code=2)
    assert err == f"error: --{flag}: found {value}, expected at least {minimum}\n"
