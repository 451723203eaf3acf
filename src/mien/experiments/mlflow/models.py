"""Networks in MLflow: logged with their signature, and the pretrained one in the registry."""

import warnings
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow.onnx
import onnx
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from mien._io.checksums import checked
from mien._io.yaml import flat
from mien.experiments.mlflow.outbox import tracking_uri
from mien.experiments.mlflow.store import connect, expected_at
from mien.inference.onnx import OnnxModel
from mien.inference.pretrained import FACE_NETWORKS, read_card

with warnings.catch_warnings(action="ignore"):  # it warns of its own type hints
    import mlflow.pyfunc

#: The name of the pretrained network in the registry, and the alias of the version to use.
REGISTERED, ALIAS = "mien", "champion"


def log_model(client: mlflow.MlflowClient, experiment: str, run: str, name: str, path: Path, **options: Any) -> Any:
    """Log a network to a run, once.

    It takes arrays as the ONNX file does, any number of cases, and returns {"probabilities": (N, classes)}. Its
    metadata hold the classes and the temperature.

    Args:
        client: see `mien.experiments.mlflow.store.connect`.
        experiment: the id of the experiment that the run belongs to.
        run: the id of the run.
        name: what to call the model.
        path: of the ONNX file, or a folder with best.onnx, such as models/cnn.
        options: more arguments of MLflow's `log_model`.

    Returns:
        MLflow's description of what was logged; None where the run has a model of that name already.
    """
    filters = f"source_run_id = '{run}' and name = '{name}'"
    for logged in client.search_logged_models([experiment], filters):
        if logged.status == "READY":
            return None
        client.delete_logged_model(logged.model_id)  # half sent
    model = OnnxModel.load(path, threads=1)
    network = onnx.load(model.path, load_external_data=False)
    packages = ("numpy", "onnx", "onnxruntime")
    return Model.log(
        None,
        mlflow.onnx,
        name=name,
        run_id=run,
        onnx_model=network,
        signature=_signature(network),
        metadata={"classes": model.metadata.classes, "temperature": model.metadata.temperature},
        pip_requirements=[f"{package}=={version(package)}" for package in packages],
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
        **options,
    )


def register() -> str:
    """Put the pretrained network for faces into MLflow's registry, as the version with the alias "champion".

    Its run holds the params that it was trained with and its figures on test. The same network makes no second version.

    Returns:
        Its address, models:/mien@champion, and the number of the version.

    Raises:
        InputError: MLflow's store or server does not work.
    """
    with expected_at(tracking_uri()):
        return _register()


def _register() -> str:
    client, experiment = connect(tracking_uri())
    network, card = FACE_NETWORKS[REGISTERED], read_card(REGISTERED)
    digest = sha256(checked(network).read_bytes()).hexdigest()
    known = client.search_model_versions(f"name = '{REGISTERED}' and tags.sha256 = '{digest}'")
    if known:
        number = known[0].version
    else:
        with mlflow.start_run(experiment_id=experiment, run_name="pretrained") as run:
            mlflow.log_params(flat(card["params"]))
            mlflow.log_metrics(flat(card["metrics"]))
            logged = log_model(client, experiment, run.info.run_id, "cnn", network, registered_model_name=REGISTERED)
        number = logged.registered_model_version
        client.set_model_version_tag(REGISTERED, number, "sha256", digest)
    client.set_registered_model_alias(REGISTERED, ALIAS, number)
    return f"models:/{REGISTERED}@{ALIAS} is version {number}"


def _signature(network: onnx.ModelProto) -> ModelSignature:
    """Read the signature off a network: no name of its only input, so that callers may pass plain arrays."""

    def spec(value: onnx.ValueInfoProto, name: str | None) -> TensorSpec:
        tensor = value.type.tensor_type
        shape = [each.dim_value or -1 for each in tensor.shape.dim]
        return TensorSpec(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type), shape, name)

    graph = network.graph
    return ModelSignature(
        Schema([spec(graph.input[0], None)]), Schema([spec(output, output.name) for output in graph.output])
    )
