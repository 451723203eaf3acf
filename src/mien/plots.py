"""Plots of data and results. Each function draws one figure; `save` writes it as PNG, the same bytes each time."""

import io
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import PercentFormatter

from mien._io.errors import note

_INK = "#1f3b57"
_SHORT = 9  # limit of letters of class names side by side
_FEW = 9  # limit of such classes
_FONT = "DejaVu Sans"  # comes with matplotlib
_OTHER_FONTS = re.compile(  # of scripts that it lacks, on Linux, Windows and macOS
    r"Noto (Sans|Serif)\b.*|WenQuanYi .*|Microsoft YaHei|SimHei|Malgun Gothic|Yu Gothic|Nirmala UI|Leelawadee UI"
    r"|PingFang .*|Hiragino Sans.*|Apple SD Gothic Neo|Kohinoor .*|Thonburi|Arial Unicode MS|FreeSans|Unifont"
)
_SHOWN = 20  # characters in a note
_MISSING = re.compile(r"Glyph (\d+) .*missing from font")


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG. Names in scripts that no installed font has become boxes, and a note says so."""
    data, missing = _png(figure)
    if missing:
        others = sorted({font.name for font in fontManager.ttflist if _OTHER_FONTS.fullmatch(font.name)})
        for text in figure.findobj(Text):
            text.set_fontfamily([_FONT, *others])
        data, missing = _png(figure) if others else (data, missing)
    if missing:
        shown = "".join(sorted(missing)[:_SHOWN])
        note(f"{path.name}: boxes stand for {shown}, which no font has; install one, such as Noto Sans")
    path.write_bytes(data)


def _png(figure: Figure) -> tuple[bytes, set[str]]:
    """Return a figure as PNG, and the characters that its fonts lack."""
    stream = io.BytesIO()  # as in `mien.inference.photo_files.write_photo`
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(stream, format="png", dpi=100, metadata={"Software": None})
    missing = set()
    for warning in caught:
        if match := _MISSING.match(str(warning.message)):
            missing.add(chr(int(match[1])))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return stream.getvalue(), missing


def sample_grid(pixels: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Show example faces: `pixels` is uint8 (classes, columns, size, size), one labelled row per class."""
    rows, columns = pixels.shape[:2]
    figure = Figure(figsize=(1.3 + 0.95 * columns, 0.5 + 0.95 * rows), layout="constrained")
    figure.suptitle(title)
    for axes_row, faces, name in zip(figure.subplots(rows, columns, squeeze=False), pixels, names, strict=True):
        for axes, face in zip(axes_row, faces, strict=True):
            axes.imshow(face, cmap="gray", vmin=0, vmax=255)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12)
    return figure


def class_counts(counts: Mapping[str, Mapping[str, int]], title: str) -> Figure:
    """Show how many images each split has of each class: `counts[split][class]`, as bars with their numbers."""
    figure = Figure(figsize=(9, 2.2 * len(counts) + 0.6), layout="constrained")
    figure.suptitle(title)
    for axes, (split, by_class) in zip(np.atleast_1d(figure.subplots(len(counts), 1)), counts.items(), strict=True):
        bars = axes.bar(list(by_class), list(by_class.values()), color=_INK)
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=9)
        _turn_names(axes, by_class)
        axes.set_ylabel(split)
        axes.margins(y=0.2)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    return figure


def _turn_names(axes: Axes, names: Iterable[str]) -> bool:
    """Rotate the names below an axis if they would overlap. Returns whether they were rotated."""
    names = list(names)
    is_turned = len(names) > _FEW or max(map(len, names)) > _SHORT
    if is_turned:
        axes.tick_params(axis="x", labelrotation=30)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    return is_turned


def mean_face_grid(faces: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Show the mean face of each class, grey levels (classes, size, size), and how far it is from that of all."""
    differences = faces - faces.mean(axis=0)
    limit = max(np.abs(differences).max(), 1)
    figure = Figure(figsize=(1.3 + 1.35 * len(names), 3.5), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(2, len(names), squeeze=False)
    for (upper, lower), face, difference, name in zip(panels.T, faces, differences, names, strict=True):
        upper.imshow(face, cmap="gray", vmin=0, vmax=255)
        upper.set_title(name, fontsize=12 if len(name) <= _SHORT + 2 else 8)
        image = lower.imshow(difference, cmap="RdBu_r", vmin=-limit, vmax=limit)
        for axes in (upper, lower):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    for axes, label in zip(panels[:, 0], ("mean face", "less the mean\nof all classes"), strict=True):
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=11)
    figure.colorbar(image, ax=panels[1], label="grey levels", aspect=8)
    return figure


def class_boxplots(quantiles: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Show distributions by class, one panel per quantity: boxes of the middle half, whiskers from 5 % to 95 %.

    Args:
        quantiles: by quantity, one row per class (the frame's index) with columns p05, p25, p50, p75 and p95.
    """
    figure = Figure(figsize=(9, 2.8 * len(quantiles) + 0.6), layout="constrained")
    figure.suptitle(f"{title}: the middle half, and from 5 % to 95 %")
    for axes, (quantity, table) in zip(
        np.atleast_1d(figure.subplots(len(quantiles), 1)), quantiles.items(), strict=True
    ):
        parts = {"p05": "whislo", "p25": "q1", "p50": "med", "p75": "q3", "p95": "whishi"}
        stats = [row | {"label": name} for name, row in table.rename(columns=parts).to_dict("index").items()]
        axes.bxp(
            stats, showfliers=False, patch_artist=True, boxprops={"facecolor": "#c9d6e2"}, medianprops={"color": _INK}
        )
        _turn_names(axes, table.index)
        axes.set_ylabel(f"{quantity}\n(grey levels)")
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    return figure


def training_history(epochs: pd.DataFrame, best: Mapping[str, float], title: str) -> Figure:
    """Show accuracy and loss of training and validation by epoch, and mark the best epoch (a row of `epochs`)."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        axes.plot(epochs["epoch"], epochs[name], label="training", color="#b0b7bf")
        axes.plot(epochs["epoch"], epochs[f"val_{name}"], label="validation", color=_INK)
        axes.axvline(best["epoch"], linestyle=":", color="#c44536", label=f"best: epoch {best['epoch']:.0f}")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend()
    return figure


def confusion_matrix(cases: pd.DataFrame, classes: Sequence[str], title: str) -> Figure:
    """Show the confusion matrix of cases (columns actual, predicted): shares of the actual class, and counts."""
    table = pd.crosstab(cases["actual"], cases["predicted"])
    counts = table.reindex(index=list(classes), columns=list(classes), fill_value=0).to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    larger = max(0.85 * (len(classes) - _FEW), 0)  # inches
    figure = Figure(figsize=(7 + larger, 6.2 + larger), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, col), count in np.ndenumerate(counts):
        colour = "white" if shares[row, col] > 0.5 else "black"
        axes.text(col, row, f"{shares[row, col]:.0%}\n{count:,}", ha="center", va="center", color=colour, fontsize=9)
    axes.set(title=title, xlabel="predicted", ylabel="actual")
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    _turn_names(axes, classes)
    figure.colorbar(image, label="share of the actual class", shrink=0.8)
    return figure


def class_scores(per_class: Mapping[str, Mapping[str, float]], title: str) -> Figure:
    """Show precision, recall and F1 of each class as grouped bars: `per_class[class][score]`."""
    scores = ("precision", "recall", "f1")
    figure = Figure(figsize=(max(9, len(per_class)), 4), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(per_class))
    for i, (score, colour) in enumerate(zip(scores, ("#7aa6c2", "#f2a65a", _INK), strict=True)):
        heights = [figures[score] for figures in per_class.values()]
        bars = axes.bar(places + 0.27 * (i - 1), heights, 0.27, label=score, color=colour)
        axes.bar_label(bars, fmt="{:.2f}", fontsize=7)
    axes.set_xticks(places, list(per_class))
    below = -0.3 if _turn_names(axes, per_class) else -0.08
    axes.set(title=title, ylim=(0, 1.08))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, below), frameon=False)
    return figure


def slice_accuracy(table: pd.DataFrame, title: str) -> Figure:
    """Show accuracy and its interval by slice, see `mien.evaluation.slices`; slices that are not ranked are pale."""
    figure = Figure(figsize=(9, 0.28 * len(table) + 1.2), layout="constrained")
    axes = figure.subplots()
    rows = table.to_dict("records")
    for place, row in enumerate(rows):
        colour = _INK if row["ranked"] else "#b0b7bf"
        axes.plot([row["accuracy_low"], row["accuracy_high"]], [place, place], color=colour, linewidth=2)
        axes.plot(row["accuracy"], place, marker="o", color=colour)
        if place and row["property"] != rows[place - 1]["property"]:
            axes.axhline(place - 0.5, color="#d9dde1", linewidth=0.8)
    names = [f"{row['property']} {row['slice']} ({row['images']:,})" for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.set(xlabel="accuracy and its 95 % interval", ylim=(len(rows) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def confidence_curve(curve: pd.DataFrame, title: str) -> Figure:
    """Show coverage and accuracy by confidence threshold: columns threshold, coverage, accuracy, all 0..1."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    lines = (("accuracy", "accuracy of the predictions kept", _INK), ("coverage", "share of cases kept", "#f2a65a"))
    for name, label, colour in lines:
        axes.plot(curve["threshold"], curve[name], marker="o", markersize=4, label=label, color=colour)
    axes.set(title=title, xlabel="lowest confidence that is kept", xlim=(-0.02, 1), ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False)
    return figure


def reliability_diagram(curves: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Show accuracy by confidence and the number of cases, one panel per curve: `curves[heading]` has one row per bin.

    Args:
        curves: by heading, columns confidence and accuracy (0..1) and cases.
    """
    figure = Figure(figsize=(4.6 * len(curves), 5.2), layout=ConstrainedLayoutEngine(wspace=0.06))
    figure.suptitle(title)
    panels = figure.subplots(2, len(curves), sharex=True, sharey="row", squeeze=False, height_ratios=(3, 1))
    for (upper, lower), (heading, bins) in zip(panels.T, curves.items(), strict=True):
        upper.plot((0, 1), (0, 1), linestyle="--", color="#b0b7bf", label="confidence is accuracy")
        upper.plot(bins["confidence"], bins["accuracy"], marker="o", color=_INK, label="predictions")
        upper.set(title=heading, xlim=(0, 1), ylim=(0, 1))
        lower.bar(bins["confidence"], bins["cases"] / bins["cases"].sum(), 0.04, color=_INK)
        lower.set(xlabel="confidence")
        for axes in (upper, lower):
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_ylabel("accuracy")
    panels[1, 0].set_ylabel("share of cases")
    figure.legend(*upper.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def drift(reference: pd.DataFrame, new: pd.DataFrame, comparison: pd.DataFrame) -> Figure:
    """Show both distributions of each measure that was compared, one panel each.

    Args:
        reference: the measures of faces, one row per face.
        new: the same.
        comparison: columns measure, psi, p and drift.
    """
    lines = comparison[comparison["measure"].isin(reference) & comparison["psi"].notna()]
    figure = Figure(figsize=(4.2 * min(len(lines), 3), 3.2 * -(-len(lines) // 3)), layout="constrained")
    panels = figure.subplots(-(-len(lines) // 3), min(len(lines), 3), squeeze=False).flat
    for line, axes in zip(lines.itertuples(), panels, strict=False):  # this order keeps all panels
        both = pd.concat([reference[line.measure], new[line.measure]])
        for values, label, colour in ((reference, "reference", "#b0b7bf"), (new, "new", _INK)):
            _distribution(axes, values[line.measure].dropna(), both, label, colour)
        verdict = "drift" if line.drift else "no drift"
        axes.set(title=f"{line.measure}: {verdict}\nPSI {line.psi:.3g}, p {line.p:.2g}", ylabel="share of faces")
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels:
        axes.set_visible(False)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def _distribution(axes: Axes, values: pd.Series, both: pd.Series, label: str, colour: str) -> None:
    """Draw the shares of values. both: the values of both sets, so that they share bins."""
    shares = np.full(len(values), 1 / len(values))
    if pd.api.types.is_numeric_dtype(both):
        axes.hist(
            values, 20, range=(both.min(), both.max()), weights=shares, histtype="step", lw=2, label=label, color=colour
        )
        return
    names = sorted(set(both))
    heights = values.value_counts(normalize=True).reindex(names, fill_value=0)
    shift = -0.2 if label == "reference" else 0.2
    axes.bar(np.arange(len(names)) + shift, heights, 0.4, label=label, color=colour)
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", labelrotation=30)


def mistake_grid(pixels: np.ndarray, cases: pd.DataFrame, title: str) -> Figure:
    """Show misclassified faces: `pixels` is uint8 (N, size, size), N may be 0.

    Args:
        cases: one row per face, columns actual, predicted and confidence (0..1).
    """
    columns = 6
    rows = max(-(-len(pixels) // columns), 1)
    figure = Figure(figsize=(1.75 * columns, 2.15 * rows + 0.5), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, face, case in zip(panels, pixels, cases.itertuples(), strict=False):
        axes.imshow(face, cmap="gray", vmin=0, vmax=255)
        axes.set_title(f"{case.actual} → {case.predicted}\n{case.confidence:.1%}", fontsize=9)
    if not len(pixels):
        figure.text(0.5, 0.4, "no mistakes", ha="center")
    return figure


def ranked_bars(ranked: pd.DataFrame, group: str, item: str, value: str, title: str) -> Figure:
    """Show the rows of a table as horizontal bars, one panel per distinct `group`, in the table's order."""
    groups = list(ranked.groupby(group, sort=False))
    columns = 3
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.4 * rows + 0.6), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, table) in zip(panels, groups, strict=False):
        bars = axes.barh(table[item][::-1], table[value][::-1], color=_INK)
        axes.bar_label(bars, fmt="{:.0%}", fontsize=9, padding=2)
        axes.set(title=name, xlim=(0, ranked[value].max() * 1.2), xticks=[])
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    return figure


def experiment_comparison(table: pd.DataFrame, curves: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Show validation accuracy by epoch of several trainings, and their scores on test as bars.

    Args:
        table: one row per training, columns experiment, accuracy and macro_f1.
        curves: the history of each: columns epoch and val_accuracy.
    """
    figure = Figure(figsize=(13, max(0.42 * len(table) + 1.4, 4.2)), layout="constrained")
    figure.suptitle(title)
    lines, bars = figure.subplots(1, 2)
    for place, name in enumerate(table["experiment"]):
        style = "-" if place < 10 else "--"
        lines.plot(curves[name]["epoch"], curves[name]["val_accuracy"], style, label=name)
    lines.set(xlabel="epoch", ylabel="validation accuracy")
    lines.yaxis.set_major_formatter(PercentFormatter(1))
    lines.xaxis.get_major_locator().set_params(integer=True)
    lines.legend(fontsize=8, loc="lower right")
    places = np.arange(len(table))[::-1]
    for score, shift, colour in (("accuracy", 0.19, _INK), ("macro_f1", -0.19, "#f2a65a")):
        drawn = bars.barh(places + shift, table[score], 0.36, label=score.replace("_", " "), color=colour)
        bars.bar_label(drawn, fmt="{:.1%}", fontsize=8, padding=2)
    bars.set_yticks(places, table["experiment"])
    bars.set(xlabel="test", xlim=(0, 1.1))
    bars.xaxis.set_major_formatter(PercentFormatter(1))
    bars.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.1), frameon=False)
    for axes in (lines, bars):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def lift_heatmaps(panels: Mapping[str, pd.DataFrame], overall: Mapping[str, pd.Series], title: str) -> Figure:
    """Show tables of probabilities, one panel each: values in per cent, coloured by their ratio to the overall ones.

    Args:
        panels: by heading, one row per name and one column per group, values 0..1.
        overall: by heading, the value of each row among all groups.
    """
    rows = sum(map(len, panels.values()))
    figure = Figure(figsize=(9.5, 0.3 * rows + 1.2 * len(panels) + 0.8), layout="constrained")
    figure.suptitle(title)
    heights = [len(table) + 2 for table in panels.values()]
    places = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (heading, table) in zip(places, panels.items(), strict=True):
        ratio = np.log2(np.maximum(table.to_numpy(), 1e-9) / np.maximum(overall[heading].to_numpy()[:, None], 1e-9))
        image = axes.imshow(ratio.clip(-3, 3), cmap="RdBu_r", vmin=-3, vmax=3, aspect="auto")
        for (row, col), value in np.ndenumerate(table.to_numpy()):
            colour = "white" if abs(ratio[row, col]) > 2 else "black"
            axes.text(col, row, f"{value:.1%}", ha="center", va="center", color=colour, fontsize=8)
        axes.set_title(heading, fontsize=11)
        axes.set_xticks(range(len(table.columns)), table.columns)
        axes.set_yticks(range(len(table)), table.index, fontsize=9)
    bar = figure.colorbar(image, ax=list(places), shrink=0.5, label="times the usual")
    bar.set_ticks(range(-3, 4), labels=["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    return figure


def context_confusion(common: pd.Series, cases: pd.DataFrame | None, title: str) -> Figure:
    """Show how common contexts are and, if there are cases, the confusion matrix of contexts.

    Args:
        common: how common each is, by name, compared with the others.
        cases: columns actual and predicted, or None.
    """
    names = list(common.index)
    shares_of_all = common / common.sum()
    figure = Figure(figsize=(6.5 if cases is None else 14, 7.5), layout="constrained")
    figure.suptitle(title)
    widths = [1.0] if cases is None else [1.0, 2.2]
    left, *right = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0]
    bars = left.barh(names, shares_of_all, color=_INK)
    left.bar_label(bars, fmt="{:.1%}", fontsize=9, padding=2)
    left.xaxis.set_major_formatter(PercentFormatter(1))
    left.set(xlabel="share of all", xlim=(0, shares_of_all.max() * 1.25), ylim=(len(names) - 0.5, -0.5))
    left.spines[["top", "right"]].set_visible(False)
    if cases is None:
        return figure
    counts = pd.crosstab(cases["actual"], cases["predicted"]).reindex(index=names, columns=names, fill_value=0)
    shares = counts.to_numpy() / np.maximum(counts.to_numpy().sum(axis=1, keepdims=True), 1)
    (axes,) = right
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, col), share in np.ndenumerate(shares):
        if share >= 0.01:
            axes.text(col, row, f"{share:.0%}", ha="center", va="center", fontsize=8,
                      color="white" if share > 0.5 else "black")  # fmt: skip
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right")
    axes.set_yticks(range(len(names)), [])
    axes.set(xlabel="predicted from joints")
    figure.colorbar(image, label="share of the actual context", shrink=0.8)
    return figure


def emotions_over_time(seconds: np.ndarray, means: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Show the mean probability of each emotion over time, with gaps for NaN.

    Args:
        seconds: float (T,).
        means: probabilities, float (T, emotions).
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    colours = ("#c44536", "#4c8c4a", "#8e5aa8", "#e8b020", "#3f7cac", "#f2803a", "#8a8f94", _INK)
    for index, (name, values) in enumerate(zip(names, means.T, strict=True)):
        axes.plot(seconds, values, ".-", markersize=3, label=name, color=colours[index % len(colours)])
    if np.isnan(means).all():
        axes.text(0.5, 0.5, "no face", ha="center", transform=axes.transAxes)
    axes.set(title=title, xlabel="seconds", ylabel="mean probability of the faces")
    axes.set(xlim=(0, seconds[-1]), ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def group_means(lines: pd.DataFrame, figure_name: str) -> Figure:
    """Show means or changes by measure and condition, with intervals; for several people, those of everyone.

    Args:
        lines: from `mien.inference.group_statistics.statistics`.
        figure_name: mean or change.
    """
    shown = lines[lines["kind"] != "probability"]
    people = list(dict.fromkeys(shown["person"]))
    shown = shown[(shown["person"] == people[-1]) & shown[figure_name].notna()]
    measures, conditions = list(dict.fromkeys(shown["measure"])), list(dict.fromkeys(shown["condition"]))
    figure = Figure(figsize=(max(6, 1.5 + 0.9 * len(measures)), 4.5), layout="constrained")
    axes = figure.subplots()
    ends = ("low", "high") if figure_name == "mean" else ("change_low", "change_high")
    for index, condition in enumerate(conditions):
        of_condition = shown[shown["condition"] == condition].set_index("measure").reindex(measures)
        values = of_condition[figure_name]
        errors = np.abs(np.stack([values - of_condition[ends[0]], of_condition[ends[1]] - values]))
        places = np.arange(len(measures)) + (index + 0.5) / len(conditions) * 0.6 - 0.3
        axes.errorbar(places, values, np.nan_to_num(errors), fmt="o", capsize=3, label=condition)
    if shown.empty:
        axes.text(0.5, 0.5, f"no {figure_name}", ha="center", transform=axes.transAxes)
    axes.axhline(0, color="0.7", linewidth=0.8)
    axes.set_xticks(range(len(measures)), measures)
    unit = "intensity, 0..100" if (shown["kind"] == "intensity").any() else "share of the faces"
    axes.set(title=f"{people[-1]}: {figure_name} and 95 % interval", ylabel=unit)
    if unit.startswith("share"):
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure
