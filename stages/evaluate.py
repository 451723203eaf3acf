"""Measure the best AU network and the best CNN on the test splits, on which nothing was chosen.

Beside the AU network stand its baselines: the AU table used as rules, and two classifiers of scikit-learn. Where
evaluate.real_aus names AUs coded on real faces, the figures on those stand apart, as au_real.

Params: base.seed, evaluate.real_aus, generate_aus.table
In:     models/{au,cnn}/, data/aus/realistic.csv, data/fer/, the AU tables, the real AUs
Out:    reports/evaluate/metrics.json               headline figures of both networks, and of the AU baselines
        reports/evaluate/per_class.json             precision, recall, F1, support of each class
        reports/evaluate/{au,cnn}_report.txt        the same as a text, with averages
        reports/evaluate/{au,cnn}_classes.png       the same as bars
        reports/evaluate/{au,cnn}_confusion.csv     actual and predicted emotion, one row a test case
        reports/evaluate/{au,cnn}_confusion.png     the same as a matrix, shares and counts
        reports/evaluate/{au,cnn}_confidence.csv    coverage and accuracy by confidence threshold
        reports/evaluate/{au,cnn}_confidence.png    the same as curves
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from mien import aus, evaluation, tracking
from mien.baselines import Cases, baseline_scores, learned, rules
from mien.errors import InputError
from mien.facs import AuTable
from mien.images.arrays import Images
from mien.models.stored import load_best
from mien.network_report import write_network_report
from mien.params import load_params
from mien.real_aus import read_real_aus, real_scores
from mien.stage import outputs, read_csv, stage


@stage
def main() -> None:
    params = load_params()
    (au, au_classes), (cnn, cnn_classes) = (load_best(Path("models", name)) for name in ("au", "cnn"))
    rows = read_csv("data/aus/realistic.csv")
    splits = {name: aus.arrays(rows, name, au_classes) for name in ("train", "validation", "test")}
    images = Images.load(Path("data/fer"), "test")
    if images.classes != cnn_classes:
        raise InputError(f"models/cnn: found classes {cnn_classes}, expected those of data/fer: {images.classes}")
    leaks = evaluation.leaked(read_csv("data/fer/index.csv"))
    table = AuTable.read(Path(params.generate_aus.table))
    real_aus = params.evaluate.real_aus
    real = read_real_aus(Path(real_aus), au_classes) if real_aus else None

    metrics: dict[str, Any] = {}
    by_class: dict[str, Any] = {}
    tests = {"au": (au, au_classes, *splits["test"]), "cnn": (cnn, cnn_classes, images.pixels, images.labels)}
    with outputs("reports/evaluate") as (report,), tracking.run("evaluate") as log:
        log.params(params)
        for name, (model, classes, inputs, labels) in tests.items():
            probabilities = model.predict(inputs, batch_size=512, verbose=0)
            metrics[name] = evaluation.scores(labels, probabilities, classes)
            by_class[name] = evaluation.per_class(labels, probabilities, classes)
            if name == "cnn":
                without = evaluation.decision_scores(labels[~leaks], probabilities[~leaks].argmax(axis=1))
                metrics[name]["accuracy_without_leaks"] = without["accuracy"]
            write_network_report(report, name, f"{model.name}, test", labels, probabilities, classes)
            log.model(model, inputs[:2])

        cases = {name: Cases(of, np.array(au_classes)[labels]) for name, (of, labels) in splits.items()}
        baselines = {"rules": rules(table, cases["validation"]), **learned(cases["train"], params.base.seed)}
        metrics["au_baselines"] = baseline_scores(baselines, cases["test"])
        if real:
            probabilities = au.predict(real.intensities, batch_size=512, verbose=0)
            metrics["au_real"] = real_scores(real, probabilities, au_classes, baselines, cases["validation"])
        for file, figures in (("metrics", metrics), ("per_class", by_class)):
            (report / f"{file}.json").write_text(json.dumps(figures, indent=2) + "\n")
        log.metrics(metrics)
        log.files(report)


if __name__ == "__main__":
    main()
