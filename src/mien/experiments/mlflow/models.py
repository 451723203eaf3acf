"""Networks in MLflow: logged so that MLflow serves what mien says, and put into the registry."""

import ast
import base64
import shutil
import tempfile
import warnings
from functools import cache
from hashlib import sha256
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import cv2
import mlflow.models
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Metric
from mlflow.models import Model
from packaging.requirements import Requirement

import mien
from mien._io.checksums import checked
from mien._io.errors import InputError
from mien._io.yaml import flat
from mien.aus.facs import AUS, COLUMNS
from mien.config import Variation
from mien.experiments.mlflow.outbox import tracking_uri
from mien.experiments.mlflow.requests import log_metrics, log_params
from mien.experiments.mlflow.stage_log import EXPERIMENT_TAG
from mien.experiments.mlflow.store import all_runs, connect, expected_at, tagged
from mien.inference.onnx import OnnxModel
from mien.inference.pretrained import FACE_NETWORKS, read_card
from mien.models.metadata import Metadata
from mien.rendering import draw_face

with warnings.catch_warnings(action="ignore"):  # it warns of its own type hints
    import mlflow.pyfunc

#: The name of networks for faces in the registry, and the alias of the version to use.
REGISTERED, ALIAS = "mien", "champion"
_DIGEST_TAG = "mien.sha256"  # of the ONNX file

_SERVING = "mien.inference.serving"
_HAPPY = (6, 12)  # AUs of the example
_STILL = Variation(identity=0, pose=0, scale=0, light=0, noise=0, occlusion=0)


def log_model(client: MlflowClient, run: str, name: str, path: Path, **options: Any) -> Any:
    """Log a network to a run, once, with an input example and a description.

    MLflow serves it as `mien.inference.serving` says. It can also be loaded as an ONNX model, which takes arrays as
    the file does and knows nothing of classes and temperature.

    Args:
        client: see `mien.experiments.mlflow.store.connect`.
        run: the id of the run.
        name: what to call the model.
        path: of the ONNX file, or a folder with best.onnx, such as models/cnn.
        options: more arguments of MLflow's `Model.log`.

    Returns:
        MLflow's description of what was logged; None where the run has a model of that name already.

    Raises:
        InputError: the network is missing or damaged.
    """
    logged = client.get_run(run)
    experiment = logged.info.experiment_id
    for other in client.search_logged_models([experiment], f"source_run_id = '{run}' and name = '{name}'"):
        if other.status == "READY":
            return None
        client.delete_logged_model(other.model_id)  # half sent
    model = OnnxModel.load(path, threads=1)
    metadata = model.metadata
    created = client.create_logged_model(
        experiment,
        name=name,
        source_run_id=run,
        tags={"mlflow.note.content": _description(metadata), _DIGEST_TAG: _digest(model.path)},
        params=dict(logged.data.params),
        model_type="classifier",
    )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):  # of pandas, by MLflow
        return Model.log(
            None,
            _Flavor,
            name=name,
            run_id=run,
            model_id=created.model_id,
            network=_copied_network(model.path, Path(folder)),
            code=_copied_code(Path(folder)),
            input_example=_example(metadata),
            metadata={"classes": metadata.classes, "temperature": metadata.temperature_of("mirror")},
            **options,
        )


class _Flavor:
    """How MLflow saves a network: for MLflow's own functions and servers, and as an ONNX file."""

    @staticmethod
    def save_model(path: str, mlflow_model: Model, network: Path, code: Path, **options: Any) -> None:
        mlflow_model.add_flavor(
            "onnx",
            onnx_version=version("onnx"),
            data=f"data/{network.name}/best.onnx",
            providers=["CPUExecutionProvider"],
            onnx_session_options=None,
            code=None,
        )
        mlflow.pyfunc.save_model(
            path,
            loader_module=_SERVING,
            data_path=str(network),
            code_paths=[str(code)],
            mlflow_model=mlflow_model,
            pip_requirements=_packages(),
            **options,
        )


def register(run: str = "") -> str:
    """Put a network for faces into MLflow's registry, as the version with the alias "champion".

    The same network makes no second version.

    Args:
        run: the id of a run in MLflow, or the name of a DVC experiment, whose network is meant; by default the
            pretrained one, whose run holds the params that it was trained with and its figures on test.

    Returns:
        Its address, models:/mien@champion, and the number of the version.

    Raises:
        InputError: MLflow's store or server does not work, or has no network of this run.
    """
    with expected_at(tracking_uri()):
        client, experiment = connect(tracking_uri())
        return _register(client, _trained(client, experiment, run) if run else _pretrained(client, experiment))


def _register(client: MlflowClient, model: LoggedModel) -> str:
    digest = model.tags.get(_DIGEST_TAG, model.model_id)
    if not client.search_registered_models(f"name = '{REGISTERED}'"):
        client.create_registered_model(REGISTERED, description="Emotions of faces, as `mien image --crop` reads them.")
    known = client.search_model_versions(f"name = '{REGISTERED}' and tags.sha256 = '{digest}'")
    made = (
        known[0]
        if known
        else client.create_model_version(
            REGISTERED,
            f"models:/{model.model_id}",
            run_id=model.source_run_id,
            tags={"sha256": digest},
            model_id=model.model_id,
            description=model.tags.get("mlflow.note.content"),
        )
    )
    client.set_registered_model_alias(REGISTERED, ALIAS, made.version)
    return f"models:/{REGISTERED}@{ALIAS} is version {made.version}"


def _trained(client: MlflowClient, experiment: str, run: str) -> LoggedModel:
    """Return the network for faces of a run, named by its id or as its DVC experiment."""
    named = [entry.info.run_id for entry in all_runs(client, [experiment], tagged(EXPERIMENT_TAG, run))]
    for number in named or [run]:
        models = client.search_logged_models([experiment], f"source_run_id = '{number}' and name = 'cnn'")
        if ready := [model for model in models if model.status == "READY"]:
            return ready[0]
    raise InputError(f"run {run}: has no network cnn in MLflow, expected the id of a run, or a name of `dvc exp list`")


def _pretrained(client: MlflowClient, experiment: str) -> LoggedModel:
    """Return the pretrained network; its run is made once."""
    network, card = FACE_NETWORKS[REGISTERED], read_card(REGISTERED)
    tag = {_DIGEST_TAG: _digest(checked(network))}
    known = next(all_runs(client, [experiment], tagged(*next(iter(tag.items())))), None)
    run = known or client.create_run(experiment, tags=tag, run_name="pretrained")
    number = run.info.run_id
    if not run.data.metrics:
        log_params(client, number, {key: str(value) for key, value in flat(card["params"]).items()})
        figures = flat(card["metrics"]).items()
        log_metrics(client, number, [Metric(key, value, run.info.start_time, 0) for key, value in figures])
    log_model(client, number, "cnn", network)
    client.set_terminated(number)
    return _trained(client, experiment, number)


def _digest(network: Path) -> str:
    return sha256(network.read_bytes()).hexdigest()


def _description(metadata: Metadata) -> str:
    answers = f"Answers the emotion ({', '.join(metadata.classes)}), the confidence, and the probability of each."
    if metadata.kind == "aus":
        return f"Takes a table of {len(COLUMNS)} Action Unit intensities, 0..100: {', '.join(COLUMNS)}. {answers}"
    return (
        "Takes pictures of one face each, of any size: files in base64, or whole numbers 0..255, grey or RGB. "
        f"{answers} The confidence is calibrated."
    )


def _example(metadata: Metadata) -> pd.DataFrame:
    """Return a table to call a network with: AUs of a happy face, or a drawing of it as a PNG file in base64."""
    intensities = np.array([90.0 if au in _HAPPY else 0.0 for au in AUS])
    if metadata.kind == "aus":
        return pd.DataFrame([intensities], columns=COLUMNS)
    drawing = draw_face(intensities, _STILL, np.random.default_rng(0), metadata.input.get("size", 48))
    return pd.DataFrame({"image": [base64.b64encode(cv2.imencode(".png", drawing)[1].tobytes()).decode()]})


def _copied_network(network: Path, folder: Path) -> Path:
    """Copy a network into a folder as `train_cnn` leaves it, and that of 8-bit integers where there is one."""
    target = folder / "network"
    target.mkdir()
    for suffix in ("", "_int8"):
        path = network.with_name(f"{network.stem}{suffix}.onnx")
        if path.exists():
            shutil.copy(checked(path), target / f"best{suffix}.onnx")
    return target


def _copied_code(folder: Path) -> Path:
    """Copy the modules that a served network needs into a folder; return the package."""
    source, target = Path(mien.__file__).parent, folder / "mien"
    for module in sorted(_imported(_SERVING, source)):
        copy = target / module.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(module, copy)
    return target


@cache
def _imported(module: str, package: Path) -> frozenset[Path]:
    """Return the files of a module of mien and of all that it imports from mien, at once or later."""
    files: set[Path] = set()
    waiting = [module]
    while waiting:
        parts = waiting.pop().split(".")
        for count in range(1, len(parts) + 1):  # the packages around it, too
            base = package.parent.joinpath(*parts[:count])
            file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
            if not file.is_file() or file in files:
                continue
            files.add(file)
            if count == 1:
                continue  # mien's public names are loaded when they are asked for
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mien":
                    waiting += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return frozenset(files)


def _packages() -> list[str]:
    """Return the packages of mien's base install in the versions that are installed here."""
    base = [Requirement(text) for text in requires("mien") or ()]
    names = [requirement.name for requirement in base if "extra" not in str(requirement.marker or "")]
    return sorted(f"{name}=={version(name)}" for name in names)
