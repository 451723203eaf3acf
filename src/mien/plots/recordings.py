"""Plots of what was read from recordings: emotions over time, means of people and conditions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mien.plots.style import INK


def emotions_over_time(seconds: np.ndarray, means: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Show the mean probability of each emotion over time, with gaps for NaN.

    Args:
        seconds: float (T,).
        means: probabilities, float (T, emotions).
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    colours = ("#c44536", "#4c8c4a", "#8e5aa8", "#e8b020", "#3f7cac", "#f2803a", "#8a8f94", INK)
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
        lines: from `mien.inference.aus.group_statistics.statistics`.
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
