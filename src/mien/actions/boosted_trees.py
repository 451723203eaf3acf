"""Gradient-boosted trees as plain arrays: what scikit-learn has grown, stored and run without a pickle of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

_HIGHEST = 1e6  # of a score, which is a logarithm


@dataclass(frozen=True)
class Trees:
    """A tree for each round and class. Node 0 is its root, and nodes that lead to themselves are leaves.

    start: the score of each class before the first round, float (C,). The others are (R, C, nodes).
    feature: which one a node compares, int. threshold: the highest value that leads to the left, float.
    unseen_left: whether NaN leads there, bool. left, right: the next nodes, int. value: what a leaf adds to the score.
    """

    start: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    unseen_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    @classmethod
    def of(cls, classifier: "HistGradientBoostingClassifier") -> Self:
        """Take the trees of a trained classifier whose features are all numbers."""
        rounds = [[tree.nodes for tree in trees] for trees in classifier._predictors]
        start = classifier._baseline_prediction[0]
        if len(start) == 1:  # of two classes, scikit-learn grows the trees of the second only
            nothing = np.zeros(1, rounds[0][0].dtype)
            nothing["is_leaf"] = True
            rounds, start = [[nothing, *trees] for trees in rounds], np.append(0, start)
        shape = len(rounds), len(start), max(len(nodes) for trees in rounds for nodes in trees)
        packed = np.zeros(shape, rounds[0][0].dtype)
        packed["is_leaf"] = True
        for at, trees in enumerate(rounds):
            for of_class, nodes in enumerate(trees):
                packed[at, of_class, : len(nodes)] = nodes
        leaf, own = packed["is_leaf"].astype(bool), np.arange(shape[-1])
        return cls(
            start=start,
            feature=packed["feature_idx"].astype(np.int16),
            threshold=packed["num_threshold"],
            unseen_left=packed["missing_go_to_left"].astype(bool),
            left=np.where(leaf, own, packed["left"]).astype(np.int16),
            right=np.where(leaf, own, packed["right"]).astype(np.int16),
            value=np.where(leaf, packed["value"], 0),
        )

    def is_valid_for(self, features: int) -> bool:
        """Tell whether the arrays fit each other and rows of so many features, so that every row reaches leaves."""
        arrays = (self.feature, self.threshold, self.unseen_left, self.left, self.right, self.value)
        shape = self.feature.shape
        if len(shape) != 3 or 0 in shape or any(each.shape != shape for each in arrays):
            return False
        if self.start.shape != shape[1:2] or [each.dtype.kind for each in (self.start, *arrays)] != list("fifbiif"):
            return False
        own = np.arange(shape[-1])
        leads_on = all(((each >= own) & (each < shape[-1])).all() for each in (self.left, self.right))
        numbers = all((np.abs(each) < _HIGHEST).all() for each in (self.start, self.value))  # NaN is not
        return leads_on and numbers and bool(((self.feature >= 0) & (self.feature < features)).all())

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return the probability of each class: float (N, C), rows that sum to 1. features: float (N, F)."""
        scores = np.tile(self.start, (len(features), 1))
        rows, classes = np.arange(len(features))[:, None], np.arange(len(self.start))
        for feature, threshold, unseen_left, left, right, value in zip(
            self.feature, self.threshold, self.unseen_left, self.left, self.right, self.value, strict=True
        ):
            at = np.zeros(scores.shape, np.int16)
            moved = True
            while moved:
                found = features[rows, feature[classes, at]]
                goes_left = np.where(np.isnan(found), unseen_left[classes, at], found <= threshold[classes, at])
                following = np.where(goes_left, left[classes, at], right[classes, at])
                moved = bool((following != at).any())
                at = following
            scores += value[classes, at]
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
