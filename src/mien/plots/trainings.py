"""Plots of trainings: learning curves, and experiments compared."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mien.plots.style import INK


def training_history(epochs: pd.DataFrame, best: Mapping[str, float], title: str) -> Figure:
    """Show accuracy and loss of training and validation by epoch, and mark the best epoch (a row of `epochs`)."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        axes.plot(epochs["epoch"], epochs[name], label="training", color="#b0b7bf")
        axes.plot(epochs["epoch"], epochs[f"val_{name}"], label="validation", color=INK)
        axes.axvline(best["epoch"], linestyle=":", color="#c44536", label=f"best: epoch {best['epoch']:.0f}")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend()
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
    for score, shift, colour in (("accuracy", 0.19, INK), ("macro_f1", -0.19, "#f2a65a")):
        drawn = bars.barh(places + shift, table[score], 0.36, label=score.replace("_", " "), color=colour)
        bars.bar_label(drawn, fmt="{:.1%}", fontsize=8, padding=2)
    bars.set_yticks(places, table["experiment"])
    bars.set(xlabel="test", xlim=(0, 1.1))
    bars.xaxis.set_major_formatter(PercentFormatter(1))
    bars.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.1), frameon=False)
    for axes in (lines, bars):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
