"""Figures are reported as those of params.yaml only if dvc.lock says so."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.commands import Run
from helpers.pictures import png, write_files

SCORES = {"accuracy": 1, "accuracy_low": 1, "accuracy_high": 1, "macro_f1": 1, "mcc": 1}
METRICS = json.dumps({"cnn": SCORES, "au": SCORES, "au_baselines": {}}).encode()
HISTORY = b"epoch,accuracy,val_accuracy,loss,val_loss\n1,1,1,1,1\n"
FILES = {
    "train_cnn": {"models/cnn": b"network", "reports/train_cnn/history.csv": HISTORY},
    "prepare_fer": {"reports/prepare_fer/audit.json": b"{}", "reports/prepare_fer/classes.png": png(1)},
    "evaluate": {
        "reports/evaluate/metrics.json": METRICS,
        "reports/evaluate/per_class.json": b'{"cnn": {"sad": {"precision": 1}}}',
        **{f"reports/evaluate/cnn_{name}.png": png(1) for name in ("confusion", "classes", "reliability")},
    },
}
REPORT = ("exp", "report", "out", "--title", "t", "--command", "c")


def entry(path: str, content: bytes) -> dict[str, str]:
    return {"path": path, "hash": "md5", "md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a run with its lock, which is the current folder."""
    stages: dict[str, Any] = {
        stage: {"outs": [entry(*file) for file in files.items()], "params": {"params.yaml": {}}}
        for stage, files in FILES.items()
    }
    stages["train_cnn"]["params"]["params.yaml"] = {"train_cnn": {"epochs": 3}}
    stages["evaluate"]["deps"] = [entry("models/cnn", b"network")]
    write_files(tmp_path, {name: content for files in FILES.values() for name, content in files.items()})
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    (tmp_path / "params.yaml").write_text("train_cnn: {epochs: 3}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_is_reported_with_its_params(mien: Run, run: Path) -> None:
    for _ in range(2):  # the second replaces the first
        assert mien(*REPORT) == ("", "")
    assert (run / "out/params.yaml").read_text() == "train_cnn: {epochs: 3}\n"
    assert mien("summary")[1] == ""


def test_figures_of_other_params_are_refused(mien: Run, run: Path) -> None:
    (run / "params.yaml").write_text("train_cnn: {epochs: 4}\n")
    names, rest = mien(*REPORT, code=2)[1].removeprefix("error: ").split(": ", 1)
    assert sorted(names.split(", ")) == ["evaluate", "train_cnn"]
    assert rest.startswith("did not run with params.yaml as it is now, expected the figures of its params; run `dvc")
    assert not (run / "out").exists()
    out, err = mien("summary")
    assert out.splitlines()[1].startswith("CNN, faces")
    assert err == "note: evaluate: did not run with params.yaml as it is now; the figures are those of an earlier run\n"


def test_figures_of_another_run_are_refused(mien: Run, run: Path) -> None:
    (run / "reports/evaluate/metrics.json").write_bytes(METRICS.replace(b": 1", b": 2"))
    fault = "reports/evaluate/metrics.json: is not what evaluate wrote"
    assert mien(*REPORT, code=2)[1].startswith(f"error: {fault}, expected")
    assert mien("summary")[1].startswith(f"note: {fault}; the figures are those of")


def test_without_a_lock_nothing_tells(mien: Run, run: Path) -> None:
    (run / "dvc.lock").unlink()
    expected = "note: no dvc.lock here, so nothing tells whether the figures belong to params.yaml\n"
    assert (mien(*REPORT)[1], mien("summary")[1]) == (expected, expected)


@pytest.mark.parametrize("text", ["{}", "stages: 1", "stages: {evaluate: {outs: [1]}}"])
def test_a_damaged_lock_is_one_line(mien: Run, run: Path, text: str) -> None:
    (run / "dvc.lock").write_text(text)
    _, err = mien(*REPORT, code=2)
    assert err.startswith("error: dvc.lock: cannot be read (")
    assert len(err.splitlines()) == 1
