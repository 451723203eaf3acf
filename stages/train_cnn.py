"""Train a network that reads an emotion from a grey face, each epoch on new views of the balanced training images.

A run that was killed goes on after its last finished epoch (models/.cnn.checkpoints). Where several hosts train, each
runs this, and the first of them writes (docs/distributed.md).

Params: base.seed, train_cnn
In:     data/balanced/ (train), data/fer/ (validation), models/.cnn.checkpoints, the teacher where there is one
Out:    models/cnn/                      best.keras, last.keras, classes.json; best.onnx, for ONNX Runtime, with the
                                         temperature that brings its confidence to its accuracy on validation
        reports/train_cnn/history.csv    accuracy and loss by epoch
        reports/train_cnn/layers.csv     the layers of the network and what they cost
        reports/train_cnn/cost.json      weights, multiply-adds, file sizes; how far ONNX Runtime is from Keras at most
"""

import json
from dataclasses import replace
from pathlib import Path

from mien import plots
from mien._io.checksums import save_checksums
from mien.config import load_params
from mien.evaluation.calibration import fit_temperature
from mien.experiments import mlflow
from mien.experiments.stage import kept_until_done, outputs, stage
from mien.inference.onnx import OnnxModel
from mien.models.complexity import layers, summary
from mien.models.export import export_onnx, write_metadata
from mien.models.metadata import Metadata
from mien.models.serialization import load_best
from mien.training import distributed
from mien.training.cnn import read_inputs
from mien.training.history import best_epoch


@stage
def main() -> None:
    params = load_params()
    checkpoints = Path("models/.cnn.checkpoints")
    if not distributed.leads(params.train_cnn):
        distributed.train(params, Path("models"), checkpoints=checkpoints, on_epoch=lambda _: None)
        return
    validation = read_inputs(params).validation
    with (
        kept_until_done(str(checkpoints)),
        outputs("models/cnn", "reports/train_cnn") as (models, report),
        mlflow.run("train_cnn") as log,
    ):
        log.params(params)
        log.data("training", "data/balanced", "data/fer")
        history = distributed.train(params, models, checkpoints=checkpoints, on_epoch=log.epoch)
        history.to_csv(report / "history.csv", index=False)
        best, _ = load_best(models)
        metadata = Metadata.of_faces(validation.classes, validation.pixels.shape[1])
        difference = export_onnx(best, models / "best.onnx", metadata)
        probabilities = OnnxModel.load(models, threads=0).predict(validation.pixels)
        temperature = fit_temperature(validation.labels, probabilities)
        write_metadata(models / "best.onnx", replace(metadata, temperature=temperature))
        save_checksums(models)
        costs = layers(best)
        costs.to_csv(report / "layers.csv", index=False)
        cost = summary(costs, models) | {"onnx_difference": float(f"{difference:.2g}")}
        (report / "cost.json").write_text(json.dumps(cost, indent=2) + "\n")
        log.figure("history.png", plots.training_history(history, best_epoch(history), params.train_cnn.network))
        log.model("cnn", models)


if __name__ == "__main__":
    main()
