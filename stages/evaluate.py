"""Measure the best AU network and the best CNN on the test splits, on which nothing was chosen.

Params: none; all are logged
In:     models/{au,cnn}/, data/aus/coded.csv (test), data/fer/ (test)
Out:    reports/evaluate/metrics.json                headline figures of both
        reports/evaluate/per_class.json              precision, recall, F1, support of each class
        reports/evaluate/{au,cnn}_confusion.csv      actual and predicted emotion, one row a test case
        reports/evaluate/{au,cnn}_confusion.png      the same as a matrix
        reports/evaluate/{au,cnn}_classes.png        precision, recall and F1 by class
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from mien import aus, plots, tracking
from mien.errors import InputError
from mien.evaluation import confusion_rows, leaked, per_class, scores
from mien.images.arrays import Images
from mien.models.stored import load_best
from mien.params import load_params
from mien.stage import outputs, read_csv, stage


@stage
def main() -> None:
    params = load_params()
    trained = {name: load_best(Path("models", name)) for name in ("au", "cnn")}
    cases = {name: _test_cases(name, classes) for name, (_, classes) in trained.items()}
    leaks = leaked(read_csv("data/fer/index.csv"))

    metrics: dict[str, Any] = {}
    by_class: dict[str, Any] = {}
    with outputs("reports/evaluate") as (report,), tracking.run("evaluate") as log:
        log.params(params)
        for name, (model, classes) in trained.items():
            inputs, labels = cases[name]
            probabilities = model.predict(inputs, batch_size=512, verbose=0)
            metrics[name] = scores(labels, probabilities, classes)
            by_class[name] = per_class(labels, probabilities, classes)
            if name == "cnn":
                without = scores(labels[~leaks], probabilities[~leaks], classes)
                metrics[name]["accuracy_without_leaks"] = without["accuracy"]

            title = f"{model.name}, test: {metrics[name]['accuracy']:.1%} right"
            rows = confusion_rows(labels, probabilities, classes)
            rows.to_csv(report / f"{name}_confusion.csv", index=False)
            plots.save(plots.confusion(rows, classes, title), report / f"{name}_confusion.png")
            plots.save(plots.class_scores(by_class[name], title), report / f"{name}_classes.png")
            log.model(model, inputs[:2])
        (report / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
        (report / "per_class.json").write_text(json.dumps(by_class, indent=2) + "\n")
        log.metrics(metrics)
        log.files(report)


def _test_cases(name: str, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs and integer labels of the test split that belongs to the network `name`."""
    if name == "au":
        return aus.arrays(read_csv("data/aus/coded.csv"), "test", classes)
    images = Images.load(Path("data/fer"), "test")
    if images.classes != classes:
        raise InputError(f"models/{name}: found classes {classes}, expected those of data/fer: {images.classes}")
    return images.pixels, images.labels


if __name__ == "__main__":
    main()
