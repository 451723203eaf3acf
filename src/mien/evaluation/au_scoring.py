"""What `mien score` does for AU tables: a table with true emotions in, figures about a classifier out."""

from pathlib import Path

import numpy as np

from mien._io.errors import within
from mien.evaluation import metrics, scoring
from mien.inference.au_classifier import AUClassifier
from mien.inference.au_tables import Notes, TableOptions, open_table, read_chunks


def score(
    path: Path, label: str, classifier: AUClassifier, options: TableOptions, all_classes: bool, as_json: bool
) -> None:
    """Print how well a classifier does on a table whose column `label` names the emotions; notes go to stderr.

    Rows without a reliable face, and rows of an emotion that the classifier does not know, are left out. So are the
    classifier's emotions that no row is labelled with, unless `all_classes`.

    Raises:
        InputError: the table is damaged, a label is not an emotion, or no row is left.
    """
    note = Notes()
    truth = scoring.Truth(classifier.classes_, "row")
    chunks: list[np.ndarray] = []
    with open_table(path, options, classifier, label) as table:
        for chunk in read_chunks(table, note):
            known = truth.add(np.array(chunk.labels, object)[chunk.reliable])
            chunks.append(classifier.predict_proba(chunk.intensities[chunk.reliable][known]))
    with within(f"{path}, column {label}"):
        choice = truth.choice(all_classes)
    for text in truth.notes(choice):
        note(f"{path}: {text}")
    probabilities = metrics.restrict_classes(np.concatenate(chunks), classifier.classes_, choice.classes)
    counts = {"rows": len(choice.labels), "left_out": truth.left_out.total(), "classes": choice.classes}
    figures = counts | metrics.scores(choice.labels, probabilities, choice.classes)
    scoring.show(figures, metrics.per_class(choice.labels, probabilities, choice.classes), as_json)
