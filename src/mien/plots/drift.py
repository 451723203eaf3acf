"""Plots of drift: measures of new faces beside those of a reference."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mien.plots.style import INK


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
        for values, label, colour in ((reference, "reference", "#b0b7bf"), (new, "new", INK)):
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
