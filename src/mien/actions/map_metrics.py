"""What can be measured of an action map. No data set says which action follows an emotion: that is not measured.

Measured are what EMOTIC's other people show beside the categories that name their emotion, how far two maps agree, and
how much of a map can be reached.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mien._io.errors import InputError
from mien.actions.action_map import ActionMap
from mien.actions.action_tables import DIMENSIONS, Tables
from mien.actions.emotic import EmoticAnnotations
from mien.actions.emotic_map import emotion_shares, estimate_profiles, names_emotion
from mien.emotions import FER2013

_RESAMPLED = 1000
_TOP = 10
_RAREST = 1e-6


def held_out(felt: EmoticAnnotations) -> tuple[np.ndarray, np.ndarray]:
    """Return who is learnt from and who is measured on, bool (N,) each: the test split, and all others.

    People whose image is also in test are in neither where they are of another split.

    Raises:
        InputError: there is no test split, or nothing else.
    """
    test = felt.split == "test"
    learnt = ~test & ~np.isin(felt.image, felt.image[test])
    if not test.any() or not learnt.any():
        found = ", ".join(sorted(set(felt.split)))
        raise InputError(f"EMOTIC: found people of {found}, expected test and another split, of other images")
    return learnt, test


def emotic_scores(felt: EmoticAnnotations, tables: Tables, smoothing: float, seed: int) -> dict[str, Any]:
    """Measure on EMOTIC's test people what the emotion tells about the rest that they show.

    Each category that names no emotion (20) gets a probability from the emotion, and, as the ranking without emotion,
    from how common it is among all. `log_likelihood` is the mean log-probability of a category shown, in nats; `ndcg`
    (0..1) how high those shown stand among the 20. Both are means over people. The gain is what the emotion adds, with
    the middle 95 % of 1,000 bootstrap samples of images. `error_removed` is the share of the squared error of valence,
    arousal and dominance that the emotion removes.

    Args:
        felt: people of the test split and others.
        tables: which category names which emotion.
        smoothing: as for `estimate_profiles`, which learns from the other splits.
        seed: of the bootstrap.

    Raises:
        InputError: there is no test split, or nobody in it counts.
    """
    learnt_rows, test_rows = held_out(felt)
    learnt, test = felt.take(learnt_rows), felt.take(test_rows)
    beside = ~names_emotion(tables)
    test = test.take(np.flatnonzero(test.categories[:, beside].any(axis=1)))
    if not len(test.image):
        raise InputError("EMOTIC: found nobody in test with a category that names no emotion, expected some")
    shares, shown = emotion_shares(test, tables), test.categories[:, beside]
    going = estimate_profiles(learnt, tables, smoothing)
    of_emotion, of_all = (_beside(rows[:, beside]) for rows in (going.categories, going.usual[None]))
    with_emotion, without = shares @ of_emotion, np.repeat(of_all, len(shown), axis=0)
    figures = {
        "log_likelihood": (_log_likelihood(shown, with_emotion), _log_likelihood(shown, without)),
        "ndcg": (_ndcg(shown, with_emotion), _ndcg(shown, without)),
    }
    weights = _bootstrap(test.image, seed)
    return {
        "people_learnt_from": len(learnt.image),
        "people_measured_on": len(test.image),
        "images_measured_on": len(np.unique(test.image)),
        **{name: _gain(*of_people, np.ones(len(shown)), weights) for name, of_people in figures.items()},
        "error_removed": _error_removed(learnt, test, tables),
        "by_emotion": {
            emotion: {"people": round(float(shares[:, at].sum()), 1)}
            | {name: _gain(*of_people, shares[:, at], weights) for name, of_people in figures.items()}
            for at, emotion in enumerate(FER2013)
            if shares[:, at].any()
        },
    }


def coverage(actions: ActionMap) -> dict[str, int]:
    """Return how much of a map can be reached.

    emotions, contexts and actions: how many there are. reachable: actions that are possible in some emotion and
    context. in_some_top_10: those that are among the ten likeliest of some. different_first: of the emotions and
    contexts together, how many have another likeliest action than the emotion without context.
    """
    table = np.einsum("ek,kxa->exa", actions.feeling_of_emotion, actions.action_of_feeling)
    ranked = np.argsort(-table, axis=2, kind="stable")
    alone = np.array([actions.given(emotion).argmax() for emotion in FER2013])
    return {
        "emotions": int((table.sum(axis=(1, 2)) > 0).sum()),
        "contexts": len(actions.contexts),
        "actions": len(actions.actions),
        "reachable": int((table > 0).any(axis=(0, 1)).sum()),
        "in_some_top_10": len(np.unique(ranked[:, :, :_TOP])),
        "different_first": int((ranked[:, :, 0] != alone[:, None]).sum()),
    }


def agreement(ours: ActionMap, other: ActionMap) -> dict[str, float]:
    """Return how far two maps of the same actions agree, contexts averaged over.

    rank_correlation: Spearman's, of the actions' probabilities in an emotion, mean of the emotions. kappa: Cohen's, on
    which emotion each action speaks for most. common_in_top_10: mean share of an emotion's ten likeliest actions that
    are among the other's. without_emotion: the rank correlation where our map knows only how common emotions are alike.
    """
    from sklearn.metrics import cohen_kappa_score  # takes a second to load

    mine, theirs = (np.array([one.given(emotion) for emotion in FER2013]) for one in (ours, other))
    tops = [[set(np.argsort(-row, kind="stable")[:_TOP]) for row in one] for one in (mine, theirs)]
    blind = np.repeat(mine.mean(axis=0)[None], len(FER2013), axis=0)
    return {
        "rank_correlation": _rank_correlation(mine, theirs),
        "rank_correlation_without_emotion": _rank_correlation(blind, theirs),
        "kappa": round(float(cohen_kappa_score(_speaks_for(mine), _speaks_for(theirs))), 4),
        "common_in_top_10": round(float(np.mean([len(a & b) / _TOP for a, b in zip(*tops, strict=True)])), 4),
    }


def _beside(rows: np.ndarray) -> np.ndarray:
    """Return distributions over some of the categories, none of which is impossible."""
    possible = np.maximum(rows, _RAREST)
    return possible / possible.sum(axis=1, keepdims=True)


def _log_likelihood(shown: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the mean log-probability of the categories that each person shows, float (N,)."""
    return (shown * np.log(predicted)).sum(axis=1) / shown.sum(axis=1)


def _ndcg(shown: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the NDCG of each person's ranking, float (N,)."""
    from sklearn.metrics import ndcg_score

    return np.array([ndcg_score([a], [b]) for a, b in zip(shown.astype(int), predicted, strict=True)])


def _bootstrap(images: np.ndarray, seed: int) -> np.ndarray:
    """Return how often each person is in each sample of images drawn with replacement, int16 (samples, N)."""
    _, of_person = np.unique(images, return_inverse=True)
    count = of_person.max() + 1
    rng = np.random.default_rng(seed)
    drawn = [np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(_RESAMPLED)]
    return np.array(drawn, np.int16)[:, of_person]


def _gain(ours: np.ndarray, other: np.ndarray, weights: np.ndarray, samples: np.ndarray) -> dict[str, Any]:
    """Return the weighted means of two figures, what one is above the other, and the middle 95 % of its samples."""
    drawn = samples @ weights
    gains = (samples @ (weights * (ours - other)))[drawn > 0] / drawn[drawn > 0]
    means = [float(np.average(figure, weights=weights)) for figure in (ours, other)]
    low, high = np.percentile(gains, [2.5, 97.5])
    return {
        "with_emotion": round(means[0], 4),
        "without": round(means[1], 4),
        "gain": round(means[0] - means[1], 4),
        "gain_95": [round(float(low), 4), round(float(high), 4)],
    }


def _error_removed(learnt: EmoticAnnotations, test: EmoticAnnotations, tables: Tables) -> Mapping[str, float]:
    """Return 1 - error with emotion / error with everyone's mean; nothing where nobody is annotated."""
    learnt, test = (felt.take(~np.isnan(felt.vad[:, 0])) for felt in (learnt, test))
    if not (len(learnt.vad) and len(test.vad)):
        return {}
    shares = emotion_shares(learnt, tables)
    mean = learnt.vad.mean(axis=0)
    of_emotion = mean + shares.T @ (learnt.vad - mean) / np.maximum(shares.sum(axis=0)[:, None], 1)
    errors = [((test.vad - guess) ** 2).sum(axis=0) for guess in (emotion_shares(test, tables) @ of_emotion, mean)]
    removed = np.where(errors[1] > 0, 1 - errors[0] / np.maximum(errors[1], np.finfo(float).tiny), 0)
    return {name: round(float(value), 4) for name, value in zip(DIMENSIONS, removed, strict=True)}


def _rank_correlation(mine: np.ndarray, theirs: np.ndarray) -> float:
    from scipy.stats import spearmanr  # takes half a second to load

    return round(float(np.mean([spearmanr(a, b).statistic for a, b in zip(mine, theirs, strict=True)])), 4)


def _speaks_for(of_emotion: np.ndarray) -> np.ndarray:
    """Return the emotion in which each action is likeliest, int (A,)."""
    return of_emotion.argmax(axis=0)
