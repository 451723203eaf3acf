"""The audit: problems found in an index, what the params make of them, figures and offenders."""

import json
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers.repository import Repository
from helpers.stages import run_stage

from mien._io.errors import InputError
from mien.config import Audit
from mien.data import audit
from mien.data.arrays import Images

PROBLEMS = list(Audit.model_fields)


def policy(**actions: str) -> Audit:
    """Report all problems but those named."""
    return Audit.model_validate(
        {**dict.fromkeys(PROBLEMS, "report"), "unreadable": "drop", "no_face": "drop", **actions}
    )


def index(*rows: tuple[str, str, str] | tuple[str, str, str, dict[str, Any]]) -> pd.DataFrame:
    """Return an index of images (emotion, split, hash) that are 48x48 and lively, unless a dict says otherwise."""
    usual = {"width": 48, "height": 48, "contrast": 50.0, "dropped": ""}
    return pd.DataFrame(
        [
            {"origin": f"{i}.png", "emotion": row[0], "split": row[1], "hash": row[2], **usual, **(dict(*row[3:]))}
            for i, row in enumerate(rows)
        ]
    )


def dropped(rows: pd.DataFrame, **actions: str) -> dict[int, str]:
    """Return the number and reason of each row that a policy drops."""
    reasons = audit.apply(rows, policy(**actions), "faces.zip")["dropped"]
    return {int(str(row)): reason for row, reason in reasons.items() if reason}


def found(rows: pd.DataFrame, problem: str) -> dict[str, str]:
    """Return which images have a problem, and what they equal."""
    listed = audit.offenders(audit.apply(rows, policy(), "faces.zip"))
    of_problem = listed[listed["problem"] == problem]
    return dict(zip(of_problem["origin"], of_problem["equals"], strict=True))


LEAKY = index(
    ("happy", "train", "a"),
    ("happy", "train", "b"),
    ("happy", "train", "c"),
    ("happy", "validation", "b"),
    ("happy", "validation", "d"),
    ("sad", "validation", "e"),
    ("happy", "test", "c"),
    ("happy", "test", "d"),
    ("sad", "train", "f"),
)


def test_a_leak_goes_from_the_split_that_is_nearer_to_training() -> None:
    assert found(LEAKY, "leaks") == {"1.png": "3.png", "2.png": "6.png", "4.png": "7.png"}
    assert dropped(LEAKY, leaks="drop") == {1: "leaks", 2: "leaks", 4: "leaks"}
    assert dropped(LEAKY, leaks="report") == {}


def test_copies_of_a_split_leave_its_first_one() -> None:
    rows = index(
        ("happy", "train", "a"),
        ("happy", "test", "a"),
        ("happy", "train", "a"),
        ("sad", "train", "a"),
        ("happy", "test", "a"),
        ("sad", "train", "b"),
    )
    assert found(rows, "duplicates") == {"2.png": "0.png", "3.png": "0.png", "4.png": "1.png"}
    assert dropped(rows, duplicates="drop") == {2: "duplicates", 3: "duplicates"}


def test_a_copy_stays_where_the_first_one_goes_for_another_reason() -> None:
    rows = index(
        ("happy", "train", "a", {"width": 24, "height": 24}),
        ("happy", "train", "a"),
        ("sad", "train", "b"),
    )
    assert dropped(rows, wrong_size="drop", duplicates="drop") == {0: "wrong_size"}


def test_all_images_of_a_contradiction_go_from_train() -> None:
    rows = index(
        ("happy", "train", "a"),
        ("sad", "train", "a"),
        ("sad", "test", "a"),
        ("happy", "train", "b"),
        ("sad", "train", "c"),
        ("happy", "train", "b"),
    )
    assert found(rows, "conflicts") == {"0.png": "1.png", "1.png": "0.png", "2.png": "0.png"}
    assert dropped(rows, conflicts="drop") == {0: "conflicts", 1: "conflicts"}


def test_blank_and_misshapen_images_go_from_train_alone() -> None:
    blank, banner = {"contrast": 4.9}, {"width": 97}
    rows = index(
        ("happy", "train", "a"),
        ("happy", "train", "b", blank),
        ("happy", "train", "c", {"contrast": 5.0}),
        ("happy", "train", "d", banner),
        ("happy", "train", "e", {"width": 96}),
        ("happy", "train", "f", {"height": 97}),
        ("happy", "test", "g", blank),
        ("happy", "test", "h", banner),
    )
    assert list(found(rows, "blank")) == ["1.png", "6.png"]
    assert list(found(rows, "not_face_shaped")) == ["3.png", "5.png", "7.png"]
    assert dropped(rows, blank="drop", not_face_shaped="drop") == {
        1: "blank",
        3: "not_face_shaped",
        5: "not_face_shaped",
    }


def test_a_size_is_wrong_only_where_most_images_share_another() -> None:
    sizes = [(48, 48), (48, 48), (48, 48), (48, 64), (50, 50)]
    rows = index(*(("happy", "train", str(i), {"width": w, "height": h}) for i, (w, h) in enumerate(sizes)))
    assert list(found(rows, "wrong_size")) == ["3.png", "4.png"]
    assert found(rows.iloc[1:].reset_index(drop=True), "wrong_size") == {}


def test_an_unreadable_image_is_in_no_split_and_equals_no_other() -> None:
    nothing = {"width": None, "height": None, "contrast": None}
    rows = index(
        ("happy", "train", "", nothing),
        ("sad", "test", "", nothing),
        ("sad", "train", "", nothing),
        ("happy", "train", "a"),
        ("sad", "train", "b"),
        ("sad", "test", "c"),
    )
    assert dropped(rows) == dict.fromkeys([0, 1, 2], "unreadable")
    figures = audit.summarize(audit.apply(rows, policy(), "faces.zip"))
    assert (figures["images"], figures["distinct"], figures["unreadable"]) == (3, 3, 3)
    assert (figures["duplicate_groups"], figures["conflicting_label_groups"]) == (0, 0)
    assert set(figures["leaks"].values()) == {0}


def test_a_picture_without_a_face_is_in_no_split_and_its_shape_does_not_count() -> None:
    none, one, wide = {"faces": 0, "contrast": None}, {"faces": 1}, {"faces": 1, "width": 300}
    unreadable = {"faces": 0, "width": None, "height": None, "contrast": None}
    rows = index(
        ("happy", "train", "", none),
        ("happy", "test", "", none),
        ("happy", "train", "", unreadable),
        ("happy", "train", "a", one),
        ("happy", "train", "b", one),
        ("sad", "train", "c", wide),
        ("sad", "test", "d", one),
    )
    assert dropped(rows, not_face_shaped="drop", wrong_size="drop") == {0: "no_face", 1: "no_face", 2: "unreadable"}
    figures = audit.summarize(audit.apply(rows, policy(), "faces.zip"))
    assert (figures["images"], figures["no_face"], figures["unreadable"]) == (4, 2, 1)
    with pytest.raises(InputError, match=r"0\.png: shows no face that the detector finds \(one of 2 such images\)"):
        audit.apply(rows, policy(no_face="fail"), "faces.zip")


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("leaks", "1.png: is also in a later split, as 3.png (one of 5 such images), "),
        ("duplicates", "9.png: equals 2.png (one of 3 such images), "),
        ("conflicts", "0.png: equals 11.png, which has another emotion (one of 2 such images), "),
        ("blank", "12.png: a blank image, "),
        ("not_face_shaped", "13.png: one side is more than twice the other"),
        ("wrong_size", "13.png: of another size than most images"),
        ("unreadable", "14.png: not a readable image"),
    ],
)
def test_fail_names_the_first_image_and_the_param(problem: str, words: str) -> None:
    more = index(
        ("happy", "train", "c"),
        ("happy", "train", "c"),
        ("sad", "train", "a"),
        ("sad", "train", "g", {"contrast": 1.0}),
        ("sad", "train", "h", {"width": 100}),
        ("sad", "train", "", {"width": None, "height": None, "contrast": None}),
    )
    rows = pd.concat([LEAKY, more], ignore_index=True)
    rows["origin"] = [f"{i}.png" for i in range(len(rows))]
    with pytest.raises(InputError) as raised:
        audit.apply(rows, policy(**{problem: "fail"}), "faces.zip")
    assert str(raised.value).startswith(f"faces.zip: {words}")
    assert f"audit.{problem} is fail" in str(raised.value)


@pytest.mark.parametrize(
    ("split", "words"), [("train", "no training image of 'sad'"), ("validation", "no image of validation")]
)
def test_an_audit_may_not_drop_a_whole_class_or_split(split: str, words: str) -> None:
    rows = index(("happy", "train", "a"), ("sad", split, "b"), ("sad", "test", "b"))
    with pytest.raises(InputError, match=words):
        audit.apply(rows, policy(leaks="drop"), "faces.zip")


def test_rows_that_were_dropped_before_are_no_part_of_the_audit() -> None:
    rows = index(
        ("happy", "train", "a"),
        ("happy", "train", "a", {"dropped": "tie"}),
        ("happy", "test", "a", {"dropped": "tie"}),
        ("sad", "train", "b", {"dropped": "unknown"}),
        ("sad", "test", "c"),
        ("sad", "train", "d"),
    )
    after = audit.apply(rows, policy(**dict.fromkeys(PROBLEMS, "drop")), "faces.zip")
    assert list(after["dropped"]) == ["", "tie", "tie", "unknown", "", ""]
    figures = audit.summarize(after)
    assert (figures["images"], figures["duplicate_groups"]) == (3, 0)
    assert figures["dropped"] == {"tie": 2, "unknown": 1}
    assert audit.offenders(after).empty


def test_figures_agree_with_a_plain_count() -> None:
    rng = np.random.default_rng(3)
    splits, emotions = ("train", "validation", "test"), ("happy", "sad", "fear")
    rows = index(
        *((emotions[rng.integers(3)], splits[rng.integers(3)], str(rng.integers(150))) for _ in range(200)),
        *((emotion, split, emotion + split) for emotion in emotions for split in splits),
    )
    after = audit.apply(rows, policy(leaks="drop"), "faces.zip")
    figures = audit.summarize(after)

    groups, kept = defaultdict(list), Counter[tuple[str, str]]()
    for row in after.to_dict("records"):
        groups[row["hash"]].append(row)
        if not row["dropped"]:
            kept[row["split"], row["emotion"]] += 1
    standing = {split: [row["hash"] for row in after.to_dict("records") if row["split"] == split] for split in splits}
    assert figures["images"] == 209
    assert figures["distinct"] == len(groups)
    assert figures["duplicate_groups"] == sum(len(group) > 1 for group in groups.values())
    assert figures["duplicate_groups_across_splits"] == sum(
        len({row["split"] for row in group}) > 1 for group in groups.values()
    )
    assert figures["conflicting_label_groups"] == sum(
        len({row["emotion"] for row in group}) > 1 for group in groups.values()
    )
    assert figures["copies"] == {split: len(of) - len(set(of)) for split, of in standing.items()}
    for pair, count in figures["leaks"].items():
        held_out, other = pair.split("_in_")
        assert count == sum(image in standing[other] for image in standing[held_out]) > 0
    assert figures["dropped"] == {"leaks": 209 - kept.total()}
    assert {(s, e): n for s, of_split in figures["counts"].items() for e, n in of_split.items()} == kept

    left = after[after["dropped"] == ""].groupby("split")["hash"].agg(set)
    assert not left["train"] & (left["validation"] | left["test"])
    assert not left["validation"] & left["test"]


def test_an_index_reads_the_same_from_disk(tmp_path: Path) -> None:
    after = audit.apply(LEAKY, policy(leaks="drop"), "faces.zip")
    after.to_csv(tmp_path / "index.csv", index=False)
    back = pd.read_csv(tmp_path / "index.csv")
    assert audit.summarize(back) == audit.summarize(after)
    assert audit.offenders(back).equals(audit.offenders(after))


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("action", ["drop", "fail"])
def test_nothing_is_wrong_with_good_images(problem: str, action: str) -> None:
    assert (
        dropped(index(("happy", "train", "a"), ("sad", "train", "b"), ("sad", "test", "c")), **{problem: action}) == {}
    )


def write(root: Path, images: dict[str, np.ndarray]) -> None:
    for name, image in images.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), image)


@pytest.fixture
def faces(stages: Repository) -> Repository:
    """A workspace with a source that has one image per problem, and enough good images."""
    rng = np.random.default_rng(0)
    root = stages.path / "faces"
    for split, emotion in product(("train", "validation", "test"), ("happy", "sad")):
        write(root, {f"{split}/{emotion}/{i}.png": rng.integers(0, 256, (48, 48), dtype=np.uint8) for i in range(12)})
    leak = np.asarray(cv2.imread(str(root / "test/happy/3.png")))
    blank, banner = np.full((48, 48), 9, np.uint8), rng.integers(0, 256, (48, 200), dtype=np.uint8)
    write(
        root, {f"train/sad/{name}.png": image for name, image in (("leak", leak), ("blank", blank), ("wide", banner))}
    )
    (root / "train/sad/broken.jpg").write_bytes(b"no image")
    stages.set_params({"prepare_fer": {"source": "faces"}})
    return stages


def test_prepare_fer_lists_what_is_wrong_and_drops_what_the_params_say(faces: Repository) -> None:
    faces.set_params({"prepare_fer": {"audit": policy(unreadable="drop", blank="drop", leaks="drop").model_dump()}})
    run_stage("prepare_fer")
    listed = pd.read_csv(faces.path / "reports/prepare_fer/offenders.csv", keep_default_na=False)
    assert set(listed[["origin", "problem", "equals", "dropped"]].itertuples(index=False, name=None)) == {
        ("train/sad/broken.jpg", "unreadable", "", "unreadable"),
        ("train/sad/blank.png", "blank", "", "blank"),
        ("train/sad/wide.png", "not_face_shaped", "", ""),
        ("train/sad/wide.png", "wrong_size", "", ""),
        ("train/sad/leak.png", "leaks", "test/happy/3.png", "leaks"),
        ("train/sad/leak.png", "conflicts", "test/happy/3.png", "leaks"),
        ("test/happy/3.png", "conflicts", "train/sad/leak.png", ""),
    }
    train, test = (Images.load(faces.path / "data/fer", name) for name in ("train", "test"))
    assert train.counts() == {"happy": 12, "sad": 13}
    assert not {image.tobytes() for image in train.pixels} & {image.tobytes() for image in test.pixels}
    figures = json.loads((faces.path / "reports/prepare_fer/audit.json").read_text())
    assert figures["counts"]["train"] == train.counts()
    assert figures["leaks"] == {"validation_in_train": 0, "test_in_train": 1, "test_in_validation": 0}


def test_prepare_fer_stops_where_the_params_say_fail(faces: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    faces.set_params({"prepare_fer": {"audit": policy(leaks="fail").model_dump()}})
    with pytest.raises(SystemExit, match="2"):
        run_stage("prepare_fer")
    error = capfd.readouterr().err
    assert "faces: train/sad/leak.png: is also in a later split, as test/happy/3.png" in error
    assert "audit.leaks is fail" in error
    assert not (faces.path / "data").exists() or not list((faces.path / "data").iterdir())
