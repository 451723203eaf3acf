"""Balance the training split: oversample rare classes by copies or augmented images, or weight them in the loss.

Before that, faces of a further source may join the split. Validation and test stay unchanged.

Params: base.seed, oversample_augment; compute.executor changes no output
In:     data/fer/, and the zip or folder that oversample_augment.extra.source names
Out:    data/balanced/                           train_*.npy and classes.json as in data/fer/, class_weights.json;
                                                 train_extra.npy, which images are of the further source;
                                                 extra_test_*.npy, held-out faces of the further source
        reports/oversample_augment/balance.csv   images of each class, before and after
        reports/oversample_augment/metrics.json  images, and smallest class as a share of the largest, before and after
        reports/oversample_augment/balance.png   the same as bars
        reports/oversample_augment/views.png     a training image of each class, and its augmented copies
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mien._io import parallel
from mien._io.atomic import output_folders
from mien._io.checksums import save_checksums
from mien._io.errors import note, within
from mien.config import Augmentation, load_params
from mien.data.arrays import Images
from mien.data.augment import augment
from mien.data.balance import class_targets, class_weights, oversample
from mien.data.extra_faces import with_extra_faces
from mien.experiments import layout
from mien.experiments.mlflow import log_stage
from mien.experiments.stage import stage
from mien.inference.faces.face_crops import FaceSearch
from mien.inference.faces.portraits import portrait_notes
from mien.plots.faces import class_counts, sample_grid
from mien.plots.png import save_png

AUGMENTED = 9


@stage
def main() -> None:
    params = load_params()
    section, rng = params.oversample_augment, np.random.default_rng(params.base.seed)
    own = Images.load(layout.FER, "train")
    adds = section.method in ("random", "augment")
    augmentation = section.augmentation if section.method == "augment" else None
    weighs = section.method == "weights"

    with (
        output_folders(layout.BALANCED, layout.report("oversample_augment")) as (data, report),
        log_stage("oversample_augment", params) as log,
        parallel.executor(params.compute.executor) as executor,
        with_extra_faces(
            own,
            section.extra,
            layout.FER_INDEX,
            data,
            layout.EXTRA_TEST,
            params.base.seed,
            executor,
            FaceSearch(section.extra.detector, section.extra.face).decoder,
            portrait_notes,
        ) as (train, notes),
    ):
        before = train.counts()
        with within("oversample_augment"):
            raised = class_targets(before, section.ratio, section.target)
        balanced = oversample(train, raised if adds else before, augmentation, rng, data, "train", executor)
        weights = class_weights(train.labels, train.classes) if weighs else dict.fromkeys(train.classes, 1.0)
        (data / "class_weights.json").write_text(json.dumps(weights, indent=2) + "\n")
        save_checksums(data)

        write_report(report, {"before": before, "after": balanced.counts()}, train, section.augmentation, rng)
        log.outputs(report)
    for text in notes:
        note(text)


def write_report(
    report: Path,
    counts: Mapping[str, Mapping[str, int]],
    train: Images,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> None:
    """Write the figures and pictures of the classes before and after, and of what augmentation does to a face."""
    pd.DataFrame(counts).to_csv(report / "balance.csv", index_label="emotion")
    save_png(class_counts(counts, "Training images by class"), report / "balance.png")
    faces = train.samples(1, rng)
    augmented = [augment(np.repeat(face, AUGMENTED, axis=0), augmentation, rng) for face in faces]
    sheet = np.concatenate([faces, augmented], axis=1)
    save_png(sample_grid(sheet, train.classes, "Training images (left), and new views of each"), report / "views.png")
    (report / "metrics.json").write_text(json.dumps(figures(counts), indent=2) + "\n")


def figures(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Return the number of images, and the smallest class as a share of the largest, before and after."""
    return {
        when: {"images": sum(of.values()), "ratio": round(min(of.values()) / max(of.values()), 4), "counts": dict(of)}
        for when, of in counts.items()
    }


if __name__ == "__main__":
    main()
