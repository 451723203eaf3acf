"""Scores a classifier on an AU table whose rows are labelled with emotions (`mien score`)."""

from pathlib import Path

import numpy as np

from mien._io.errors import within
from mien.evaluation import metrics, scoring
from mien.inference.aus.au_notes import Notes, read_chunks
from mien.inference.aus.au_tables import TableOptions, open_table
from mien.inference.networks.au_classifier import AUClassifier


def score(
    path: Path, label: str, classifier: AUClassifier, options: TableOptions, all_classes: bool, as_json: bool
) -> None:
    """Print how well a classifier does on a table with emotions in the column `label`. Notes go to stderr.

    Rows without a reliable face, unreadable rows, and rows of an emotion that the classifier does not know are left
    out. Emotions without a labelled row cannot be chosen, unless `all_classes`.

    Raises:
        InputError: the table is damaged, a label is not an emotion, or no row is left.
    """
    note = Notes()
    collector = scoring.TruthCollector(classifier.classes_, "row")
    chunks: list[np.ndarray] = []
    with open_table(path, options, classifier, label) as table:
        for chunk in read_chunks(table, note):
            labels = np.array([text or "no label" for text in chunk.labels or ()], object)
            known = collector.add(labels[chunk.reliable])
            faces = chunk.intensities[chunk.reliable][known]
            chunks.append(classifier.predict_proba(faces, scale_note=False))  # the table has said it
    with within(f"{path}, column {label}"):
        truth = collector.ground_truth(all_classes)
    for text in collector.notes(truth):
        note(f"{path}: {text}")
    probabilities = metrics.restrict_classes(np.concatenate(chunks), classifier.classes_, truth.classes)
    counts = {"rows": len(truth.labels), "left_out": collector.left_out.total(), "classes": truth.classes}
    figures = counts | metrics.scores(truth.labels, probabilities, truth.classes)
    scoring.print_figures(figures, metrics.per_class(truth.labels, probabilities, truth.classes), as_json)
