"""The context is predicted from joints, and measured on runs of neighbours outside the training set."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.poses import NAMES, poses_in_runs
from sklearn.ensemble import HistGradientBoostingClassifier

from mien._io.errors import InputError
from mien.actions.boosted_trees import BoostedTrees
from mien.actions.context_classifier import FILE, ContextClassifier, context_scores, pose_features, runs
from mien.actions.mpii import Poses


@pytest.fixture(scope="module")
def poses() -> Poses:
    return poses_in_runs()


@pytest.fixture(scope="module")
def classifier(poses: Poses) -> ContextClassifier:
    return ContextClassifier.fit(poses, np.arange(len(poses.image)), seed=1)


def test_features_do_not_tell_where_a_person_is_or_how_large(poses: Poses) -> None:
    features = pose_features(poses.joints, poses.scale)
    assert features.shape == (len(poses.image), 77)
    np.testing.assert_allclose(pose_features(3 * poses.joints + 50, 3 * poses.scale), features, atol=1e-9)


def test_joints_that_are_not_seen_leave_gaps(poses: Poses, classifier: ContextClassifier) -> None:
    joints = poses.joints[:2].copy()
    joints[0, 3] = np.nan
    joints[1] = np.nan
    gaps = np.isnan(pose_features(joints, poses.scale[:2]))
    assert 0 < gaps[0].sum() < 20
    assert gaps[1].all()
    np.testing.assert_allclose(classifier.predict_proba(joints, poses.scale[:2]).sum(axis=1), 1)


def test_a_classifier_survives_its_file(poses: Poses, classifier: ContextClassifier, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    classifier.save(tmp_path)
    ContextClassifier.fit(poses, np.arange(len(poses.image)), seed=1).save(tmp_path / "again")
    assert (tmp_path / FILE).read_bytes() == (tmp_path / "again" / FILE).read_bytes()
    loaded = ContextClassifier.load(tmp_path)
    assert loaded.contexts == tuple(sorted(NAMES))
    np.testing.assert_array_equal(
        loaded.predict_proba(poses.joints, poses.scale), classifier.predict_proba(poses.joints, poses.scale)
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_trees_give_the_probabilities_of_scikit_learn(poses: Poses, classes: int) -> None:
    rng = np.random.default_rng(1)
    features = pose_features(poses.joints, poses.scale)
    features[rng.random(features.shape) < 0.1] = np.nan
    rows = np.isin(poses.category, NAMES[:classes])
    grown = HistGradientBoostingClassifier(max_iter=20).fit(features[rows], poses.category[rows])
    expected = grown.predict_proba(features)
    np.testing.assert_allclose(BoostedTrees.from_classifier(grown).predict_proba(features), expected, atol=1e-12)


def _absent(arrays: dict[str, np.ndarray]) -> None:
    del arrays["left"]


def _a_circle(arrays: dict[str, np.ndarray]) -> None:
    arrays["left"][:, :, 1:] = 0


def _beyond(arrays: dict[str, np.ndarray]) -> None:
    arrays["right"][0, 0, 0] = 1000


def _no_such_feature(arrays: dict[str, np.ndarray]) -> None:
    arrays["feature"][0, 0, 0] = 77


def _other_contexts(arrays: dict[str, np.ndarray]) -> None:
    arrays["contexts"] = arrays["contexts"][1:]


def _no_numbers(arrays: dict[str, np.ndarray]) -> None:
    arrays["value"] = np.full_like(arrays["value"], np.nan)


def _objects(arrays: dict[str, np.ndarray]) -> None:
    arrays["value"] = arrays["value"].astype(object)


@pytest.mark.parametrize(
    "damage", [_absent, _a_circle, _beyond, _no_such_feature, _other_contexts, _no_numbers, _objects]
)
def test_damaged_files(
    classifier: ContextClassifier, tmp_path: Path, damage: Callable[[dict[str, np.ndarray]], None]
) -> None:
    classifier.save(tmp_path)
    with np.load(tmp_path / FILE) as stored:
        arrays = dict(stored)
    damage(arrays)
    np.savez(tmp_path / FILE, **arrays)
    with pytest.raises(InputError, match=r"context\.npz: (found arrays that are not a classifier|cannot be read)"):
        ContextClassifier.load(tmp_path)


def test_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"context\.npz: no such file"):
        ContextClassifier.load(tmp_path)
    (tmp_path / FILE).write_text("no archive")
    with pytest.raises(InputError, match=r"context\.npz: cannot be read"):
        ContextClassifier.load(tmp_path)


def test_runs_end_where_category_image_and_video_change(poses: Poses) -> None:
    assert list(runs(poses)) == list(np.repeat(np.arange(12), 100))
    together = poses.image.copy()
    together[100] = together[99]
    assert runs(replace(poses, image=together))[100] == 0
    video = np.repeat(np.arange(6), 200)
    assert list(runs(replace(poses, video=video))) == list(np.repeat(np.arange(6), 200))
    assert runs(poses_in_runs(4, size=30))[-1] + 1 == 3


def test_neighbours_tell_the_context_only_where_people_are_cut_at_random(poses: Poses) -> None:
    figures, cases = context_scores(poses, seed=1)
    assert figures["runs"] == 12
    assert figures["people_without_activity"] == 3
    assert figures["random_split"]["nearest_row"]["accuracy"] > 0.95
    assert figures["nearest_row"]["accuracy"] < 0.5
    assert figures["nearest_file_number"]["accuracy"] < 0.5
    assert figures["majority"]["accuracy"] < 0.5
    assert figures["classifier"]["accuracy"] > 0.95
    assert figures["log_loss"]["classifier"] < figures["log_loss"]["without_pose"]
    assert figures["classifier"]["accuracy"] == round((cases["actual"] == cases["predicted"]).mean(), 4)


def test_too_few_runs() -> None:
    with pytest.raises(InputError, match="120 people in 1 runs of neighbours, expected at least 5"):
        context_scores(poses_in_runs(1, size=40), seed=1)


def test_names_that_are_no_numbers_have_no_nearest_number(poses: Poses) -> None:
    named = replace(poses, image=np.array([f"video_{name}" for name in poses.image]))
    figures, _ = context_scores(named, seed=1)
    assert "nearest_file_number" not in figures
    assert "nearest_row" in figures
