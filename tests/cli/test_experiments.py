"""`mien exp recipe` gives safe flags for a shell; `mien exp search` checks its bounds."""

import shutil
import subprocess
from functools import reduce
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from helpers.commands import Run
from helpers.repository import ROOT

from mien._io.nested import merge
from mien._io.yaml import read_yaml

DIFFERS = "note: params.yaml: differs from the commit also in"
STAYS = "that stays (git checkout params.yaml sets all back)"


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


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the committed params.yaml of a repository with the recipes, which is the current folder."""
    for name in ("recipes", "src", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for words in ("init --quiet", "add params.yaml", "-c user.name=a -c user.email=a@b.c commit --quiet -m a"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "params.yaml"


def change(params: Path, *flags: str) -> None:
    """Change params as `dvc exp run` does."""
    apply_overrides(params, [flag for flag in flags if flag != "-S"])


def test_a_recipe_sets_back_what_another_one_left(mien: Run, committed: Path) -> None:
    expected = mien("exp", "recipe", "fer2013")[0].split()
    left = mien("exp", "recipe", "fer2013", "wild", "wild_small")[0].split()
    change(committed, *left, "base.seed=7")
    out, err = mien("exp", "recipe", "fer2013")
    assert out.startswith(" ".join(expected))
    assert {"train_cnn.transfer.weights=none", "train_cnn.distillation.share=0.0"} < set(out.split())
    assert not any(flag.startswith("base.seed") for flag in out.split())
    assert "set back as committed: oversample_augment.extra.face (middle -> largest), " in err
    assert mien("exp", "recipe", "actions")[1] == f"{DIFFERS} base.seed; {STAYS}\n"


def test_what_describes_another_source_is_set_back(mien: Run, committed: Path) -> None:
    before = read_yaml(committed)
    own = ("prepare_fer.detector=yunet", "prepare_fer.unknown_classes=fail", "prepare_fer.classes=[engaged,bored]")
    change(committed, *own, "prepare_fer.labels=ferplus_votes", "oversample_augment.extra.detector=haar")
    flags, err = mien("exp", "recipe", "fer2013")
    assert (
        "set back as committed: prepare_fer.classes (['engaged', 'bored'] -> []), prepare_fer.detector (yunet -> "
        in err
    )
    change(committed, *flags.split(), *mien("exp", "recipe", "fer2013", "wild")[0].split())
    recipes = (read_yaml(ROOT / f"recipes/{name}.yaml") for name in ("fer2013", "wild"))
    assert read_yaml(committed) == reduce(merge, recipes, before)


def test_what_may_be_meant_stays_and_is_named(mien: Run, committed: Path) -> None:
    change(committed, "prepare_fer.detector=yunet", "prepare_fer.size=64", "+prepare_fer.merge.low=[bored,sad]")
    flags, err = mien("exp", "recipe", "own_faces")  # which names no source
    assert "detector" not in flags
    assert err == f"{DIFFERS} prepare_fer.detector, prepare_fer.merge, prepare_fer.size; {STAYS}\n"
    flags, err = mien("exp", "recipe", "fer2013")
    assert "prepare_fer.size" not in flags
    assert err.splitlines()[1:] == [f"{DIFFERS} prepare_fer.merge, prepare_fer.size; {STAYS}"]


@pytest.mark.parametrize(("flag", "value", "minimum"), [("trials", 0, 1), ("cpus", 0, 1), ("gpus", -1, 0)])
def test_a_search_of_nothing_is_refused(mien: Run, flag: str, value: int, minimum: int) -> None:
    _, err = mien("exp", "search", "space.yaml", f"--{flag}", value, code=2)
    assert err == f"error: --{flag}: found {value}, expected at least {minimum}\n"
