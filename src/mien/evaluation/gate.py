"""A gate: tells whether a network is worse than another one on the same images, overall, by class and by slice.

Both networks answer the same images, so only images that exactly one of them reads right count (McNemar 1947). Own
code, because MLflow's `validate_evaluation_results` compares only figures: in a class of 12 images, one image is 8
points, which does not make a network worse.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from mien._io.errors import InputError

_LEVEL = 0.05  # the chance to refuse a network that is as good, over all groups together
_COLUMNS = ("group", "images", "accuracy", "accuracy_against", "lost", "won", "p", "worse")


@dataclass(frozen=True)
class Gate:
    """The comparison of a network with another one.

    Attributes:
        table: one row per group of images: group (its name), images, accuracy (of the network, 0..1, 4 digits),
            accuracy_against (of the other one), lost (images that only the other one reads right), won (the opposite),
            p (one-sided exact McNemar test, 3 digits), and worse (whether the network is worse).
        margin: the share of images that a network may lose.
        small: groups with so few images that chance explains any loss.
    """

    table: pd.DataFrame
    margin: float
    small: tuple[str, ...]

    @classmethod
    def of(cls, groups: Mapping[str, np.ndarray], right: np.ndarray, against: np.ndarray, margin: float) -> Self:
        """Compare a network with another one.

        It is worse in a group of images if its accuracy is lower by more than the margin and the loss is significant: p
        is below 0.05, divided by the number of groups (Bonferroni).

        Args:
            groups: positions of the images of each group, int (n,), or a mask, bool (N,); by name.
            right: bool (N,), whether the network reads each image as labelled.
            against: bool (N,), the same for the other network.
            margin: 0 or more, below 1.
        """
        level = _LEVEL / max(len(groups), 1)
        rows = [_compared(name, right[images], against[images], margin, level) for name, images in groups.items()]
        # p is 0.5 ** images if every image is lost
        small = [row["group"] for row in rows if 0.5 ** row["images"] >= level]
        return cls(pd.DataFrame(rows, columns=_COLUMNS).astype({"worse": bool}), margin, tuple(small))

    @property
    def refusals(self) -> list[str]:
        """One line per group of images that is worse."""
        return [
            f"{row['group']}: found {row['accuracy']:.4f}, expected at least "
            f"{max(row['accuracy_against'] - self.margin, 0):.4f} (the other network: "
            f"{row['accuracy_against']:.4f}, margin {self.margin:g}; of {row['images']:,} images {row['lost']:,} are "
            f"lost, {row['won']:,} won)"
            for row in self.table[self.table["worse"]].to_dict("records")
        ]

    def to_text(self) -> str:
        """Return one line per worse group, and a summary line."""
        lines = [f"worse: {line}" for line in self.refusals]
        return "\n".join([*lines, f"worse in {len(lines)} of {len(self.table)} groups of images"])

    def notes(self) -> list[str]:
        """Return notes on what the comparison cannot tell."""
        if not self.small:
            return []
        return [f"too few images to tell whether it is worse: {', '.join(self.small)}"]

    def to_json(self) -> dict[str, Any]:
        """Return margin, worse (the lines of `refusals`) and groups, for JSON."""
        return {"margin": self.margin, "worse": self.refusals, "groups": self.table.to_dict("records")}


def check_margin(margin: float) -> None:
    """Raise InputError for a margin that is not a share of images."""
    if not 0 <= margin < 1:
        raise InputError(f"--margin: found {margin:g}, expected 0 or more, below 1; 0.02 is 2 of 100 images")


def _compared(name: str, right: np.ndarray, against: np.ndarray, margin: float, level: float) -> dict[str, Any]:
    from scipy.stats import binomtest  # takes half a second to load

    lost, won = int((against & ~right).sum()), int((right & ~against).sum())
    p = float(binomtest(lost, lost + won, alternative="greater").pvalue) if lost + won else 1.0
    is_worse = lost - won > margin * len(right) and p < level
    accuracies = round(float(right.mean()), 4), round(float(against.mean()), 4)
    return dict(zip(_COLUMNS, (name, len(right), *accuracies, lost, won, float(f"{p:.3g}"), is_worse), strict=True))
