"""Compares two sets of faces by the population stability index and a permutation test.

The population stability index (PSI; Siddiqi 2006, Credit Risk Scorecards) of a measure is the sum over bins of (q - p)
ln(q / p), with the shares p of the reference and q of the new faces. Usually, a PSI up to 0.1 is read as no shift and
0.25 or more as a large one. With few faces, chance alone gives far larger values (Yurdakul & Naranjo 2020, Journal of
Risk Model Validation 14). So a shift must also be unlikely by chance: shuffling the faces of both sets tells how often
their PSI is as large (permutation test; Phipson & Smyth 2010, Statistical Applications in Genetics and Molecular
Biology 9). Bins contain equal numbers of the faces of both sets together, so the test is exact.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mien._io.errors import InputError, note
from mien.inference.drift.measures import Faces, shared

#: The columns of a comparison. reference and new are medians; for emotions, shares.
COLUMNS = ("measure", "reference", "new", "psi", "p", "drift")
#: PSI at which a shift is large.
MAX_PSI = 0.25
#: The chance of a false alarm, over all measures together.
LEVEL = 0.01
#: Minimum number of faces; smaller sets tell nothing.
MIN_FACES = 20

_MAX_BINS = 10
_FACES_PER_BIN = 10
_SHUFFLES = 9999
_HALF = 0.5  # share of a face that is added to each bin, so that none is empty


def compare(
    reference: Faces,
    new: Faces,
    max_psi: float = MAX_PSI,
    names: tuple[object, object] = ("the reference", "the new faces"),
) -> pd.DataFrame:
    """Compare two sets of faces, after `with_feature_scores`.

    Returns:
        The columns of COLUMNS, one row per measure: medians, PSI, the probability p of such a PSI by chance, and
        whether it is a drift: the PSI is at least `max_psi` and p is below LEVEL / measures (Bonferroni). Below
        "emotion", there is one row per emotion, with its shares only.

    Raises:
        InputError: a set has too few faces, or the sets share no measure.
    """
    for name, faces in zip(names, (reference, new), strict=True):
        if len(faces.table) < MIN_FACES:
            raise InputError(f"{name}: found {len(faces.table)} faces, expected at least {MIN_FACES}")
    pairs = {name: (reference.table[name].dropna(), new.table[name].dropna()) for name in shared([reference, new])}
    if reference.per_photo is not None and new.per_photo is not None:
        pairs["faces in a photo"] = pd.Series(reference.per_photo), pd.Series(new.per_photo)
    if not pairs:
        raise InputError("the tables have no column in common, expected some of brightness, size, confidence, emotion")
    if min(len(reference.table), len(new.table)) < _FACES_PER_BIN * _MAX_BINS:
        note("few faces: only large shifts can be told from chance")
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for name, (old, now) in pairs.items():
        psi, p = _psi_and_p(*_binned(old, now), rng)
        is_drift = psi >= max_psi and p < LEVEL / len(pairs)
        row = {"measure": name, "psi": psi, "p": p, "drift": is_drift}
        if name == "emotion":
            rows += [row, *_shares(old, now)]
        else:
            rows.append(row | {"reference": old.median(), "new": now.median()})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _shares(old: pd.Series, now: pd.Series) -> list[dict[str, object]]:
    names = sorted({*old, *now})
    return [{"measure": name, "reference": (old == name).mean(), "new": (now == name).mean()} for name in names]


def _binned(old: pd.Series, now: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return how many values of both sets are in each bin. For text, each value is a bin."""
    both = pd.concat([old, now], ignore_index=True)
    if pd.api.types.is_numeric_dtype(both):
        count = int(np.clip(min(len(old), len(now)) // _FACES_PER_BIN, 2, _MAX_BINS))
        edges = np.unique(np.quantile(both, np.arange(1, count) / count))
        bins = np.searchsorted(edges, both, side="right")
    else:
        bins = pd.factorize(both)[0]
    size = int(bins.max()) + 1
    return np.bincount(bins[: len(old)], minlength=size), np.bincount(bins[len(old) :], minlength=size)


def _psi_and_p(old: np.ndarray, now: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Return the PSI of counts by bin, and the probability of such a PSI by chance."""
    total = old + now
    psi = float(_psi(old, now))
    shuffled = rng.multivariate_hypergeometric(total, int(now.sum()), _SHUFFLES, method="marginals")
    as_large = int((_psi(total - shuffled, shuffled) >= psi - 1e-12).sum())
    return psi, (1 + as_large) / (1 + _SHUFFLES)


def _psi(old: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Return the PSI of counts (.., bins)."""
    p, q = (((counts + _HALF) / (counts + _HALF).sum(axis=-1, keepdims=True)) for counts in (old, now))
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def drifted(comparison: pd.DataFrame) -> Sequence[str]:
    """Return the measures of a comparison that have drifted."""
    return list(comparison["measure"][comparison["drift"].eq(True)])
