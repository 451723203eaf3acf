"""MLflow: a mirror of what the stages did, for people who compare runs there.

DVC's files are the truth, so nothing here may stop a stage: what cannot be logged is said once, on stderr.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")

import mlflow
from pydantic import BaseModel

from mien.schema import flat

if TYPE_CHECKING:
    import keras
    import numpy as np
    from matplotlib.figure import Figure

EXPERIMENT = "mien"
#: Names the DVC experiment that a run belongs to; "workspace" where it is none.
EXPERIMENT_TAG = "dvc.experiment"


class Log:
    """One MLflow run. After the first failure it keeps quiet and logs no more."""

    def __init__(self) -> None:
        self._works = True

    def params(self, params: BaseModel) -> None:
        """Log all settings of the pipeline, section and key joined by dots, so that runs can be compared by them."""
        self.attempt(lambda: mlflow.log_params(flat(params.model_dump())))

    def epoch(self, row: Mapping[str, float]) -> None:
        """Log the figures of one epoch, whose number is among them."""
        figures = dict(row)
        step = int(figures.pop("epoch"))
        self.attempt(lambda: mlflow.log_metrics(figures, step=step))

    def metrics(self, figures: Mapping[str, object]) -> None:
        """Log final figures, nested keys joined by dots."""
        self.attempt(lambda: mlflow.log_metrics(flat(figures)))

    def files(self, folder: Path) -> None:
        """Log every file of a folder: plots, tables, figures."""
        self.attempt(lambda: mlflow.log_artifacts(str(folder)))

    def figure(self, name: str, figure: "Figure") -> None:
        """Log a figure as a picture called `name`."""
        self.attempt(lambda: mlflow.log_figure(figure, name))

    def model(self, model: "keras.Model", inputs: "np.ndarray") -> None:
        """Log a Keras model with the signature that some `inputs` of it show."""

        def log() -> None:
            import mlflow.keras  # loads TensorFlow, which a stage that logs no model can do without

            mlflow.keras.log_model(
                model,
                name=model.name,
                signature=mlflow.models.infer_signature(inputs, model.predict(inputs, verbose=0)),
                pip_requirements=[f"{package}=={version(package)}" for package in ("keras", "tensorflow")],
            )

        self.attempt(log)

    def onnx(self, path: Path, name: str, inputs: "np.ndarray", outputs: "np.ndarray") -> None:
        """Log an ONNX model, called `name`, with the signature that some `inputs` and their `outputs` show."""

        def log() -> None:
            import mlflow.onnx
            import onnx

            mlflow.onnx.log_model(
                onnx.load(path),
                name=name,
                signature=mlflow.models.infer_signature(inputs, outputs),
                pip_requirements=[f"{package}=={version(package)}" for package in ("onnx", "onnxruntime")],
                onnx_execution_providers=["CPUExecutionProvider"],
            )

        self.attempt(log)

    def attempt(self, action: Callable[[], object]) -> None:
        """Run an MLflow call; if it fails, say so and switch this log off."""
        if not self._works:
            return
        try:
            action()
        except Exception as error:  # noqa: BLE001  whatever a store or server throws, the stage goes on
            self._works = False
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            print(f"mlflow: not logged to {tracking_uri()}: {reason}", file=sys.stderr)


@contextmanager
def run(name: str) -> Iterator[Log]:
    """Open an MLflow run called `name` and yield its log."""
    log = Log()
    log.attempt(lambda: _start(name))
    try:
        yield log
    except BaseException:
        log.attempt(lambda: mlflow.end_run("FAILED"))
        raise
    log.attempt(mlflow.end_run)


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or else the sqlite store in the root of the repository.

    DVC runs queued experiments in throw-away copies and names the real root in DVC_ROOT.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or _store()


def _store() -> str:
    return f"sqlite:///{_root() / 'mlflow.db'}"


def _root() -> Path:
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def _start(name: str) -> None:
    uri = tracking_uri()
    mlflow.set_tracking_uri(uri)
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        artifacts = (_root() / "mlruns").as_uri() if uri == _store() else None
        mlflow.create_experiment(EXPERIMENT, artifact_location=artifacts)
    mlflow.set_experiment(EXPERIMENT)
    mlflow.start_run(run_name=name, tags={EXPERIMENT_TAG: os.environ.get("DVC_EXP_NAME", "workspace")})
