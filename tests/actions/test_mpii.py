"""MPII Human Pose is read alike from the official .mat file and from its CSV form."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.matlab import NOTHING, structs
from helpers.mpii import POSE, act, image, person, point, poses_table, release, write_mat

from mien._io.errors import InputError
from mien.actions.mpii import count_activities, read_joints, read_mpii


@pytest.fixture
def official(tmp_path: Path) -> Path:
    hidden = POSE.copy()
    hidden[0] = -1
    unmarked = person() | {"annopoints": NOTHING}
    images = [
        image("000000001.jpg", structs([person()]), 1),
        image("000000002.jpg", structs([person(scale=3.0), person(hidden), unmarked, person(scale=NOTHING)]), 2),
        image("000000003.jpg", structs([person()]), 1),
        image("000000004.jpg", NOTHING, 3),
        image("000000005.jpg", structs([person()]), 4),
        image("000000006.jpg", structs([person()]), NOTHING),
    ]
    acts = [
        act("curling", "sports"), act("ballroom", "dancing", 2), act("curling", "sports"), act("curling", "sports"),
        act("running", "running"), act(NOTHING, NOTHING, -1),
    ]  # fmt: skip
    return write_mat(tmp_path / "mpii.mat", {"RELEASE": release(images, acts, [1, 1, 1, 1, 0, 1])})


def csv(path: Path, **columns: object) -> Path:
    poses_table(**columns).to_csv(path)
    return path


def test_the_official_file(official: Path) -> None:
    poses = read_mpii(official)
    # Training images only, people with joints and scale only, the images of a video together.
    assert list(poses.image) == ["000000001.jpg", "000000003.jpg", "000000002.jpg", "000000002.jpg"]
    assert list(poses.video) == [1, 1, 2, 2]
    assert list(poses.activity) == ["curling", "curling", "ballroom", "ballroom"]
    assert list(poses.category) == ["sports", "sports", "dancing", "dancing"]
    assert list(poses.scale) == [2.5, 2.5, 3, 2.5]
    np.testing.assert_array_equal(poses.joints[0], POSE)
    assert np.isnan(poses.joints[3, 0]).all()
    assert not np.isnan(poses.joints[3, 1:]).any()
    assert poses.unnamed == 1


def test_the_csv_form(tmp_path: Path) -> None:
    poses = read_mpii(csv(tmp_path / "mpii.csv", **{"r knee_X": [-1, 4], "r knee_Y": [-1, 4]}))
    assert (poses.image.tolist(), poses.activity.tolist(), poses.category.tolist()) == (
        ["000000001.jpg"],
        ["curling"],
        ["sports"],
    )
    assert np.isnan(poses.joints[0, 1]).all()
    np.testing.assert_array_equal(np.delete(poses.joints[0], 1, axis=0), np.delete(POSE, 1, axis=0))
    assert (poses.video[0], poses.unnamed) == (-1, 1)


def test_activities_are_counted(official: Path) -> None:
    counted = count_activities(read_mpii(official))
    assert counted.to_dict("list") == {
        "activity": ["ballroom", "curling"], "category": ["dancing", "sports"], "weight": [2, 2],
    }  # fmt: skip


def test_joints_alone(tmp_path: Path) -> None:
    poses_table().drop(columns=["NAME", "Activity", "Category"]).to_csv(tmp_path / "joints.csv", index=False)
    joints, scale = read_joints(tmp_path / "joints.csv")
    np.testing.assert_array_equal(joints, [POSE, POSE])
    assert list(scale) == [2.5, 3]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"Activity": ["curling", "curling"]}, ["row 2", "'curling'", "'[]'", "both or neither"]),
        ({"Activity": ["", "[]"]}, ["row 1", "''", "'sports'"]),
        ({"Activity": ["[]", "[]"], "Category": ["[]", "[]"]}, ["2 people", "none with an activity"]),
        ({"Scale": [0, 3]}, ["row 1", "column Scale", "above 0"]),
        ({"thorax_Y": [1, "left"]}, ["row 2", "column thorax_Y", "'left'", "a number"]),
    ],
)
def test_bad_rows(tmp_path: Path, columns: dict[str, object], words: list[str]) -> None:
    path = csv(tmp_path / "mpii.csv", **columns)
    with pytest.raises(InputError) as raised:
        read_mpii(path)
    for word in (str(path), *words):
        assert word in str(raised.value)


def test_a_csv_of_another_kind(tmp_path: Path) -> None:
    poses_table().drop(columns="pelvis_X").to_csv(tmp_path / "mpii.csv")
    with pytest.raises(InputError, match="no column 'pelvis_X'"):
        read_mpii(tmp_path / "mpii.csv")
    with pytest.raises(InputError, match=r"other\.csv: no such file"):
        read_mpii(tmp_path / "other.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputError, match="cannot be read"):
        read_mpii(tmp_path / "empty.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"annotations": 1}, ["no variable RELEASE", "mpii_human_pose_v1_u12_1.mat"]),
        ({"RELEASE": {"annolist": NOTHING, "img_train": NOTHING}}, ["RELEASE: no field act"]),
        (
            {"RELEASE": release([image("1.jpg", NOTHING)], [act("a", "b")], [1, 1])},
            ["1 annolist, 1 act, 2 img_train", "as many of each"],
        ),
        (
            {"RELEASE": release([image("1.jpg", structs([person()]))], [act("curling", NOTHING)], [1])},
            ["annolist(1)", "'curling'", "both or neither"],
        ),
        (
            {"RELEASE": release([{"name": "1.jpg"}], [act("curling", "sports")], [1])},
            ["annolist(1): no field image"],
        ),
        (
            {"RELEASE": release([image("1.jpg", structs([person() | {"annopoints": {"point": point(16, 1, 1)}}]))],
                                [act("curling", "sports")], [1])},
            ["annolist(1)", "id 16", "0..15"],
        ),
    ],
)  # fmt: skip
def test_mat_files_of_another_kind(tmp_path: Path, content: dict[str, Any], words: list[str]) -> None:
    path = write_mat(tmp_path / "mpii.mat", content)
    with pytest.raises(InputError) as raised:
        read_mpii(path)
    for word in (str(path), *words):
        assert word in str(raised.value)


def test_a_file_that_is_cut_short(official: Path) -> None:
    data = official.read_bytes()
    for size in range(0, len(data) - 8, len(data) // 4):
        official.write_bytes(data[:size])
        with pytest.raises(InputError, match=r"mpii\.mat: "):
            read_mpii(official)


@pytest.mark.parametrize("data", [b"text, not MATLAB", b"MATLAB 7.3 MAT-file" + bytes(105) + b"\x00\x02IM" + bytes(99)])
def test_no_mat_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "mpii.mat").write_bytes(data)
    with pytest.raises(InputError, match=r"mpii\.mat: cannot be read"):
        read_mpii(tmp_path / "mpii.mat")
    with pytest.raises(InputError, match=r"other\.mat: no such file"):
        read_mpii(tmp_path / "other.mat")
