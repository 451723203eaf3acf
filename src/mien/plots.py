"""Pictures of data and results, as PNG. Each function draws one figure; `save` writes it, the same bytes each time."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

_INK = "#1f3b57"


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    figure.savefig(path, dpi=100, metadata={"Software": None})


def sample_sheet(pixels: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Show example faces: `pixels` is uint8 (classes, columns, size, size), one labelled row a class."""
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
    for axes, (split, of_class) in zip(np.atleast_1d(figure.subplots(len(counts), 1)), counts.items(), strict=True):
        bars = axes.bar(list(of_class), list(of_class.values()), color=_INK)
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=9)
        axes.set_ylabel(split)
        axes.margins(y=0.2)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def history(epochs: pd.DataFrame, title: str) -> Figure:
    """Show accuracy and loss of training and validation by epoch, and which epoch was the best."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    best = epochs["epoch"].iloc[epochs["val_accuracy"].argmax()]
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        axes.plot(epochs["epoch"], epochs[name], label="training", color="#b0b7bf")
        axes.plot(epochs["epoch"], epochs[f"val_{name}"], label="validation", color=_INK)
        axes.axvline(best, linestyle=":", color="#c44536", label=f"best: epoch {best}")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend()
    return figure


def confusion(cases: pd.DataFrame, classes: Sequence[str], title: str) -> Figure:
    """Show the confusion matrix of cases (columns actual, predicted): shares of the actual class, and counts."""
    table = pd.crosstab(cases["actual"], cases["predicted"])
    counts = table.reindex(index=list(classes), columns=list(classes), fill_value=0).to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(7, 6.2), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, col), count in np.ndenumerate(counts):
        colour = "white" if shares[row, col] > 0.5 else "black"
        axes.text(col, row, f"{shares[row, col]:.0%}\n{count:,}", ha="center", va="center", color=colour, fontsize=9)
    axes.set(title=title, xlabel="predicted", ylabel="actual")
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    figure.colorbar(image, label="share of the actual class", shrink=0.8)
    return figure


def class_scores(per_class: Mapping[str, Mapping[str, float]], title: str) -> Figure:
    """Show precision, recall and F1 of each class as grouped bars: `per_class[class][score]`."""
    scores = ("precision", "recall", "f1")
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(per_class))
    for i, (score, colour) in enumerate(zip(scores, ("#7aa6c2", "#f2a65a", _INK), strict=True)):
        heights = [of_class[score] for of_class in per_class.values()]
        bars = axes.bar(places + 0.27 * (i - 1), heights, 0.27, label=score, color=colour)
        axes.bar_label(bars, fmt="{:.2f}", fontsize=7)
    axes.set_xticks(places, list(per_class))
    axes.set(title=title, ylim=(0, 1.08))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.08), frameon=False)
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


def ranked_bars(ranked: pd.DataFrame, group: str, item: str, value: str, title: str) -> Figure:
    """Show the rows of a table as horizontal bars, a panel for each distinct `group`, in the table's order."""
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
