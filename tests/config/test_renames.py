"""Old names of params are accepted with a note; tests hold each row of the tables."""

from pathlib import Path
from typing import Any

import pytest

from mien._io.errors import InputError
from mien._io.nested import flatten
from mien._io.yaml import read_yaml
from mien.aus.rules import AuTable
from mien.config import Params, load_params
from mien.config.renames import KEYS, VALUES, renamed, renamed_keys
from mien.experiments.recipes import recipe_flags

ROOT = Path(__file__).parents[2]
CURRENT = read_yaml(ROOT / "params.yaml")


def tree(key: str, value: Any) -> dict[str, Any]:
    """Return mappings of mappings with one value."""
    name, _, rest = key.partition(".")
    return {name: tree(rest, value) if rest else value}


def replaced(params: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    name, _, rest = key.partition(".")
    return params | {name: replaced(params.get(name, {}), rest, value) if rest else value}


@pytest.mark.parametrize(("old", "new"), KEYS.items())
def test_an_old_key_is_the_new_one_with_a_note(old: str, new: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert renamed(tree(old, 1), "file.yaml") == tree(new, 1)
    assert capsys.readouterr().err == f"note: file.yaml: {old} is now {new}\n"


@pytest.mark.parametrize(("old", "new"), KEYS.items())
def test_both_keys_at_once_are_refused(old: str, new: str) -> None:
    both = replaced(tree(old, 1), new, 1)
    with pytest.raises(InputError, match=f"file.yaml: found both {old} and {new}"):
        renamed(both, "file.yaml")
    with pytest.raises(InputError, match=f"file.yaml: found both {old} and {new}"):
        renamed_keys({old: 1, new: 2}, "file.yaml")


@pytest.mark.parametrize(("key", "old", "new"), [(key, *row) for key, rows in VALUES.items() for row in rows.items()])
def test_an_old_value_is_the_new_one_with_a_note(
    key: str, old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert renamed(tree(key, old), "file.yaml") == tree(key, new)
    assert renamed(tree(key, ["other", old]), "file.yaml") == tree(key, ["other", new])
    assert capsys.readouterr().err == f"note: file.yaml: {key}: {old!r} is now {new}\n" * 2


@pytest.mark.parametrize("new", [*KEYS.values(), *VALUES])
def test_new_names_are_keys_of_the_params(new: str) -> None:
    assert new in flatten(CURRENT)


@pytest.mark.parametrize("new", [path for rows in VALUES.values() for path in rows.values() if "/" in path])
def test_new_paths_exist(new: str) -> None:
    assert (ROOT / new).exists()


def test_params_of_the_release_before_are_those_of_today(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "params.yaml").read_text()
    for new, old in (
        ("executor: local", "engine: local"),
        ("src/mien/aus/tables/prototypes.yaml", "src/mien/tables/seed.yaml"),
        ("  - prototypes", "  - seed"),
        ("  mixup:", "  mixing:"),
        ("    alpha: 0.2", "    mixup: 0.2"),
        ("tta: true", "views: true"),
        ("votes: data/none/ferplus_votes", 'votes: ""'),
        ("real_aus: data/none/real_aus", 'real_aus: ""'),
        ("emotic: data/none/emotic", 'emotic: ""'),
        ("mpii: data/none/mpii", 'mpii: ""'),
    ):
        assert new in text
        text = text.replace(new, old)
    (tmp_path / "params.yaml").write_text(text)
    assert load_params(tmp_path / "params.yaml") == load_params(ROOT / "params.yaml")
    notes = capsys.readouterr().err.splitlines()
    assert len(notes) == 10
    assert all(note.startswith(f"note: {tmp_path}/params.yaml: ") for note in notes)


def test_an_old_recipe_gives_flags_with_the_new_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (tmp_path / "recipes/old.yaml").write_text(
        "train_cnn: {mixing: {share: 0.5, mixup: 0.3}}\nevaluate: {views: false, real_aus: ''}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert recipe_flags("old")[1::2] == [
        "train_cnn.mixup.share=0.5", "train_cnn.mixup.alpha=0.3", "evaluate.real_aus=data/none/real_aus",
        "evaluate.tta=false",
    ]  # fmt: skip
    assert capsys.readouterr().err.count("note: recipes/old.yaml: ") == 4


def test_a_folder_that_was_named_as_weights_is_the_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path)
    old = {"train_cnn": {"transfer": {"weights": folder, "path": "data/none/start_network"}}}
    assert renamed(old, "p") == {"train_cnn": {"transfer": {"weights": "none", "path": folder}}}
    assert f"note: p: train_cnn.transfer.weights: {folder} is now train_cnn.transfer.path" in capsys.readouterr().err
    old["train_cnn"]["transfer"]["path"] = "other"
    with pytest.raises(InputError, match="found paths in both"):
        renamed(old, "p")
    misspelt = {"train_cnn": {"transfer": {"weights": "mein"}}}
    assert renamed(misspelt, "p") == misspelt


@pytest.mark.parametrize("odd", [None, 3, "text", [1], {"evaluate": 3}, {"evaluate": {"real_aus": [[], {}]}}, {1: 2}])
def test_what_is_no_params_is_left_to_the_schema(odd: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert renamed(odd, "file.yaml") == odd
    assert capsys.readouterr().err == ""


def test_today_has_no_old_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert renamed(CURRENT, "params.yaml") == CURRENT
    assert Params.model_validate(CURRENT)
    assert capsys.readouterr().err == ""


def test_an_old_name_of_an_au_table_is_the_new_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert AuTable.load("seed") == AuTable.load("prototypes")
    assert capsys.readouterr().err == "note: the AU table seed is now called prototypes\n"
