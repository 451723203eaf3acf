"""Plots of the action map: actions, emotions and contexts of people in pictures."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mien.plots.style import INK


def ranked_bars(ranked: pd.DataFrame, group: str, item: str, value: str, title: str) -> Figure:
    """Show the rows of a table as horizontal bars, one panel per distinct `group`, in the table's order."""
    groups = list(ranked.groupby(group, sort=False))
    columns = 3
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.4 * rows + 0.6), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, table) in zip(panels, groups, strict=False):
        bars = axes.barh(table[item][::-1], table[value][::-1], color=INK)
        axes.bar_label(bars, fmt="{:.0%}", fontsize=9, padding=2)
        axes.set(title=name, xlim=(0, ranked[value].max() * 1.2), xticks=[])
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
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
    bars = left.barh(names, shares_of_all, color=INK)
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
