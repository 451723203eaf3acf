"""Plots of face images: examples, class counts, mean faces, light, mistakes."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mien.plots.style import INK, SHORT, turn_names


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
        bars = axes.bar(list(by_class), list(by_class.values()), color=INK)
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=9)
        turn_names(axes, by_class)
        axes.set_ylabel(split)
        axes.margins(y=0.2)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    return figure


def mean_face_grid(faces: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Show the mean face of each class, grey levels (classes, size, size), and how far it is from that of all."""
    differences = faces - faces.mean(axis=0)
    limit = max(np.abs(differences).max(), 1)
    figure = Figure(figsize=(1.3 + 1.35 * len(names), 3.5), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(2, len(names), squeeze=False)
    for (upper, lower), face, difference, name in zip(panels.T, faces, differences, names, strict=True):
        upper.imshow(face, cmap="gray", vmin=0, vmax=255)
        upper.set_title(name, fontsize=12 if len(name) <= SHORT + 2 else 8)
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
            stats, showfliers=False, patch_artist=True, boxprops={"facecolor": "#c9d6e2"}, medianprops={"color": INK}
        )
        turn_names(axes, table.index)
        axes.set_ylabel(f"{quantity}\n(grey levels)")
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels()
    return figure


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
