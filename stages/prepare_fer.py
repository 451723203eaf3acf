"""Turn labelled images into arrays, split them once, audit them, and show what they contain.

The source may be the drawn faces, your own zip or folder (`[train|validation|test/]EMOTION/IMAGE`), a table of image
paths and labels, or fer2013.csv. Labels may be names, numbers that params explain, or votes of FER+. Classes may be
emotions, groups of emotions, or your own names. Images may be whole portraits; a detector then finds and crops the
faces. Splits of the source are kept. Missing splits are cut from train, stratified, with copies of an image kept
together.

Params: base.seed, prepare_fer; compute.executor changes no output
In:     the zip, folder or CSV of prepare_fer.source, FER+'s votes if prepare_fer.labels uses them, and the table of
        prepare_fer.aus
Out:    data/fer/                             {train,validation,test}_{images,labels}.npy (and _votes.npy),
                                              classes.json, index.csv: one row per image, also for images left out
        reports/prepare_fer/audit.json        images, copies, label conflicts, leaks, class counts
        reports/prepare_fer/offenders.csv     the images that the audit counts, and why
        reports/prepare_fer/label_errors.csv  labels that cross-validation doubts, if label_error_folds is set
        reports/prepare_fer/*.csv, *.png      classes, examples, mean faces, brightness and contrast by class
"""

import json
from collections import Counter

import pandas as pd

from mien._io import parallel
from mien._io.atomic import output_folders
from mien._io.checksums import save_checksums
from mien._io.errors import noting, within
from mien._io.urls import locate
from mien.config import Params, load_params
from mien.data import audit, eda, fer2013
from mien.data.faces import face_notes
from mien.data.image_aus import with_aus
from mien.data.label_notes import label_notes
from mien.data.label_source import relabelled, soft_targets
from mien.data.labels import LabelNames
from mien.data.near_duplicates import near_groups
from mien.data.pixel_file import PixelFile, read_images
from mien.data.prepare import (
    assign_splits,
    choose_classes,
    other_class_notes,
    unmeasured_notes,
    write_index,
    write_splits,
)
from mien.data.readers.opening import open_source
from mien.data.readers.table import untracked_notes
from mien.emotions.label_sets import Merge
from mien.evaluation.label_errors import out_of_fold_errors
from mien.experiments import layout
from mien.experiments.mlflow import log_stage
from mien.experiments.stage import stage
from mien.inference.faces.face_crops import FaceSearch
from mien.inference.faces.portraits import portrait_notes


@stage
def main() -> None:
    params = load_params()
    section, seed, location = params.prepare_fer, params.base.seed, locate(params.prepare_fer.source)
    merge = Merge.of(section.merge)
    with within("params.yaml: prepare_fer.label_names"):
        label_names = LabelNames.of(section.label_names, section.unknown_classes, section.known_classes)
    known = merge.classes_of(label_names.names)
    with (
        noting(location) as notes,
        output_folders(layout.FER, layout.report("prepare_fer")) as (data, report),
        log_stage("prepare_fer", params) as log,
        PixelFile(data / ".pixels", section.size) as pixels,
    ):
        labelled, read_notes = read(params, label_names, pixels)
        notes += read_notes
        with within(f"{location}: prepare_fer.merge"):
            merge.check_used(labelled["emotion"])
        notes += merge.notes(Counter(labelled["emotion"]))
        index = labelled.assign(emotion=labelled["emotion"].map(merge.class_of))
        if section.aus.path:
            index = with_aus(index, section.aus.path)
        index["near"] = near_groups(pixels, index["hash"].to_numpy(), audit.comparable(index).to_numpy())
        index, votes, doubts = relabelled(index, labelled, section, merge)
        with within(location):
            classes = choose_classes(index, section.classes, known)
        notes += [*doubts, *other_class_notes(index, known)]
        with within(location):
            together = "hash" if section.audit.near_leaks == "report" else "near"
            index["split"] = assign_splits(index, section.validation_share, section.test_share, seed, together)
        index = audit.apply(index, section.audit, location)
        notes += unmeasured_notes(index, classes)
        splits = write_splits(pixels, index, classes, data, soft_targets(votes, index, classes, section, merge))
        write_index(index, data / "index.csv")
        save_checksums(data)

        (report / "audit.json").write_text(json.dumps(audit.summarize(index, known), indent=2) + "\n")
        audit.offenders(index).to_csv(report / "offenders.csv", index=False)
        with within(location):
            doubtful = out_of_fold_errors(index, splits, section.label_error_folds, seed)
        doubtful.to_csv(report / "label_errors.csv", index=False)
        if section.label_error_folds:
            are = "label is" if len(doubtful) == 1 else "labels are"
            notes.append(f"{len(doubtful):,} {are} doubtful and listed in label_errors.csv; none was changed")
        eda.write_eda(report, index, splits, seed)
        log.outputs(report)
        for stale in layout.FER.glob("*_votes.npy"):  # left by a run by hand; DVC removes outs before a stage
            stale.unlink()


def read(params: Params, labels: LabelNames, pixels: PixelFile) -> tuple[pd.DataFrame, list[str]]:
    """Read all images of the source. Returns their index, none dropped, and notes on what was guessed or left out."""
    section = params.prepare_fer
    with within("params.yaml: prepare_fer.detector"):
        decoder = FaceSearch(section.detector, section.face).decoder()
    with (
        open_source(locate(section.source), labels, decoder) as source,
        parallel.executor(params.compute.executor) as executor,
    ):
        index = read_images(source, pixels, executor)
        is_searched = section.detector != "none"
        portraits = [] if is_searched else portrait_notes(source, index[["width", "height"]].to_numpy())
    notes = [*source.notes, *untracked_notes(source), *label_notes(index["emotion"], labels)]
    notes += [*fer2013.describe(index, labels), *face_notes(index, section.face), *portraits]
    return index.assign(dropped=""), notes


if __name__ == "__main__":
    main()
