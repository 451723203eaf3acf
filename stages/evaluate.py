"""Measure the best AU network and the best CNN on the test splits, on which nothing was chosen.

The networks run by ONNX Runtime, as for users. The AU network is compared with baselines: the rules of an AU table, and
two classifiers of scikit-learn. If train_au.source names a labelled table, all of them are measured on its test rows.
If evaluate.real_aus names AUs coded on real faces, their figures are reported separately, as au_real. The CNN is also
measured after temperature scaling, with test-time augmentation (evaluate.tta), and without leaks:
accuracy_without_leaks leaves out test images that are also in train or validation of their source, even if
prepare_fer.audit dropped them there. If oversample_augment.extra names further faces, cnn_extra has the figures on its
held-out people.

Params: base.seed, evaluate, generate_aus.table, train_au.{source,combine,labelled}, train_cnn.network
In:     models/{au,cnn}/, data/aus/realistic.csv, data/{fer,balanced}/, the AU tables, train_au.source, the real AUs
Out:    reports/evaluate/metrics.json               headline figures of both networks and of the AU baselines
        reports/evaluate/per_class.json             precision, recall, F1, support of each class
        reports/evaluate/{au,cnn}_report.csv        the same as a table, with averages
        reports/evaluate/{au,cnn}_*.csv, *.png      confusion, scores by class, coverage and accuracy by confidence
        reports/evaluate/cnn_reliability*           accuracy by confidence, before and after temperature scaling
        reports/evaluate/cnn_slices.{csv,png}       accuracy by slices: dark, faint, blurred, small, tilted faces
        reports/evaluate/cnn_mistakes.png           the most confident mistakes, as images
"""

import json
from pathlib import Path

from mien._io.atomic import output_folders
from mien._io.errors import InputError, within
from mien._io.tables import read_csv
from mien.aus.labelled import repeated, training_rows
from mien.aus.rules import AuTable
from mien.aus.synthesis import check_rows, split_arrays
from mien.config import load_params
from mien.data.arrays import Images, has_images
from mien.data.leaks import find_leaks
from mien.evaluation.baselines import baseline_scores, fit_baselines, rule_baseline
from mien.evaluation.labelled_aus import LabelledAus
from mien.evaluation.network_evaluation import evaluate_au_network, evaluate_extra_faces, evaluate_face_network
from mien.evaluation.real_aus import read_real_aus, real_scores
from mien.experiments import layout
from mien.experiments.mlflow import log_stage
from mien.experiments.stage import stage
from mien.inference.networks.au_classifier import AUClassifier
from mien.inference.networks.face_classifier import FaceClassifier
from mien.splits import SPLITS


@stage
def main() -> None:
    params = load_params()
    section = params.evaluate
    au = AUClassifier.from_pretrained(layout.AU_MODEL)
    cnn = FaceClassifier.from_pretrained(layout.CNN_MODEL)
    quantized = FaceClassifier.from_pretrained(layout.CNN_MODEL, precision="int8")
    synthetic = check_rows(read_csv(layout.REALISTIC_AUS), layout.REALISTIC_AUS)
    rows = repeated(training_rows(synthetic, params.train_au, params.base.seed)[0])
    with within(params.train_au.source.path or layout.REALISTIC_AUS):
        splits = {name: split_arrays(rows, name, au.classes_) for name in SPLITS}
    cases = {name: LabelledAus.from_labels(*split, au.classes_) for name, split in splits.items()}
    images = Images.load(layout.FER, "test")
    if images.classes != cnn.classes_:
        raise InputError(
            f"{layout.CNN_MODEL}: found classes {cnn.classes_}, expected those of {layout.FER}: {images.classes}"
        )
    index = read_csv(layout.FER_INDEX)
    with within(layout.FER_INDEX):
        leaks = find_leaks(index, images=len(images.labels))
    measured = (index["split"] == "test") & index["dropped"].isna()
    table = AuTable.read(Path(params.generate_aus.table))
    real_aus = section.real_aus.path
    real = read_real_aus(real_aus, au.classes_) if real_aus else None

    with output_folders(layout.report("evaluate")) as (report,), log_stage("evaluate", params) as log:
        title = f"{params.train_cnn.network}, test"
        networks = {
            "au": evaluate_au_network(report, au, *splits["test"]),
            "cnn": evaluate_face_network(report, title, cnn, quantized, images, section.tta, leaks, index[measured]),
        }
        if has_images(layout.BALANCED, layout.EXTRA_TEST):
            networks["cnn_extra"] = evaluate_extra_faces(cnn, Images.load(layout.BALANCED, layout.EXTRA_TEST))
        baselines = {
            "rules": rule_baseline(table, cases["validation"]),
            **fit_baselines(cases["train"], params.base.seed),
        }
        metrics: dict[str, object] = {name: network.figures for name, network in networks.items()}
        metrics["au_baselines"] = baseline_scores(baselines, cases["test"], "au_baselines")
        if real:
            probabilities = au.predict_proba(real.intensities)
            metrics["au_real"] = real_scores(real, probabilities, au.classes_, baselines, cases["validation"])
        per_class = {name: network.per_class for name, network in networks.items()}
        for file, figures in (("metrics", metrics), ("per_class", per_class)):
            (report / f"{file}.json").write_text(json.dumps(figures, indent=2) + "\n")
        log.outputs(report)


if __name__ == "__main__":
    main()
