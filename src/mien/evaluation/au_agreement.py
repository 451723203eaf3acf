"""Measures the Action Units (AUs) that a network reads in faces, without AU codes by people."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from mien.aus.facs import AUS, COLUMNS, JAW_DROP, MOUTH_STRETCH, column
from mien.aus.rules import TABLES
from mien.inference.networks.au_classifier import AUClassifier
from mien.inference.networks.pretrained import AU_NETWORK

_SHOWN, _ABSENT = 0.5, 0.1  # P(AU | emotion) above which an emotion shows an AU, and below which it does not


def in_table_order(intensities: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return intensities (N, names) in the order of `mien.aus.readers`: (N, AUS); AU27 counts as AU26."""
    by_name = dict(zip(names, intensities.T, strict=True))
    jaw = [by_name[name] for name in (column(JAW_DROP), column(MOUTH_STRETCH)) if name in by_name]
    return np.stack([np.max(jaw, axis=0) if au == JAW_DROP else by_name[column(au)] for au in AUS], axis=1)


def agreement(read: np.ndarray, labelled: np.ndarray, given: Sequence[int]) -> dict[str, float]:
    """Return Pearson's r between what a network reads and a table, by AU, and their mean.

    Args:
        read, labelled: (N, AUS), 0..100.
        given: the AUs that the table gives.
    """
    by_au = {column(au): np.corrcoef(read[:, AUS.index(au)], labelled[:, AUS.index(au)])[0, 1] for au in given}
    return {name: round(float(r), 4) for name, r in {"mean": np.mean([*by_au.values()]), **by_au}.items()}


def prototype_auc(read: np.ndarray, labels: np.ndarray, presence: np.ndarray) -> dict[str, float]:
    """Return the area under the ROC curve by AU, for faces of emotions that show it against those that do not.

    If the network learned an AU from the emotions, this is circular: it tells how well emotions are read.

    Args:
        read: (N, AUS).
        labels: indices of emotions (N,).
        presence: P(AU | emotion), (emotions, AUS).
    """
    scores = {}
    for index, name in enumerate(COLUMNS):
        likely = presence[labels, index]
        clear = (likely >= _SHOWN) | (likely <= _ABSENT)
        if (likely >= _SHOWN).any():
            scores[name] = round(float(roc_auc_score(likely[clear] >= _SHOWN, read[clear, index])), 4)
    return scores


def emotions_from_aus(read: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Return the accuracy of the pretrained AU network and of each AU table's rules, on AUs read by a network.

    Args:
        read: (N, AUS).
        labels: indices of `classes` (N,).
    """
    accuracies = {}
    for name in (AU_NETWORK.stem, *TABLES):
        emotions = AUClassifier.from_pretrained(name).predict(read)
        accuracies[name] = round(float((emotions == np.array(classes, object)[labels]).mean()), 4)
    return accuracies
