"""`mien exp recipe` gives safe flags for a shell; `mien exp search` checks its bounds."""

import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
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


def test_a_recipe_sets_back_what_another_one_left(mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("recipes", "src", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for words in ("init --quiet", "add params.yaml", "-c user.name=a -c user.email=a@b.c commit --quiet -m a"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    expected = mien("exp", "recipe", "fer2013")[0].split()
    left = mien("exp", "recipe", "fer2013", "wild", "wild_small")[0].split()
    apply_overrides(tmp_path / "params.yaml", [flag for flag in [*left, "base.seed=7"] if flag != "-S"])
    out, err = mien("exp", "recipe", "fer2013")
    assert out.startswith(" ".join(expected))
    assert {"train_cnn.transfer.weights=none", "train_cnn.distillation.share=0.0"} < set(out.split())
    assert not any(flag.startswith("base.seed") for flag in out.split())
    assert "set back as committed: oversample_augment.extra.face (middle -> largest), " in err
    assert mien("exp", "recipe", "actions")[1] == ""


@pytest.mark.parametrize(("flag", "value", "minimum"), [("trials", 0, 1), ("cpus", 0, 1), ("gpus", -1, 0)])
def test_a_search_of_nothing_is_refused(mien: Run, flag: str, value: int, minimum: int) -> None:
    _, err = mien("exp", "search", "space.yaml", f"--{flag}", value, code=2)
    assert err == f"error: --{flag}: found {value}, expected at least {minimum}\n"
