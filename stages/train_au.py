"""Train the dense network that reads an emotion from Action Unit intensities, with focal loss (Lin et al. 2017).

It is trained on the synthetic rows, on the labelled AU table of train_au.source, or on both.

Params: base.seed, train_au
In:     data/aus/realistic.csv, train_au.source
Out:    models/au/                      best.keras, last.keras, classes.json; best.onnx for `mien aus`
        reports/train_au/history.csv    accuracy and loss by epoch
        reports/train_au/metrics.json   the kept epoch, its accuracy and loss on validation
"""

import json

import numpy as np

from mien._io.atomic import output_folders
from mien._io.checksums import save_checksums
from mien._io.tables import read_csv
from mien.aus.facs import COLUMNS
from mien.aus.labelled import repeated, training_rows
from mien.aus.synthesis import check_rows, split_arrays
from mien.config import load_params
from mien.experiments import layout
from mien.experiments.mlflow import log_stage
from mien.experiments.stage import kept_until_done, stage
from mien.models.au_dense import au_dense
from mien.models.export import export_onnx
from mien.models.metadata import Metadata
from mien.models.serialization import load_best
from mien.training.batches import Batches
from mien.training.history import validation_metrics
from mien.training.trainer import TrainingJob, fit, focal_loss, seed_everything


@stage
def main() -> None:
    params = load_params()
    config, seed = params.train_au, params.base.seed
    seed_everything(seed)
    synthetic = check_rows(read_csv(layout.REALISTIC_AUS), layout.REALISTIC_AUS)
    rows, classes = training_rows(synthetic, config, seed)
    one_hot = np.eye(len(classes), dtype=np.float32)
    inputs, labels = split_arrays(repeated(rows), "train", classes)
    validation, validation_labels = split_arrays(rows, "validation", classes)
    with (
        kept_until_done(layout.AU_CHECKPOINTS) as checkpoints,
        output_folders(layout.AU_MODEL, layout.report("train_au")) as (models, report),
        log_stage("train_au", params) as log,
    ):
        job = TrainingJob(
            model=au_dense(inputs.shape[1], len(classes), config.units, config.dropout),
            loss=focal_loss(config.focal_gamma),
            train=Batches(inputs, one_hot[labels], config.batch_size, seed),
            validation=(validation, one_hot[validation_labels]),
            classes=classes,
            config=config,
            folder=models,
            checkpoints=checkpoints,
            on_epoch=log.epoch,
        )
        history = fit(job)
        history.to_csv(report / "history.csv", index=False)
        (report / "metrics.json").write_text(json.dumps({"au": validation_metrics(history)}, indent=2) + "\n")
        best, _ = load_best(models)
        export_onnx(best, models / "best.onnx", Metadata.of_aus(classes, COLUMNS))
        save_checksums(models)
        log.outputs(report, models)


if __name__ == "__main__":
    main()
