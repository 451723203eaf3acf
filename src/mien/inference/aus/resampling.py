"""Means of rows and their 95 % intervals, where some rows lack some measures (NaN)."""

import numpy as np

_RESAMPLES = 2000
_MANY = 2000  # rows; above, the bootstrap and the normal interval agree to three digits


def means_of(values: np.ndarray) -> np.ndarray:
    """Return the mean of each column over its values that are not NaN; NaN if it has none."""
    given = ~np.isnan(values)
    counts = given.sum(axis=0)
    totals = np.where(given, values, 0).sum(axis=0)
    return np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)


def resampled_means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return means of `values` (N, measures) in resamples of the rows: (resamples, measures).

    A measure is resampled over the rows that have it; NaN if these are fewer than 2.
    """
    given = ~np.isnan(values)
    if given.all():
        return _resampled_rows(values, rng)
    means = np.full((_RESAMPLES, values.shape[1]), np.nan)
    for rows in np.unique(given, axis=1).T:
        columns = (given == rows[:, np.newaxis]).all(axis=0)
        means[:, columns] = _resampled_rows(values[np.ix_(rows, columns)], rng)
    return means


def _resampled_rows(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `resampled_means` of values without NaN."""
    rows = len(values)
    if rows < 2:
        return np.full((_RESAMPLES, values.shape[1]), np.nan)
    if rows > _MANY:
        return rng.normal(
            values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(rows), (_RESAMPLES, values.shape[1])
        )
    weights = rng.multinomial(rows, np.full(rows, 1 / rows), _RESAMPLES)
    return weights @ values / rows


def interval(resampled: np.ndarray) -> np.ndarray:
    """Return the 95 % interval of each column: (2, measures)."""
    return np.percentile(resampled, (2.5, 97.5), axis=0)
