"""Plots of how well a network predicts: confusion, scores by class and slice, confidence."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import PercentFormatter

from mien.plots.style import FEW, INK, turn_names


def confusion_matrix(cases: pd.DataFrame, classes: Sequence[str], title: str) -> Figure:
    """Show the confusion matrix of cases (columns actual, predicted): shares of the actual class, and counts."""
    table = pd.crosstab(cases["actual"], cases["predicted"])
    counts = table.reindex(index=list(classes), columns=list(classes), fill_value=0).to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    larger = max(0.85 * (len(classes) - FEW), 0)  # inches
    figure = Figure(figsize=(7 + larger, 6.2 + larger), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, col), count in np.ndenumerate(counts):
        colour = "white" if shares[row, col] > 0.5 else "black"
        axes.text(col, row, f"{shares[row, col]:.0%}\n{count:,}", ha="center", va="center", color=colour, fontsize=9)
    axes.set(title=title, xlabel="predicted", ylabel="actual")
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    turn_names(axes, classes)
    figure.colorbar(image, label="share of the actual class", shrink=0.8)
    return figure


def class_scores(per_class: Mapping[str, Mapping[str, float | None]], title: str) -> Figure:
    """Show precision, recall and F1 of each class as grouped bars, `per_class[class][score]`; no bar for None."""
    scores = ("precision", "recall", "f1")
    figure = Figure(figsize=(max(9, len(per_class)), 4), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(per_class))
    for i, (score, colour) in enumerate(zip(scores, ("#7aa6c2", "#f2a65a", INK), strict=True)):
        heights = np.array([figures[score] for figures in per_class.values()], float)
        bars = axes.bar(places + 0.27 * (i - 1), heights, 0.27, label=score, color=colour)
        axes.bar_label(bars, fmt="{:.2f}", fontsize=7)
    axes.set_xticks(places, list(per_class))
    below = -0.3 if turn_names(axes, per_class) else -0.08
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
        colour = INK if row["ranked"] else "#b0b7bf"
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


def coverage_curve(curve: pd.DataFrame, title: str) -> Figure:
    """Show coverage and accuracy by confidence threshold: columns threshold, coverage, accuracy, all 0..1."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    lines = (("accuracy", "accuracy of the predictions kept", INK), ("coverage", "share of cases kept", "#f2a65a"))
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
        upper.plot(bins["confidence"], bins["accuracy"], marker="o", color=INK, label="predictions")
        upper.set(title=heading, xlim=(0, 1), ylim=(0, 1))
        lower.bar(bins["confidence"], bins["cases"] / bins["cases"].sum(), 0.04, color=INK)
        lower.set(xlabel="confidence")
        for axes in (upper, lower):
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_ylabel("accuracy")
    panels[1, 0].set_ylabel("share of cases")
    figure.legend(*upper.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure
