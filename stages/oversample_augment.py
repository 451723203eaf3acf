"""Raise the rare classes of the training split, by copies or by new views. Validation and test stay as they are.

Params: base.seed, oversample_augment
In:     data/fer/
Out:    data/balanced/                               train_{images,labels}.npy, classes.json
        reports/oversample_augment/balance.png       class counts before and after
"""

from pathlib import Path

import numpy as np

from mien import plots
from mien.images.arrays import Images
from mien.images.balance import oversample
from mien.params import load_params
from mien.stage import outputs, stage


@stage
def main() -> None:
    params = load_params()
    section = params.oversample_augment
    train = Images.load(Path("data/fer"), "train")
    rng = np.random.default_rng(params.base.seed)
    match section.method:
        case "none":
            balanced = train
        case "random":
            balanced = oversample(train, section.ratio, None, rng)
        case "augment":
            balanced = oversample(train, section.ratio, section.augmentation, rng)
    with outputs("data/balanced", "reports/oversample_augment") as (data, report):
        balanced.save(data, "train")
        counts = {"before": train.counts(), "after": balanced.counts()}
        plots.save(plots.class_counts(counts, "Training images by class"), report / "balance.png")


if __name__ == "__main__":
    main()
