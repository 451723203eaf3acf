"""Turn labelled images into arrays, split them once, and count what is wrong with them.

Any source will do: the drawn faces, a FER2013 zip or a folder of your own, `[train|validation|test/]EMOTION/IMAGE`.
Splits that the source names are kept; missing ones are cut from train, stratified, copies of an image together.

Params: base.seed, prepare_fer
In:     the zip or folder that prepare_fer.source names
Out:    data/fer/                          {train,validation,test}_{images,labels}.npy, classes.json, index.csv
        reports/prepare_fer/audit.json     images, copies, contradictions, leaks, class counts
        reports/prepare_fer/classes.png    images of each class in each split
        reports/prepare_fer/samples.png    images of each class, of the training split
"""

import json
from pathlib import Path

import numpy as np

from mien import plots
from mien.errors import within
from mien.images.prepare import assign_splits, audit, read_images, split_images
from mien.images.sources import open_source
from mien.params import load_params
from mien.stage import outputs, stage


@stage
def main() -> None:
    params = load_params()
    section, seed = params.prepare_fer, params.base.seed
    with outputs("data/fer", "reports/prepare_fer") as (data, report):
        with open_source(Path(section.source)) as source:
            pixels, index = read_images(source, section.size)
        with within(section.source):
            index["split"] = assign_splits(index, section.validation_share, section.test_share, seed)
        splits = split_images(pixels, index)
        for name, images in splits.items():
            images.save(data, name)
        index.to_csv(data / "index.csv", index=False)

        figures = audit(index)
        (report / "audit.json").write_text(json.dumps(figures, indent=2) + "\n")
        plots.save(plots.class_counts(figures["counts"], "Images by split and class"), report / "classes.png")
        train = splits["train"]
        sheet = plots.sample_sheet(
            train.samples(10, np.random.default_rng(seed)), train.classes, "Training images by class"
        )
        plots.save(sheet, report / "samples.png")


if __name__ == "__main__":
    main()
