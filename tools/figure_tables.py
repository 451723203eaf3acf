"""The tables of README, docs and model cards, by name."""

from collections.abc import Callable, Iterable, Mapping
from statistics import mean, stdev
from typing import Any

from tools.figures import Reports, formatted

_PUBLIC = "benchmarks/predict/figures.json"
_SETS = {"faces": "PublicTest", "photos": "news photos", "held_out": "news photos, other people"}
_SETS_OF_PRIORS = (("faces", "mien_wild"), ("held_out", "mien_wild"), ("photos", "mien"))
_AUS = "recipes/mien_aus/metrics.json"
_RECIPES = {"mien_wild": "recipes/wild", "mien": "recipes/fer2013_distilled", "mien_small": "recipes/fer2013_small"}


def markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table. All columns but the first contain numbers."""
    header = list(header)
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def expected(reports: Reports) -> str:
    """The figures that `make repro` should print: each network on its test split."""
    figures = reports("evaluate/metrics.json")
    baselines = figures["au_baselines"]
    rows = {
        "CNN, on drawn faces": figures["cnn"],
        "AU network, on realistic synthetic AUs": figures["au"],
        "baseline: the rules of an AU table": baselines["rules"],
        "baseline: logistic regression": baselines["logistic_regression"],
        "baseline: random forest": baselines["random_forest"],
    }
    cells = [[name, *_accuracy_and_f1(row)] for name, row in rows.items()]
    return markdown(["test split", "accuracy", "macro F1"], cells)


def peers(reports: Reports) -> str:
    """The pretrained networks with the settings of `mien image`, and the package fer."""
    measured = reports(_PUBLIC, "classifiers")
    elsewhere = reports("benchmarks/extra_faces/figures.json", "networks")
    names = {
        "mien_wild": "**mien_wild**, the default",
        "mien": "**mien** (`--model mien`)",
        "mien_small": "**mien_small** (`--model mien_small`)",
        "fer, int8": "`fer` 25.10.3, its TFLite network",
        "fer, Keras": "`fer` 25.10.3, its Keras network",
    }
    (first, *header), rows = _readings(names, measured)
    photos = [formatted(elsewhere[name]["accuracy"], "%") for name in names if name in measured]
    header[0] = "FER2013"
    return markdown(
        [first, "news photos", *header], [[row[0], cell, *row[1:]] for row, cell in zip(rows, photos, strict=True)]
    )


def readings(reports: Reports) -> str:
    """The pretrained networks with each setting."""
    measured = reports(_PUBLIC, "classifiers")
    names: dict[str, str] = {}
    for network in _RECIPES:
        names |= {network: f"`{network}`, default settings"}
        names |= {
            f"{network}, {precision}, {tta}": f"`{network}`, `--precision {precision} --tta {option}`"
            for precision, tta, option in (
                ("int8", "once", "none"),
                ("fp32", "once", "none"),
                ("fp32", "mirror", "mirror"),
                ("fp32", "ten", "ten"),
            )
        }
    return markdown(*_readings(names, measured))


def classes(reports: Reports) -> str:
    """Recall and F1 by class of the pretrained networks on PublicTest."""
    networks = {name: reports(f"{folder}/per_class.json", "cnn") for name, folder in _RECIPES.items()}
    header = ["emotion", "images", *[f"`{name}` {score}" for name in networks for score in ("recall", "F1")]]
    rows = []
    for emotion, scores in networks["mien"].items():
        cells = [f"{networks[name][emotion][score]:.2f}" for name in networks for score in ("recall", "f1")]
        rows.append([emotion, str(scores["support"]), *cells])
    return markdown(header, rows)


def recipes(reports: Reports) -> str:
    """The figures of the pretrained networks' recipes on PublicTest."""
    rows = []
    folders = {f"`{name}`": folder for name, folder in _RECIPES.items()}
    for name, folder in {**folders, "`mien` before distillation": "recipes/fer2013"}.items():
        scores = reports(f"{folder}/metrics.json", "cnn")
        low, high = (100 * scores[f"accuracy_{end}"] for end in ("low", "high"))
        shares = [formatted(scores[key], "%") for key in ("accuracy_tta", "accuracy_without_leaks")]
        accuracy = f"**{formatted(scores['accuracy'], '%')}** [{low:.1f}, {high:.1f}]"
        rows.append([name, accuracy, *shares, f"{scores['macro_f1']:.3f}"])
    return markdown(["", "accuracy", "TTA of ten", "without leaks", "macro F1"], rows)


def elsewhere(reports: Reports) -> str:
    """Networks on news photos of people that none of them was trained on."""
    measured = reports("benchmarks/extra_faces/figures.json")
    occurring = [name for name, count in measured["counts"].items() if count]
    names = {**{name: f"`{name}`" for name in _RECIPES}, "fer, int8": "`fer`, TFLite", "fer, Keras": "`fer`, Keras"}
    header = ["", "accuracy", *[f"recall, {measured['counts'][name]} {name}" for name in occurring]]
    rows = []
    for name, label in names.items():
        network = measured["networks"][name]
        recalls = [formatted(network["recall"][key], "%") if "recall" in network else "" for key in occurring]
        rows.append([label, formatted(network["accuracy"], "%"), *recalls])
    return markdown(header, rows)


def seeds(reports: Reports) -> str:
    """The recipe of mien by three seeds, with cubic and with linear interpolation: mean and standard deviation."""
    experiments = reports("experiments/mien/experiments.json")
    rows = []
    for kind, name in (("cubic", "sharp"), ("linear", "plain")):
        runs = [experiments[f"mien-{name}-{seed}"]["scores"] for seed in (20, 21, 22)]
        keys = ("accuracy", "accuracy_tta", "accuracy_without_leaks")
        rows.append([f"{kind} interpolation", *[_mean_and_deviation([run[key] for run in runs]) for key in keys]])
    return markdown(["`mien`, seeds 20, 21 and 22", "accuracy", "TTA of ten", "without leaks"], rows)


def architectures(reports: Reports) -> str:
    """The architectures on four emotions, the most accurate first."""
    experiments = reports("recipes/four_class/experiments.json").values()
    rows = [
        [
            f"`{run['params']['train_cnn.network']}`",
            *_accuracy_and_f1(run["scores"]),
            f"{run['cost']['mega_macs']:.0f}",
            f"{run['cost']['weights'] / 1e6:.1f}",
        ]
        for run in sorted(experiments, key=lambda run: -run["scores"]["accuracy"])
    ]
    return markdown(["network", "accuracy", "macro F1", "million multiply-adds", "million weights"], rows)


def clips(reports: Reports) -> str:
    """The AU network and rules on OpenFace's AUs of acted clips, of all speakers and of the held-out speaker."""
    all_clips, held_out = (
        [row for row in reports(f"benchmarks/score_clips/{file}") if row["a clip is"] != "mean of answers"]
        for file in ("figures.json", "speaker_2/figures.json")
    )
    names = {"pretrained network": "pretrained network `mien_au`"}
    cells = [
        [
            names.get(row["model"], f"rules: `{row['model']}`") + f", {row['a clip is']}",
            formatted(row["accuracy"], "%"),
            f"{row['macro F1']:.3f}",
            formatted(of_speaker["accuracy"], "%"),
        ]
        for row, of_speaker in zip(all_clips, held_out, strict=True)
    ]
    return markdown(["", "accuracy", "macro F1", "accuracy, speaker 2 only"], cells)


def priors(reports: Reports) -> str:
    """Networks with other class priors, on FER2013 and on news photos, read as by mien image."""
    rows: list[list[str]] = []
    for set_name, network in _SETS_OF_PRIORS:
        for prior, scores in reports("benchmarks/trust/figures.json", f"{set_name}/{network}").items():
            recall = scores["recall_tta"]
            shares = (scores["accuracy_tta"], mean(recall.values()), recall["neutral"], scores["calibration_error_tta"])
            cells = [formatted(share, "%") for share in shares]
            if not rows or rows[-1][1:] != cells:  # a prior that rules out what nobody shows needs no second row
                name = f"`{prior}`".replace(", all classes`", "`, any of 7 emotions")
                rows.append([f"`{network}`, {_SETS[set_name]}, {name}", *cells])
    return markdown(["", "accuracy", "mean recall", "recall of neutral", "calibration error"], rows)


def prediction_sets(reports: Reports) -> str:
    """Prediction sets of the pretrained networks for a coverage of 90 %, with the mirror image of each face."""
    rows = []
    for label, scores in _trust_rows(reports):
        emotion = min(scores["coverage_by_class"], key=lambda name: scores["coverage_by_class"][name])
        rows.append(
            [
                label,
                formatted(scores["coverage_tta"], "%"),
                f"{scores['mean_set_size_tta']:.2f}",
                formatted(scores["single_class_share_tta"], "%"),
                f"{emotion} {formatted(scores['coverage_by_class'][emotion], '%')}",
            ]
        )
    return markdown(["", "coverage", "emotions per set", "sets with one emotion", "least covered, `--tta none`"], rows)


def worst_slices(reports: Reports) -> str:
    """The worst slice of the pretrained networks, with the mirror image of each face."""
    rows = []
    for label, scores in _trust_rows(reports):
        worst = scores["worst_slice"]
        low, high = (100 * worst[f"accuracy_{end}"] for end in ("low", "high"))
        accuracy = f"{formatted(worst['accuracy'], '%')} [{low:.1f}, {high:.1f}]"
        where = f"{worst['property']} {worst['slice']}"
        rows.append([label, formatted(scores["accuracy_tta"], "%"), where, f"{worst['images']:,}", accuracy])
    return markdown(["", "accuracy", "worst slice", "images in it", "accuracy in it"], rows)


def _trust_rows(reports: Reports) -> list[tuple[str, Mapping[str, Any]]]:
    measured = reports("benchmarks/trust/figures.json")
    return [
        (f"`{name}`, {label}", measured[set_name][name]["training"])
        for set_name, label in _SETS.items()
        for name in measured.get(set_name, {})
    ]


def feature_drift(reports: Reports) -> str:
    """How often mien drift detects changes of faces by features of the default network."""
    measured = reports("benchmarks/drift/figures.json", "found")
    sizes = list(next(iter(measured.values())))
    header = ["change of the new faces", *[f"found, {size} faces against {size}" for size in sizes]]
    return markdown(header, [[name, *[formatted(row[size], "%0") for size in sizes]] for name, row in measured.items()])


def robustness_crops(reports: Reports) -> str:
    """The effect of changes on the answers of networks, on crops."""
    return _robustness(reports, "crops")


def robustness_photos(reports: Reports) -> str:
    """The effect of changes on the answers of networks, on photos in which faces are detected again."""
    return _robustness(reports, "photos")


def _robustness(reports: Reports, kind: str) -> str:
    measured = reports("benchmarks/robustness/figures.json", f"{kind}/networks")
    names = [name for name in ("mien_wild", "mien_small", "fer") if name in measured]
    header = ["", *[f"`{name}` {score}" for name in names for score in ("accuracy", "same answer")]]
    rows = [
        [
            change,
            *[formatted(measured[name][change][key], "%") for name in names for key in ("accuracy", "same_answer")],
        ]
        for change in measured[names[0]]
    ]
    return markdown(header, rows)


def face_aus(reports: Reports) -> str:
    """The Action Units that `mien_wild` reads in PublicTest's faces, compared with the tool that labelled training."""
    measured = reports(_AUS, "fp32")
    rows = [
        [
            name,
            _two_digits(measured["agreement"].get(name)),
            f"{weight:.1f}",
            _two_digits(measured["prototypes"].get(name)),
        ]
        for name, weight in reports(_AUS, "emotion_weights").items()
    ]
    return markdown(["AU", "r with the tool", "weight of the emotions", "AUC by emotions"], rows)


def _two_digits(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _mean_and_deviation(shares: list[float]) -> str:
    return f"{100 * mean(shares):.1f} ± {100 * stdev(shares):.1f} %"


def _accuracy_and_f1(scores: Mapping[str, float]) -> list[str]:
    return [formatted(scores["accuracy"], "%"), f"{scores['macro_f1']:.3f}"]


def _readings(names: Mapping[str, str], measured: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    header = ["", "accuracy", "without leaks", "CPU time per face"]
    keys = ("accuracy", "accuracy_without_leaks")
    rows = [
        [label, *[formatted(measured[name][key], "%") for key in keys], _milliseconds(measured[name])]
        for name, label in names.items()
        if name in measured
    ]
    return header, rows


def _milliseconds(measured: Mapping[str, float]) -> str:
    if "ms" not in measured:
        return "not measured"
    return f"{measured['ms']:.0f} ms" if measured["ms"] >= 10 else f"{measured['ms']:#.2g} ms"


TABLES: dict[str, Callable[[Reports], str]] = {
    table.__name__: table
    for table in (
        *(expected, peers, readings, classes, recipes, elsewhere, seeds, architectures, clips),
        *(priors, prediction_sets, worst_slices, face_aus),
        *(feature_drift, robustness_crops, robustness_photos),
    )
}
