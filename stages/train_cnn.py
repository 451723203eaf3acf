"""Train a CNN that reads an emotion from a grey face, each epoch on new views of the balanced training images.

Params: base.seed, train_cnn
In:     data/balanced/ (train), data/fer/ (validation)
Out:    models/cnn/                      best.keras, last.keras, classes.json
        reports/train_cnn/history.csv    accuracy and loss by epoch
"""

from pathlib import Path

from mien import plots, tracking
from mien.images.arrays import Images
from mien.images.augment import augment
from mien.models.registry import build
from mien.models.stored import load_best
from mien.params import load_params
from mien.stage import outputs, stage
from mien.training import Batches, fit, seed_everything, smoothed_loss


@stage
def main() -> None:
    params = load_params()
    section, seed = params.train_cnn, params.base.seed
    seed_everything(seed)
    train = Images.load(Path("data/balanced"), "train")
    validation = Images.load(Path("data/fer"), "validation")
    classes, size = train.classes, train.pixels.shape[1]

    batches = Batches(
        train.pixels,
        train.labels,
        len(classes),
        section.batch_size,
        seed,
        augment=lambda images, rng: augment(images, section.augmentation, rng),
    )
    model = build(section.network, size, len(classes))
    with outputs("models/cnn", "reports/train_cnn") as (models, report), tracking.run("train_cnn") as log:
        log.params(params)
        history = fit(
            model,
            smoothed_loss(section.label_smoothing),
            batches,
            (validation.pixels, validation.labels),
            classes,
            models,
            epochs=section.epochs,
            patience=section.patience,
            learning_rate=section.learning_rate,
            on_epoch=log.epoch,
        )
        history.to_csv(report / "history.csv", index=False)
        log.figure("history.png", plots.history(history, section.network))
        log.model(load_best(models)[0], validation.pixels[:2])


if __name__ == "__main__":
    main()
