"""MLflow's registry on a real store: a network that is worse than the registered one does not take its place."""

import os
import pickle
from pathlib import Path

import pytest
from helpers.commands import Run
from helpers.networks import brightness_network, faces_by_brightness
from mlflow import MlflowClient

from mien.cli.score import compared_network
from mien.experiments.mlflow.environment import tracking_uri
from mien.experiments.mlflow.models import log_model
from mien.experiments.mlflow.registry import CHAMPION
from mien.experiments.mlflow.store import connect


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Three runs of a store here, by what their networks are."""
    for name in [name for name in os.environ if name.startswith(("DVC_", "MLFLOW_TRACKING"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    client, experiment = connect(tracking_uri())
    networks = {
        "good": brightness_network(tmp_path / "good"),
        "as_good": brightness_network(tmp_path / "as_good", sharpness=21.0),
        "worse": brightness_network(tmp_path / "worse", classes=["angry", "sad", "happy"]),
    }
    numbers = {}
    for name, path in networks.items():
        numbers[name] = client.create_run(experiment).info.run_id
        log_model(client, numbers[name], "cnn", path)
    return numbers


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return faces_by_brightness(tmp_path / "faces.zip", 40)


def _champion() -> tuple[str, str]:
    """Return the number of the champion's version, and its run."""
    version = MlflowClient(tracking_uri()).get_model_version_by_alias("mien", "champion")
    return str(version.version), str(version.run_id)


def test_a_worse_network_is_refused_unless_forced(mien: Run, runs: dict[str, str], images: Path) -> None:
    register = ("mlflow", "register")
    refused = mien(*register, runs["good"], "--images", images.with_name("none.zip"), code=2)[1]
    assert "none.zip: no such file or folder, expected labelled images" in refused
    for why in ("there is no champion yet", "it is the champion"):
        expected = (f"{CHAMPION} is version 1\n", f"note: registered without a comparison: {why}\n")
        assert mien(*register, runs["good"], "--images", images) == expected
    out, err = mien(*register, runs["worse"], "--images", images, code=3)
    lines = err.splitlines()
    assert out == ""
    assert lines[0].startswith("worse: accuracy: found 0.3333, expected at least 0.9800 (the other network: 1.0000, ")
    assert [line.split(":")[1] for line in lines[1:3]] == [" recall of sad", " recall of happy"]
    assert any(line.startswith("worse: accuracy of brightness, 127 to 223: ") for line in lines)
    assert lines[-1] == f"error: not registered, as it is worse than {CHAMPION}; --force registers it"
    assert _champion() == ("1", runs["good"])
    assert mien(*register, runs["as_good"], "--images", images)[0] == f"{CHAMPION} is version 2\n"
    refused = mien(*register, runs["worse"], code=2)[1]
    assert "error: data/fer: no such file or folder" in refused
    assert _champion() == ("2", runs["as_good"])
    expected = (f"{CHAMPION} is version 3\n", "note: registered without a comparison: --force\n")
    assert mien(*register, runs["worse"], "--force") == expected
    assert _champion() == ("3", runs["worse"])


def test_a_champion_that_mien_did_not_register_is_compared_with(mien: Run, runs: dict[str, str], images: Path) -> None:
    client = MlflowClient(tracking_uri())
    (good,) = client.search_logged_models(["1"], f"source_run_id = '{runs['good']}'")
    client.create_registered_model("mien")
    client.create_model_version("mien", f"models:/{good.model_id}", run_id=runs["good"], model_id=good.model_id)
    client.set_registered_model_alias("mien", "champion", "1")
    err = mien("mlflow", "register", runs["worse"], "--images", images, code=3)[1]
    assert "error: not registered, as it is worse" in err
    assert _champion() == ("1", runs["good"])


def test_ci_compares_with_the_registered_network(mien: Run, runs: dict[str, str], images: Path, tmp_path: Path) -> None:
    mien("mlflow", "register", runs["good"])
    score = ("score", images, "--against", CHAMPION, "--model")
    assert mien(*score, tmp_path / "as_good")[0].splitlines()[-1] == "worse in 0 of 8 groups of images"
    assert "worse: recall of sad: found 0.0000" in mien(*score, tmp_path / "worse", code=3)[0]
    with compared_network({"against": CHAMPION, "precision": "fp32", "margin": 0.02}) as against:
        assert against is not None
        unpickled = pickle.loads(pickle.dumps(against.classifier))
        assert unpickled.classes_ == against.classifier.classes_
    other = "models:/mien@other"
    refused = mien("score", images, "--model", tmp_path / "good", "--against", other, code=2)[1]
    assert "other" in refused
    assert refused.count("\n") == 1
