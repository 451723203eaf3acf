"""Measures the AU network and its baselines on Action Units that were coded on real faces."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mien._io.errors import InputError, note
from mien.aus.readers import open_aus
from mien.aus.rules import TABLES, AuTable
from mien.evaluation.baselines import Baseline, LabelledAus, baseline_scores, rule_baseline
from mien.evaluation.metrics import restrict_classes, scores


def read_real_aus(path: Path, classes: Sequence[str]) -> LabelledAus:
    """Read a table of AUs that were coded on real faces, with the emotion of each in the column `emotion`.

    Rows that cannot be read are left out, with a note.

    Args:
        path: an AU table of any format that `open_aus` recognises.
        classes: the emotions that may occur.

    Raises:
        InputError: the table is damaged, an emotion is not among `classes`, or all rows are of one emotion.
    """
    with open_aus(path, label="emotion") as table:
        chunks = list(table.chunks())
    if table.bad_rows:
        note(f"{path}: {table.bad_rows}")
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
    """Return the figures on real AUs; network, baselines and tables choose among the emotions that occur in the cases.

    Args:
        probabilities: the network's, float (N, classes), for the N cases.
        classes: the emotions of its columns.
        baselines: further classifiers to measure.
        validation: synthetic cases on which the threshold for neutral of each table of the package is chosen.

    Returns:
        cases (N), network (all headline figures), baselines and tables (the short ones of each).
    """
    occurring = [name for name in classes if name in cases.emotions]
    labels = np.array([occurring.index(name) for name in cases.emotions])
    tables = {name: rule_baseline(AuTable.load(name), validation) for name in TABLES}
    return {
        "cases": len(labels),
        "network": scores(labels, restrict_classes(probabilities, classes, occurring), occurring),
        "baselines": baseline_scores(baselines, cases),
        "tables": baseline_scores(tables, cases),
    }
