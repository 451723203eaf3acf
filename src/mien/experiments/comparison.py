"""Compares DVC experiments: a table, learning curves, the spread over seeds, and the best one's confusion matrix.

The figures are kept beside the table, because DVC's experiments are local to a clone.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from mien._io.atomic import output_folders
from mien._io.errors import InputError, note
from mien._io.outputs import check_folder
from mien.experiments.experiment import Experiment, minutes_by_mlflow
from mien.experiments.summary import markdown_table
from mien.plots.png import save_png
from mien.plots.scores import class_scores, confusion_matrix
from mien.plots.trainings import experiment_comparison

_TABLE, _KEPT = "comparison.csv", "experiments.json"
_CUTS = ("base.seed", "prepare_fer.validation_share")  # the params that cut validation from train
_SEEDS = ("base.seed", "train_cnn.seed_offset")
_REPEATED = ("val_accuracy", "accuracy", "accuracy_tta", "accuracy_without_leaks", "macro_f1")


def _kept(folder: Path) -> dict[str, Experiment]:
    """Return the experiments that an earlier comparison kept, by name; empty if there was none."""
    path = folder / _KEPT
    if not path.exists() and not (folder / _TABLE).exists():
        return {}
    try:
        return {name: Experiment.from_record(name, record) for name, record in json.loads(path.read_text()).items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error!r}), expected what `mien exp compare` wrote") from None


def table(experiments: Sequence[Experiment]) -> pd.DataFrame:
    """Return one row per experiment, the best validation accuracy first.

    Columns: experiment; the params in which experiments differ; the number of trained epochs; validation accuracy, and
    accuracy and macro F1 on test, of the best epoch; weights, multiply-adds (millions), ONNX file (MB) and minutes of
    training.
    """
    keys = dict.fromkeys(key for experiment in experiments for key in experiment.params)
    differing = [key for key in keys if len({str(e.params[key]) for e in experiments if key in e.params}) > 1]
    rows = [
        {
            "experiment": experiment.name,
            **{key: experiment.params.get(key) for key in differing},
            "epochs": len(experiment.history),
            "val_accuracy": round(experiment.val_accuracy, 4),
            "accuracy": experiment.scores["accuracy"],
            "macro_f1": experiment.scores["macro_f1"],
            **{key: experiment.cost[key] for key in ("weights", "mega_macs", "onnx_mb")},
            "minutes": experiment.minutes,
        }
        for experiment in experiments
    ]
    return pd.DataFrame(rows).sort_values("val_accuracy", ascending=False, kind="stable", ignore_index=True)


def seeds(experiments: Sequence[Experiment]) -> pd.DataFrame:
    """Return one row per group of experiments that differ only in seeds; empty if there is no such group.

    Seeds are base.seed and train_cnn.seed_offset, which experiments of before this key lack.

    Of experiments with the same seeds, the first counts; a note names the others.

    Columns: experiments (names), seeds (number), then as text mean and sample standard deviation of the validation
    accuracy and of each test accuracy that all of them have.
    """
    groups: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        rest = {key: value for key, value in experiment.params.items() if key not in _SEEDS}
        groups.setdefault(json.dumps(rest, sort_keys=True), []).append(experiment)
    rows = []
    for group in groups.values():
        by_seed: dict[tuple[Any, ...], list[Experiment]] = {}
        for experiment in group:
            by_seed.setdefault(tuple(experiment.params.get(key, 0) for key in _SEEDS), []).append(experiment)
        if len(by_seed) > 1:
            rows.append(_spread([first for first, *_ in by_seed.values()]))
            for first, *repeats in filter(lambda same: len(same) > 1, by_seed.values()):
                names = ", ".join(experiment.name for experiment in repeats)
                note(f"{names}: has the seeds of {first.name}, which alone counts in the mean over seeds")
    return pd.DataFrame(rows)


def _spread(group: Sequence[Experiment]) -> dict[str, Any]:
    """Return the row of experiments of different seeds, see `seeds`."""
    scores = pd.DataFrame([{"val_accuracy": experiment.val_accuracy, **experiment.scores} for experiment in group])
    shown = scores[[key for key in _REPEATED if key in scores and scores[key].notna().all()]]
    return {
        "experiments": ", ".join(experiment.name for experiment in group),
        "seeds": len(group),
        **{str(key): f"{column.mean():.4f} ± {column.std():.4f}" for key, column in shown.items()},
    }


def compare(names: Sequence[str], folder: Path, title: str, *, add: bool = False) -> None:
    """Compare experiments and write the results into `folder`.

    comparison.csv and README.md contain the table, comparison.png the curves and scores of each experiment.
    confusion.png and classes.png show the one with the best validation accuracy, as nothing is chosen on test.
    experiments.json keeps everything that was read.

    Args:
        add: include the experiments in experiments.json, which DVC may have forgotten.

    Raises:
        InputError: there is no experiment of a name, experiments.json is damaged or missing beside a comparison.csv, or
            `folder` has other files.
    """
    check_folder(folder, "comparison", [_TABLE], [_KEPT])
    kept = _kept(folder) if add else {}
    read = {name: Experiment.read(name) for name in names}
    minutes = minutes_by_mlflow(names) if names else {}
    timed = {name: replace(experiment, minutes=minutes[name]) for name, experiment in read.items()}
    experiments = list((kept | timed).values())
    best = max(experiments, key=lambda experiment: experiment.val_accuracy)
    rows, repeated = table(experiments), seeds(experiments)
    curves = {experiment.name: experiment.history for experiment in experiments}
    with output_folders(folder) as (written,):
        rows.to_csv(written / _TABLE, index=False)
        save_png(experiment_comparison(rows, curves, title), written / "comparison.png")
        save_png(confusion_matrix(best.cases, list(best.per_class), f"{best.name}, test"), written / "confusion.png")
        save_png(class_scores(best.per_class, f"{best.name}, test"), written / "classes.png")
        (written / "README.md").write_text(_readme(title, experiments, rows, repeated, best.name), encoding="utf-8")
        records = [f"{json.dumps(experiment.name)}: {json.dumps(experiment.record())}" for experiment in experiments]
        (written / _KEPT).write_text("{\n" + ",\n".join(records) + "\n}\n", encoding="utf-8")


def _readme(
    title: str, experiments: Sequence[Experiment], rows: pd.DataFrame, repeated: pd.DataFrame, best: str
) -> str:
    """Return the text of README.md. rows, repeated: what `table` and `seeds` return. best: a name."""
    lines = [
        f"# {title}",
        "Written by `mien exp compare`. Models and epochs are chosen on validation; accuracy and macro F1 are of test.",
    ]
    if len({frozenset(experiment.per_class) for experiment in experiments}) > 1:
        lines.append("They do not have the same classes: figures of different classes say nothing about each other.")
    if cuts := [key for key in _CUTS if key in rows]:
        lines.append(
            f"Experiments with another {' or '.join(cuts)} may have used other validation images, so their validation "
            "figures cannot be compared."
        )
    lines.append(markdown_table("experiment", rows.set_index("experiment").to_dict("index")))
    if len(repeated):
        by_seed = markdown_table("experiments", repeated.set_index("experiments").to_dict("index"))
        lines += ["Mean and standard deviation over seeds:", by_seed]
    lines += [
        "![Curves and scores](comparison.png)",
        f"The best by validation is {best}:",
        "![Confusion](confusion.png)",
        "![Precision, recall and F1](classes.png)",
    ]
    return "\n\n".join(lines) + "\n"
