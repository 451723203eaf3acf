"""The table of experiments."""

from pathlib import Path
from typing import Any

import dvc.api
import pytest
import yaml
from helpers.pictures import write_files

from mien.experiments.table import experiment_table


def test_equal_experiments_stay_in_the_order_of_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[dict[str, Any]] = [{"rev": f"e{row}", "cnn.val_accuracy": 0.5 + (row == 40)} for row in range(50)]
    monkeypatch.setattr(dvc.api, "exp_show", lambda **_: rows)
    expected = ["e40", *(f"e{row}" for row in range(50) if row != 40)]
    assert experiment_table()["experiment"].tolist() == expected


@pytest.mark.parametrize("state", ["Running", "Failed"])  # for Queued see test_sync.py
def test_only_finished_experiments_have_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str) -> None:
    figures = {"cnn.val_accuracy": 0.9, "cnn.accuracy": 0.8, "train_cnn.epochs": 3}
    rows: list[dict[str, Any]] = [
        {"rev": "workspace", "State": None, **figures},
        {"rev": "1", "Experiment": "begun", "State": state, **figures, "train_cnn.epochs": 4},
        {"rev": "2", "Experiment": "done", "State": "Success", **figures},
    ]
    monkeypatch.setattr(dvc.api, "exp_show", lambda **_: rows)
    monkeypatch.chdir(tmp_path)
    table = experiment_table().set_index("experiment")
    assert list(table) == ["state", "cnn.val_accuracy", "cnn.accuracy", "train_cnn.epochs"]
    assert table["state"].to_dict() == {"workspace": "", "done": "", "begun": state}
    assert table["cnn.accuracy"].isna().to_dict() == {"workspace": False, "done": False, "begun": True}
    assert table.index[-1] == "begun"
    assert "None" not in table.to_string(na_rep="")
    rows.pop(1)
    assert "state" not in experiment_table()


def test_a_workspace_of_other_params_has_no_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = [{"rev": "workspace", "cnn.val_accuracy": 0.9}, {"rev": "main", "cnn.val_accuracy": 0.9}]
    monkeypatch.setattr(dvc.api, "exp_show", lambda **_: rows)
    monkeypatch.chdir(tmp_path)
    stage = {"outs": [{"path": "reports/train_cnn/metrics.json", "md5": "d41d8cd98f00b204e9800998ecf8427e"}]}
    write_files(tmp_path, {"reports/train_cnn/metrics.json": b"", "params.yaml": b"train_cnn: {epochs: 3}"})
    for epochs, state in ((3, None), (4, "Changed")):
        lock = {"stages": {"train_cnn": stage | {"params": {"params.yaml": {"train_cnn.epochs": epochs}}}}}
        (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))
        table = experiment_table().set_index("experiment")
        assert (table.loc["workspace", "state"] if "state" in table else None) == state
        assert table["cnn.val_accuracy"].isna().to_dict() == {"workspace": state is not None, "main": False}
