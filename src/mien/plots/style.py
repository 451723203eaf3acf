"""What the plots share."""

from collections.abc import Iterable

from matplotlib.axes import Axes

INK = "#1f3b57"
SHORT = 9  # limit of letters of class names side by side
FEW = 9  # limit of such classes


def turn_names(axes: Axes, names: Iterable[str]) -> bool:
    """Rotate the names below an axis if they would overlap. Returns whether they were rotated."""
    names = list(names)
    is_turned = len(names) > FEW or max(map(len, names)) > SHORT
    if is_turned:
        axes.tick_params(axis="x", labelrotation=30)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    return is_turned
