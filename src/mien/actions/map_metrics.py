"""Measures what can be measured about an action map. No data set says which action follows an emotion.

Measured are: which other categories EMOTIC's test people show, given their emotion; how far two maps agree; and how
much of a map can be reached.
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

_RESAMPLES = 1000
_TOP = 10
_MIN_PROBABILITY = 1e-6


def held_out(people: EmoticAnnotations) -> tuple[np.ndarray, np.ndarray]:
    """Return who is in the training set (all splits but test) and who is in the test set: bool (N,) each.

    People of other splits whose image is also in test are in neither.

    Raises:
        InputError: there is no test split, or no other split.
    """
    test = people.split == "test"
    learnt = ~test & ~np.isin(people.image, people.image[test])
    if not test.any() or not learnt.any():
        found = ", ".join(sorted(set(people.split)))
        raise InputError(f"EMOTIC: found people of {found}, expected test and another split, of other images")
    return learnt, test


def emotic_scores(people: EmoticAnnotations, tables: Tables, smoothing: float, seed: int) -> dict[str, Any]:
    """Measure on EMOTIC's test people what an emotion tells about the other categories that they show.

    Each of the 20 categories that name no emotion gets two probabilities: from the emotion, and from how common it is
    among all people. `log_likelihood` is the mean log-probability of a category shown, in nats; `ndcg` (0..1) tells how
    high the categories shown rank among the 20. Both are means over people. The gain is what the emotion adds, with the
    middle 95 % of 1,000 bootstrap samples of images. `error_removed` is the share of the squared error of valence,
    arousal and dominance that the emotion removes.

    Args:
        people: from the test split and other splits.
        tables: which category names which emotion.
        smoothing: as for `estimate_profiles`, which learns from the other splits.
        seed: of the bootstrap.

    Raises:
        InputError: there is no test split, or it has no usable person.
    """
    learnt_rows, test_rows = held_out(people)
    learnt, test = people.take(learnt_rows), people.take(test_rows)
    other = ~names_emotion(tables)
    test = test.take(np.flatnonzero(test.categories[:, other].any(axis=1)))
    if not len(test.image):
        raise InputError("EMOTIC: found no person in test with a category that is not an emotion, expected some")
    shares, shown = emotion_shares(test, tables), test.categories[:, other]
    profiles = estimate_profiles(learnt, tables, smoothing)
    by_emotion, overall = (_normalised(rows[:, other]) for rows in (profiles.categories, profiles.overall[None]))
    with_emotion, without = shares @ by_emotion, np.repeat(overall, len(shown), axis=0)
    figures = {
        "log_likelihood": (_log_likelihood(shown, with_emotion), _log_likelihood(shown, without)),
        "ndcg": (_ndcg(shown, with_emotion), _ndcg(shown, without)),
    }
    samples = _bootstrap(test.image, seed)
    return {
        "people_learnt_from": len(learnt.image),
        "people_measured_on": len(test.image),
        "images_measured_on": len(np.unique(test.image)),
        **{name: _gain(*per_person, np.ones(len(shown)), samples) for name, per_person in figures.items()},
        "error_removed": _error_removed(learnt, test, tables),
        "by_emotion": {
            emotion: {"people": round(float(weights.sum()), 1)}
            | {name: _gain(*per_person, weights, samples) for name, per_person in figures.items()}
            for emotion, weights in zip(FER2013, shares.T, strict=True)
            if weights.any()
        },
    }


def coverage(actions: ActionMap) -> dict[str, int]:
    """Return how much of a map can be reached.

    Returns:
        emotions, contexts, actions: how many there are.
        reachable: actions that are possible in at least one emotion and context.
        in_some_top_10: actions that are among the ten most likely of at least one emotion and context.
        different_first: pairs of emotion and context whose most likely action differs from that of the emotion alone.
    """
    table = np.einsum("ek,kxa->exa", actions.feeling_of_emotion, actions.action_of_feeling)
    ranked = np.argsort(-table, axis=2, kind="stable")
    alone = np.array([actions.action_probabilities(emotion).argmax() for emotion in FER2013])
    return {
        "emotions": int((table.sum(axis=(1, 2)) > 0).sum()),
        "contexts": len(actions.contexts),
        "actions": len(actions.actions),
        "reachable": int((table > 0).any(axis=(0, 1)).sum()),
        "in_some_top_10": len(np.unique(ranked[:, :, :_TOP])),
        "different_first": int((ranked[:, :, 0] != alone[:, None]).sum()),
    }


def agreement(ours: ActionMap, other: ActionMap) -> dict[str, float]:
    """Return how far two maps of the same actions agree, averaged over contexts.

    Returns:
        rank_correlation: Spearman's, between the probabilities of actions in an emotion; mean over emotions.
        rank_correlation_without_emotion: the same if our map does not know the emotion (all equally common).
        kappa: Cohen's, on the emotion in which each action is most likely.
        common_in_top_10: mean share of an emotion's ten most likely actions that both maps have in common.
    """
    from sklearn.metrics import cohen_kappa_score  # takes a second to load

    mine, theirs = (
        np.array([action_map.action_probabilities(emotion) for emotion in FER2013]) for action_map in (ours, other)
    )
    tops = [[set(np.argsort(-row, kind="stable")[:_TOP]) for row in rows] for rows in (mine, theirs)]
    blind = np.repeat(mine.mean(axis=0)[None], len(FER2013), axis=0)
    return {
        "rank_correlation": _rank_correlation(mine, theirs),
        "rank_correlation_without_emotion": _rank_correlation(blind, theirs),
        "kappa": round(float(cohen_kappa_score(_likeliest_emotion(mine), _likeliest_emotion(theirs))), 4),
        "common_in_top_10": round(float(np.mean([len(a & b) / _TOP for a, b in zip(*tops, strict=True)])), 4),
    }


def _normalised(rows: np.ndarray) -> np.ndarray:
    """Return distributions over some of the categories, with no probability of 0."""
    possible = np.maximum(rows, _MIN_PROBABILITY)
    return possible / possible.sum(axis=1, keepdims=True)


def _log_likelihood(shown: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the mean log-probability of the categories that each person shows: float (N,)."""
    return (shown * np.log(predicted)).sum(axis=1) / shown.sum(axis=1)


def _ndcg(shown: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the NDCG of each person's ranking, float (N,)."""
    from sklearn.metrics import ndcg_score

    return np.array([ndcg_score([a], [b]) for a, b in zip(shown.astype(int), predicted, strict=True)])


def _bootstrap(images: np.ndarray, seed: int) -> np.ndarray:
    """Return how often each person is in each bootstrap sample of images: int16 (samples, N)."""
    _, image_of_person = np.unique(images, return_inverse=True)
    count = image_of_person.max() + 1
    rng = np.random.default_rng(seed)
    image_counts = [np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(_RESAMPLES)]
    return np.array(image_counts, np.int16)[:, image_of_person]


def _gain(ours: np.ndarray, other: np.ndarray, weights: np.ndarray, samples: np.ndarray) -> dict[str, Any]:
    """Return the weighted means of two figures, and their difference with its middle 95 % over samples."""
    total = samples @ weights
    gains = (samples @ (weights * (ours - other)))[total > 0] / total[total > 0]
    means = [float(np.average(figure, weights=weights)) for figure in (ours, other)]
    low, high = np.percentile(gains, [2.5, 97.5])
    return {
        "with_emotion": round(means[0], 4),
        "without": round(means[1], 4),
        "gain": round(means[0] - means[1], 4),
        "gain_95": [round(float(low), 4), round(float(high), 4)],
    }


def _error_removed(learnt: EmoticAnnotations, test: EmoticAnnotations, tables: Tables) -> Mapping[str, float]:
    """Return 1 - error with emotion / error with everyone's mean; empty if nobody is annotated."""
    learnt, test = (people.take(~np.isnan(people.vad[:, 0])) for people in (learnt, test))
    if not (len(learnt.vad) and len(test.vad)):
        return {}
    shares = emotion_shares(learnt, tables)
    mean = learnt.vad.mean(axis=0)
    by_emotion = mean + shares.T @ (learnt.vad - mean) / np.maximum(shares.sum(axis=0)[:, None], 1)
    errors = [((test.vad - guess) ** 2).sum(axis=0) for guess in (emotion_shares(test, tables) @ by_emotion, mean)]
    removed = np.where(errors[1] > 0, 1 - errors[0] / np.maximum(errors[1], np.finfo(float).tiny), 0)
    return {name: round(float(value), 4) for name, value in zip(DIMENSIONS, removed, strict=True)}


def _rank_correlation(mine: np.ndarray, theirs: np.ndarray) -> float:
    from scipy.stats import spearmanr  # takes half a second to load

    return round(float(np.mean([spearmanr(a, b).statistic for a, b in zip(mine, theirs, strict=True)])), 4)


def _likeliest_emotion(rows: np.ndarray) -> np.ndarray:
    """Return the emotion in which each action is most likely: int (A,). Takes rows (emotions, A)."""
    return rows.argmax(axis=0)
