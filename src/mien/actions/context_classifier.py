"""Predicts the context from body joints: a classifier of MPII's categories, and baselines to compare it with.

Neighbouring rows of MPII come from the same video, so a random split would measure how well videos are recognized. The
folds of the cross-validation therefore consist of whole runs of neighbours. File numbers do not help, as they are
random.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien._io.errors import InputError
from mien.actions.boosted_trees import BoostedTrees
from mien.actions.mpii import JOINTS, Poses
from mien.actions.npz import read_arrays, write_arrays

#: The file of a classifier in its folder.
FILE = "context.npz"

_FOLDS = 5
_MIN_RUN = 100  # people
_LIMBS = tuple(
    (JOINTS.index(a), JOINTS.index(b))
    for a, b in (
        ("r ankle", "r knee"), ("r knee", "r hip"), ("r hip", "pelvis"), ("l hip", "pelvis"), ("l knee", "l hip"),
        ("l ankle", "l knee"), ("pelvis", "thorax"), ("thorax", "upper neck"), ("upper neck", "head top"),
        ("r wrist", "r elbow"), ("r elbow", "r shoulder"), ("r shoulder", "thorax"), ("l shoulder", "thorax"),
        ("l elbow", "l shoulder"), ("l wrist", "l elbow"),
    )
)  # fmt: skip
#: How many features `pose_features` returns per person: positions, and lengths and directions of limbs.
FEATURES = 2 * len(JOINTS) + 3 * len(_LIMBS)
_TINY = 1e-9

_Folds = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class ContextClassifier:
    """Predicts the context of people from their joints.

    Attributes:
        contexts: the names of the columns of its probabilities.
        trees: the trained model.
    """

    contexts: tuple[str, ...]
    trees: BoostedTrees

    @classmethod
    def fit(cls, poses: Poses, rows: np.ndarray, seed: int) -> Self:
        """Train gradient-boosted trees on the people in some rows (indices). The same seed gives the same trees."""
        from sklearn.ensemble import HistGradientBoostingClassifier  # takes a second to load

        classifier = HistGradientBoostingClassifier(
            max_iter=60, learning_rate=0.08, max_leaf_nodes=15, l2_regularization=1.0,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
        classifier.fit(pose_features(poses.joints[rows], poses.scale[rows]), poses.category[rows])
        return cls(tuple(map(str, classifier.classes_)), BoostedTrees.from_classifier(classifier))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the classifier in a folder. Raises InputError if it is missing or damaged."""
        path = folder / FILE
        if not path.exists():
            raise InputError(f"{path}: no such file, expected the output of action_map with action_map.mpii")
        arrays = read_arrays(path, ["contexts", *(field.name for field in fields(BoostedTrees))])
        contexts = arrays.pop("contexts")
        trees = BoostedTrees(**arrays)
        if not trees.is_valid_for(FEATURES) or contexts.dtype.kind != "U" or contexts.shape != trees.start.shape:
            raise InputError(f"{path}: found arrays that are not a classifier, expected the output of action_map")
        return cls(tuple(contexts.tolist()), trees)

    def save(self, folder: Path) -> None:
        """Write the classifier into a folder. Equal classifiers give equal bytes."""
        write_arrays(folder / FILE, {"contexts": np.array(self.contexts), **vars(self.trees)})

    def predict_proba(self, joints: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Return P(context) per person: float (N, contexts); rows sum to 1.

        Args:
            joints: in pixels, float (N, 16, 2) in the order of `mpii.JOINTS`; NaN if a joint is not visible.
            scale: a person's height in units of 200 pixels, float (N,).
        """
        return self.trees.predict_proba(pose_features(joints, scale))


def pose_features(joints: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return features of a pose that do not depend on its position: float (N, 77); NaN if joints are not visible.

    They are the joints relative to their mean, in heights of the person (32), and the lengths (15) and directions (30)
    of limbs.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)  # a person without any visible joint
        centre = np.nanmean(joints, axis=1, keepdims=True)
    placed = (joints - centre) / (200 * scale[:, None, None])
    ends, starts = zip(*_LIMBS, strict=True)
    limbs = placed[:, ends] - placed[:, starts]
    lengths = np.linalg.norm(limbs, axis=2)
    directions = limbs / np.maximum(lengths, _TINY)[..., None]
    return np.concatenate([part.reshape(len(joints), -1) for part in (placed, lengths, directions)], axis=1)


def runs(poses: Poses) -> np.ndarray:
    """Return the run of neighbours that each person belongs to: int (N,), ascending.

    A run has at least 100 people. It ends where category, image and video all change, so that similar rows stay
    together.
    """
    changes = np.ones(len(poses.image) - 1, bool)
    for names in (poses.category, poses.image):
        changes &= names[1:] != names[:-1]
    is_known = poses.video[1:] >= 0
    changes &= ~is_known | (poses.video[1:] != poses.video[:-1])
    run = np.zeros(len(poses.image), int)
    size = 1
    for index, change in enumerate(changes, start=1):
        ends = change and size >= _MIN_RUN
        run[index] = run[index - 1] + ends
        size = 1 if ends else size + 1
    return run


def context_scores(poses: Poses, seed: int) -> tuple[dict[str, Any], pd.DataFrame]:
    """Measure the classifier by cross-validation with five folds that keep runs of neighbours together.

    Returns:
        Figures: accuracy and macro F1 of the classifier and of three baselines. These are majority (the most common
        category), nearest_row and nearest_file_number (the category of the nearest training neighbour). As runs stay
        together, the nearest row is at the end of another run and mostly has another category. random_split has the
        figures of the neighbours when people are split at random. log_loss is in nats; without pose it is that of the
        shares of the categories.
        Cases: columns actual and predicted, one row per person.

    Raises:
        InputError: there are fewer than five runs.
    """
    from sklearn.model_selection import GroupKFold, KFold

    groups = runs(poses)
    if groups[-1] + 1 < _FOLDS:
        raise InputError(
            f"MPII: found {len(groups)} people in {groups[-1] + 1} runs of neighbours, expected at least {_FOLDS} runs"
        )
    order = np.arange(len(groups))
    folds = list(GroupKFold(_FOLDS, shuffle=True, random_state=seed).split(order, groups=groups))
    names = np.unique(poses.category)
    probabilities, shares = np.zeros((2, len(order), len(names)))
    for learnt, measured in tqdm(folds, desc="context", delay=2, disable=None):
        classifier = ContextClassifier.fit(poses, learnt, seed)
        columns = np.searchsorted(names, classifier.contexts)
        proba = classifier.predict_proba(poses.joints[measured], poses.scale[measured])
        probabilities[np.ix_(measured, columns)] = proba
        shares[measured] = (poses.category[learnt][:, None] == names).mean(axis=0)
    predicted = {"classifier": names[probabilities.argmax(axis=1)], "majority": names[shares.argmax(axis=1)]}
    at_random = list(KFold(_FOLDS, shuffle=True, random_state=seed).split(order))
    actual = np.searchsorted(names, poses.category)
    figures = {
        "people": len(order),
        "people_without_activity": poses.unnamed,
        "runs": int(groups[-1]) + 1,
        **_decisions(poses, predicted | _neighbours(poses, folds)),
        "random_split": _decisions(poses, _neighbours(poses, at_random)),
        "log_loss": {"classifier": _log_loss(probabilities, actual), "without_pose": _log_loss(shares, actual)},
    }
    return figures, pd.DataFrame({"actual": poses.category, "predicted": predicted["classifier"]})


def _neighbours(poses: Poses, folds: _Folds) -> dict[str, np.ndarray]:
    """Return the category of each person's nearest training neighbour, str (N,), by kind of neighbour."""
    keys = {"nearest_row": np.arange(len(poses.image), dtype=float)}
    stems = [Path(name).stem for name in poses.image]
    if all(stem.isdecimal() for stem in stems):
        keys["nearest_file_number"] = np.array([float(stem) for stem in stems])
    return {name: _nearest(key, poses.category, folds) for name, key in keys.items()}


def _nearest(key: np.ndarray, names: np.ndarray, folds: _Folds) -> np.ndarray:
    """Return for each person the name of the training person with the nearest key, str (N,)."""
    nearest = np.empty_like(names)
    for learnt, measured in folds:
        known = learnt[np.argsort(key[learnt], kind="stable")]
        after = np.clip(np.searchsorted(key[known], key[measured]), 1, len(known) - 1)
        before = after - 1
        nearer = key[measured] - key[known[before]] <= key[known[after]] - key[measured]
        nearest[measured] = names[known[np.where(nearer, before, after)]]
    return nearest


def _decisions(poses: Poses, predicted: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Return accuracy and macro F1 of several predictions; each is str (N,)."""
    from sklearn.metrics import accuracy_score, f1_score

    actual, names = poses.category, np.unique(poses.category)
    return {
        name: {
            "accuracy": round(float(accuracy_score(actual, labels)), 4),
            "macro_f1": round(float(f1_score(actual, labels, average="macro", labels=names, zero_division=0)), 4),
        }
        for name, labels in predicted.items()
    }


def _log_loss(probabilities: np.ndarray, actual: np.ndarray) -> float:
    right = probabilities[np.arange(len(actual)), actual]
    return round(float(-np.log(np.maximum(right, _TINY)).mean()), 4)
