"""Scores how far the features of new faces are from those of a reference: one number per face.

A classifier two-sample test (Lopez-Paz & Oquab 2017, ICLR): a linear discriminant learns from half of the faces in both
sets how the features of new faces differ. Then the other half is scored. If the sets are alike, nothing that was
learned holds for the other half, and both sets have similar scores. So the permutation test of `comparison` is exact
for them, however many features there are.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mien._io.errors import note
from mien.inference.drift.measures import FEATURES, Faces

_SHRINKAGE = 0.1  # of the covariance, towards a multiple of the identity, as a few faces tell little about it


def with_feature_scores(reference: Faces, new: Faces) -> tuple[Faces, Faces]:
    """Return both sets with one column FEATURES instead of the columns of features, if both have the same ones.

    The column is NaN for the half of the faces from which the discriminant learned. For the others, it is the
    discriminant in standard deviations from the mean of the reference. A note says if features are not compared.
    """
    sets = (reference, new)
    tables = [faces.table.drop(columns=faces.features.columns) for faces in sets]
    names, others = (faces.features.columns.tolist() for faces in sets)
    if names and others and names != others:
        note(f"not compared, as two networks read them: {FEATURES}")
    elif names != others:  # `shared` says which measures one table lacks
        tables = [
            table.assign(**{FEATURES: np.nan}) if own else table
            for table, own in zip(tables, (names, others), strict=True)
        ]
    elif names:
        features = [faces.features.to_numpy(float) for faces in sets]
        learnt = [np.array([_is_learnt(row) for row in rows]) for rows in features]
        if all(half.any() and not half.all() for half in learnt):
            scores = _scores(features, learnt)
            tables = [table.assign(**{FEATURES: own}) for table, own in zip(tables, scores, strict=True)]
        else:
            note(f"not compared, as the faces of a set are hardly more than copies of one: {FEATURES}")
    first, second = (replace(faces, table=table) for faces, table in zip(sets, tables, strict=True))
    return first, second


def _scores(sets: Sequence[np.ndarray], learnt: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the scores of two sets of features, float (N, features); NaN for faces to learn from, bool (N,)."""
    weights = _discriminant(*(features[rows] for features, rows in zip(sets, learnt, strict=True)))
    scores = [np.where(rows, np.nan, features @ weights) for features, rows in zip(sets, learnt, strict=True)]
    middle, spread = np.nanmean(scores[0]), np.nanstd(scores[0])
    return [(own - middle) / (spread or 1.0) for own in scores]


def _is_learnt(features: np.ndarray) -> bool:
    """Draw a half by the features themselves, so that all copies of a face, also in both sets, are in one half."""
    return bool(hashlib.blake2b(features.tobytes(), digest_size=1).digest()[0] & 1)


def _discriminant(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the weights of Fisher's linear discriminant, float (features,), with a shrunk covariance."""
    centred = np.concatenate([part - part.mean(axis=0) for part in (old, new)])
    covariance = centred.T @ centred / len(centred)
    scale = np.trace(covariance) / len(covariance)
    target = (scale or 1.0) * np.eye(len(covariance))
    mixed = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * target
    return np.asarray(np.linalg.solve(mixed, new.mean(axis=0) - old.mean(axis=0)))
