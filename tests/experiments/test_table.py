"""The table of experiments."""

from typing import Any

import dvc.api
import pytest

from mien.experiments.table import experiment_table


def test_equal_experiments_stay_in_the_order_of_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[dict[str, Any]] = [{"rev": f"e{row}", "cnn.val_accuracy": 0.5 + (row == 40)} for row in range(50)]
    monkeypatch.setattr(dvc.api, "exp_show", lambda **_: rows)
    expected = ["e40", *(f"e{row}" for row in range(50) if row != 40)]
    assert experiment_table()["experiment"].tolist() == expected
