"""The context from body joints: a scikit-learn classifier of MPII's categories, and the baselines it must beat.

MPII's neighbouring rows come from the same video, so a random split measures how well videos are recognised. The folds
of the cross-validation are therefore whole runs of neighbours. File numbers do not help: they are random.
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
#: How many numbers `pose_features` makes of a person: places, and lengths and directions of limbs.
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
        """Train on the people of some rows (indices): gradient-boosted trees, the same for the same seed."""
        from sklearn.ensemble import HistGradientBoostingClassifier  # takes a second to load

        classifier = HistGradientBoostingClassifier(
            max_iter=60, learning_rate=0.08, max_leaf_nodes=15, l2_regularization=1.0,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
        classifier.fit(pose_features(poses.joints[rows], poses.scale[rows]), poses.category[rows])
        return cls(tuple(map(str, classifier.classes_)), BoostedTrees.from_classifier(classifier))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the classifier of a folder. Raises InputError where there is none, or a damaged one."""
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
        """Write the classifier into a folder, equal ones as equal bytes."""
        write_arrays(folder / FILE, {"contexts": np.array(self.contexts), **vars(self.trees)})

    def predict_proba(self, joints: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Return P(context) of people: float (N, contexts), rows that sum to 1.

        Args:
            joints: pixels, float (N, 16, 2) in the order of `mpii.JOINTS`, NaN where a joint is not seen.
            scale: a person's height in units of 200 pixels, float (N,).
        """
        return self.trees.predict_proba(pose_features(joints, scale))


def pose_features(joints: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return what describes a pose but not where it is: float (N, 77), NaN where joints are not seen.

    Joints from their mean, in heights of the person (32); limbs' lengths (15) and directions (30).
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)  # a person of whom nothing is seen
        centre = np.nanmean(joints, axis=1, keepdims=True)
    placed = (joints - centre) / (200 * scale[:, None, None])
    ends, starts = zip(*_LIMBS, strict=True)
    limbs = placed[:, ends] - placed[:, starts]
    lengths = np.linalg.norm(limbs, axis=2)
    directions = limbs / np.maximum(lengths, _TINY)[..., None]
    return np.concatenate([part.reshape(len(joints), -1) for part in (placed, lengths, directions)], axis=1)


def runs(poses: Poses) -> np.ndarray:
    """Return which run of neighbours each person is in, int (N,), rising.

    A run has at least 100 people and ends where category, image and video all change, so that what looks alike stays
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
        Figures: classifier, and the baselines: majority (the most common category), nearest_row and
        nearest_file_number (the category of the neighbour that was learnt from): accuracy and macro F1 of each. Where
        runs are kept together, the nearest row is at the end of another run and mostly of another category.
        random_split has the neighbours' figures where people are split at random. log_loss is in nats, without pose
        that of the categories' shares.
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
    """Return the category of each person's nearest neighbour that was learnt from, str (N,), by kind of neighbour."""
    keys = {"nearest_row": np.arange(len(poses.image), dtype=float)}
    stems = [Path(name).stem for name in poses.image]
    if all(stem.isdecimal() for stem in stems):
        keys["nearest_file_number"] = np.array([float(stem) for stem in stems])
    return {name: _nearest(key, poses.category, folds) for name, key in keys.items()}


def _nearest(key: np.ndarray, names: np.ndarray, folds: _Folds) -> np.ndarray:
    """Return for each person the name of the person learnt from whose key is nearest, str (N,)."""
    nearest = np.empty_like(names)
    for learnt, measured in folds:
        known = learnt[np.argsort(key[learnt], kind="stable")]
        after = np.clip(np.searchsorted(key[known], key[measured]), 1, len(known) - 1)
        before = after - 1
        nearer = key[measured] - key[known[before]] <= key[known[after]] - key[measured]
        nearest[measured] = names[known[np.where(nearer, before, after)]]
    return nearest


def _decisions(poses: Poses, predicted: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Return accuracy and macro F1 of several predictions, str (N,) each."""
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
