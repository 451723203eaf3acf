"""Measures the AU network and its baselines on Action Units coded on real faces."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mien._io.errors import InputError, note
from mien.aus.readers import open_aus
from mien.aus.rules import TABLES, AuTable
from mien.evaluation.baselines import Baseline, baseline_scores, rule_baseline
from mien.evaluation.labelled_aus import LabelledAus
from mien.evaluation.metrics import restrict_classes, scores


def read_real_aus(path: Path, classes: Sequence[str]) -> LabelledAus:
    """Read a table of AUs coded on real faces, with their emotions in the column `emotion`.

    Rows that are unreadable or without a face are left out. Notes tell of this, of ignored columns and of the scale.

    Args:
        path: an AU table of any format that `open_aus` recognises.
        classes: the emotions that may occur.

    Raises:
        InputError: the table is damaged, an emotion is not among `classes`, or all rows have the same emotion.
    """
    with open_aus(path, label="emotion") as table:
        chunks = list(table.chunks())
    for text in table.notes:
        note(f"{path}: {text}")
    intensities = np.concatenate([chunk.intensities[chunk.reliable] for chunk in chunks])
    emotions = np.concatenate([np.array(chunk.labels)[chunk.reliable] for chunk in chunks])
    if unlabelled := int((emotions == "").sum()):
        note(f"{path}: rows without an emotion left out: {unlabelled:,}")
        intensities, emotions = intensities[emotions != ""], emotions[emotions != ""]
    if unknown := set(emotions) - set(classes):
        raise InputError(f"{path}, column emotion: found {min(unknown)}, expected one of {', '.join(classes)}")
    if len(set(emotions)) < 2:
        raise InputError(f"{path}: found {len(emotions)} rows of one emotion or none, expected at least two emotions")
    return LabelledAus(intensities, emotions)


def real_scores(
    cases: LabelledAus,
    probabilities: np.ndarray,
    classes: Sequence[str],
    baselines: Mapping[str, Baseline],
    validation: LabelledAus,
) -> dict[str, Any]:
    """Return the figures on real AUs. Network, baselines and tables choose among the emotions that occur.

    Args:
        probabilities: the network's, float (N, classes), for the N cases.
        classes: the emotions of its columns.
        baselines: further classifiers to measure.
        validation: synthetic cases, to choose the neutral threshold of each table of the package.

    Returns:
        cases (N), network (all headline figures), baselines and tables (the short ones of each that knows one of the
        emotions).
    """
    occurring = [name for name in classes if name in cases.emotions]
    labels = np.array([occurring.index(name) for name in cases.emotions])
    tables = {name: rule_baseline(AuTable.load(name), validation) for name in TABLES}
    return {
        "cases": len(labels),
        "network": scores(labels, restrict_classes(probabilities, classes, occurring), occurring),
        "baselines": baseline_scores(baselines, cases, "au_real.baselines"),
        "tables": baseline_scores(tables, cases, "au_real.tables"),
    }
