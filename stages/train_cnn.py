"""Train a network that reads an emotion from a grey face, each epoch on new views of the balanced training images.

A run that was killed goes on after its last finished epoch (models/.cnn.checkpoints).

Params: base.seed, train_cnn
In:     data/balanced/ (train), data/fer/ (validation), models/.cnn.checkpoints, the teacher where there is one
Out:    models/cnn/                      best.keras, last.keras, classes.json; best.onnx, for ONNX Runtime;
                                         calibration.json: what brings its confidence to its accuracy on validation
        reports/train_cnn/history.csv    accuracy and loss by epoch
        reports/train_cnn/layers.csv     the layers of the network and what they cost
        reports/train_cnn/cost.json      weights, multiply-adds, file sizes; how far ONNX Runtime is from Keras at most
"""

import json
from pathlib import Path

import numpy as np

from mien import plots, tracking
from mien.calibration import fit_temperature, save_temperature
from mien.distillation import taught
from mien.fine_tuning import fit_in_phases
from mien.images.arrays import Images
from mien.images.augment import augment
from mien.images.balance import read_class_weights
from mien.images.mix import mix
from mien.models.cost import layers, summary
from mien.models.export import export_onnx
from mien.models.registry import TRANSFER, build
from mien.models.stored import load_best
from mien.onnx_model import OnnxModel
from mien.params import load_params
from mien.stage import kept_until_done, outputs, stage
from mien.training import Batches, seed_everything, smoothed_loss


@stage
def main() -> None:
    params = load_params()
    section, seed = params.train_cnn, params.base.seed
    seed_everything(seed)
    train = Images.load(Path("data/balanced"), "train")
    validation = Images.load(Path("data/fer"), "validation")
    class_weights = read_class_weights(Path("data/balanced"), train.classes)
    targets = taught(train, section.distillation)

    def new_views(images: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        images, targets = mix(augment(images, section.augmentation, rng), targets, section.mixing, rng)
        return images, targets, targets @ class_weights

    model = build(section.network, train.pixels.shape[1], len(train.classes), section.transfer)
    with (
        kept_until_done("models/.cnn.checkpoints") as checkpoints,
        outputs("models/cnn", "reports/train_cnn") as (models, report),
        tracking.run("train_cnn") as log,
    ):
        log.params(params)
        log.data("training", "data/balanced", "data/fer")
        history = fit_in_phases(
            model,
            smoothed_loss(section.label_smoothing),
            Batches(train.pixels, targets, section.batch_size, seed, new_views),
            (validation.pixels, validation.targets()),
            train.classes,
            models,
            section,
            frozen_epochs=section.transfer.frozen_epochs if section.network in TRANSFER else 0,
            checkpoints=checkpoints,
            on_epoch=log.epoch,
        )
        history.to_csv(report / "history.csv", index=False)
        best, _ = load_best(models)
        difference = export_onnx(best, models / "best.onnx")
        probabilities = OnnxModel.load(models, threads=0, example="models/cnn").predict(validation.pixels)
        save_temperature(models, fit_temperature(validation.labels, probabilities))
        costs = layers(best)
        costs.to_csv(report / "layers.csv", index=False)
        cost = summary(costs, models) | {"onnx_difference": float(f"{difference:.2g}")}
        (report / "cost.json").write_text(json.dumps(cost, indent=2) + "\n")
        log.figure("history.png", plots.history(history, section.network))
        log.model("cnn", models)


if __name__ == "__main__":
    main()
