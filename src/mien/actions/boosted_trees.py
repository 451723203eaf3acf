"""Gradient-boosted trees as plain arrays: scikit-learn trains them; storing and running them needs no pickle.

skl2onnx could export them too, but fails with scikit-learn 1.9.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

_MAX_SCORE = 1e6  # limit of a score, which is a logarithm


@dataclass(frozen=True)
class BoostedTrees:
    """One tree per round (R) and class (C). Node 0 is the root; nodes that lead to themselves are leaves.

    Attributes:
        start: the score of each class before the first round, float (C,). All others are (R, C, nodes).
        feature: the feature that a node compares, int.
        threshold: the highest value that goes left, float.
        unseen_left: whether NaN goes left, bool.
        left, right: the next nodes, int.
        value: what a leaf adds to the score, float.
    """

    start: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    unseen_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    @classmethod
    def from_classifier(cls, classifier: "HistGradientBoostingClassifier") -> Self:
        """Copy the trees of a trained classifier. All features must be numbers."""
        rounds = [[tree.nodes for tree in trees] for trees in classifier._predictors]
        start = classifier._baseline_prediction[0]
        if len(start) == 1:  # with two classes, scikit-learn grows only the trees of the second
            empty = np.zeros(1, rounds[0][0].dtype)
            empty["is_leaf"] = True
            rounds, start = [[empty, *trees] for trees in rounds], np.append(0, start)
        shape = len(rounds), len(start), max(len(nodes) for trees in rounds for nodes in trees)
        packed = np.zeros(shape, rounds[0][0].dtype)
        packed["is_leaf"] = True
        for round_, trees in enumerate(rounds):
            for class_, nodes in enumerate(trees):
                packed[round_, class_, : len(nodes)] = nodes
        is_leaf, index = packed["is_leaf"].astype(bool), np.arange(shape[-1])
        return cls(
            start=start,
            feature=packed["feature_idx"].astype(np.int16),
            threshold=packed["num_threshold"],
            unseen_left=packed["missing_go_to_left"].astype(bool),
            left=np.where(is_leaf, index, packed["left"]).astype(np.int16),
            right=np.where(is_leaf, index, packed["right"]).astype(np.int16),
            value=np.where(is_leaf, packed["value"], 0),
        )

    def is_valid_for(self, features: int) -> bool:
        """Tell whether the arrays fit each other and `features` features, so that every row reaches a leaf."""
        arrays = (self.feature, self.threshold, self.unseen_left, self.left, self.right, self.value)
        shape = self.feature.shape
        if len(shape) != 3 or 0 in shape or any(array.shape != shape for array in arrays):
            return False
        if self.start.shape != shape[1:2] or [array.dtype.kind for array in (self.start, *arrays)] != list("fifbiif"):
            return False
        index = np.arange(shape[-1])
        leads_on = all(((nodes >= index) & (nodes < shape[-1])).all() for nodes in (self.left, self.right))
        bounded = all((np.abs(scores) < _MAX_SCORE).all() for scores in (self.start, self.value))  # false for NaN
        return leads_on and bounded and bool(((self.feature >= 0) & (self.feature < features)).all())

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return the probability of each class: float (N, C), rows that sum to 1. features: float (N, F)."""
        scores = np.tile(self.start, (len(features), 1))
        rows, classes = np.arange(len(features))[:, None], np.arange(len(self.start))
        for feature, threshold, unseen_left, left, right, value in zip(
            self.feature, self.threshold, self.unseen_left, self.left, self.right, self.value, strict=True
        ):
            nodes = np.zeros(scores.shape, np.int16)
            moved = True
            while moved:
                values = features[rows, feature[classes, nodes]]
                goes_left = np.where(np.isnan(values), unseen_left[classes, nodes], values <= threshold[classes, nodes])
                next_nodes = np.where(goes_left, left[classes, nodes], right[classes, nodes])
                moved = bool((next_nodes != nodes).any())
                nodes = next_nodes
            scores += value[classes, nodes]
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
