"""Train a network that reads an emotion from a grey face, on balanced images that are augmented in each epoch.

A killed run resumes after its last finished epoch (models/.cnn.checkpoints). If several hosts train together, each of
them runs this stage and the first one writes (docs/distributed.md).

Params: base.seed, train_cnn
In:     data/balanced/ (train), data/fer/ (validation), models/.cnn.checkpoints, the teacher if there is one
Out:    models/cnn/                      best.keras, last.keras, classes.json; best.onnx, for ONNX Runtime;
                                         best_int8.onnx, the same in 8-bit integers, by the ranges of values on training
                                         images. Both with temperatures that calibrate their confidence on validation,
                                         and the share of each class in the training targets
        reports/train_cnn/history.csv    accuracy and loss by epoch
        reports/train_cnn/layers.csv     the layers of the network and their complexity
        reports/train_cnn/metrics.json   the epoch that was kept, accuracy and loss on validation; weights,
                                         multiply-adds, file sizes; how far ONNX Runtime is from Keras at most.
                                         With transfer.start_share, accuracy and loss are those of the mean weights
"""

import json
from dataclasses import replace

from mien._io.atomic import output_folders
from mien._io.checksums import save_checksums
from mien.config import load_params
from mien.data.balance import training_priors
from mien.evaluation.calibration import calibrated
from mien.experiments import layout
from mien.experiments.mlflow import log_stage
from mien.experiments.stage import kept_until_done, stage
from mien.inference.networks.face_classifier import FaceClassifier
from mien.models.complexity import layer_complexity, model_complexity
from mien.models.export import export_onnx, write_metadata
from mien.models.metadata import Metadata
from mien.models.quantization import quantize
from mien.models.serialization import load_best
from mien.training import distributed
from mien.training.cnn import measure
from mien.training.history import validation_metrics
from mien.training.inputs import Inputs


@stage
def main() -> None:
    params = load_params()
    checkpoints = layout.CNN_CHECKPOINTS
    is_main_process = distributed.is_main_process(params.train_cnn)
    inputs = Inputs.load(layout.BALANCED, layout.FER, params.train_cnn)
    if not is_main_process:
        distributed.train(inputs, params, layout.CNN_MODEL.parent, checkpoints=checkpoints, on_epoch=lambda _: None)
        return
    validation = inputs.validation
    with (
        kept_until_done(checkpoints),
        output_folders(layout.CNN_MODEL, layout.report("train_cnn")) as (models, report),
        log_stage("train_cnn", params) as log,
    ):
        history = distributed.train(inputs, params, models, checkpoints=checkpoints, on_epoch=log.epoch)
        history.to_csv(report / "history.csv", index=False)
        best, _ = load_best(models)
        priors = training_priors(inputs.train.targets(), inputs.class_weights)
        metadata = replace(Metadata.of_faces(validation.classes, validation.size), priors=priors)
        difference = export_onnx(best, models / "best.onnx", metadata)
        quantize(models / "best.onnx", models / "best_int8.onnx", inputs.train.pixels, metadata)
        for path in (models / "best.onnx", models / "best_int8.onnx"):
            classifier = FaceClassifier.from_pretrained(path)
            write_metadata(path, calibrated(metadata, classifier, validation.pixels, validation.labels))
        save_checksums(models)
        layers = layer_complexity(best)
        layers.to_csv(report / "layers.csv", index=False)
        complexity = model_complexity(layers, models) | {"onnx_difference": float(f"{difference:.2g}")}
        figures = validation_metrics(history)
        if params.train_cnn.transfer.start_share:
            figures |= measure(best, validation, params.train_cnn.label_smoothing)
        metrics = {"cnn": figures} | complexity
        (report / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
        log.outputs(report, models)


if __name__ == "__main__":
    main()
