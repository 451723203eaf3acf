"""`mien aus` on tables of several people, and of people with a face of their own at rest."""

import csv
import io
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.au_tables import OPENFACE_AUS, PYFEAT_AUS, native_columns, write_au_table
from helpers.commands import Run

from mien.aus.facs import COLUMNS
from mien.aus.readers import au_file

Columns = dict[str, Sequence[object]]
RULES = ("--model", "prototypes")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def two_people(**changes: Sequence[object]) -> Columns:
    """Return OpenFace's columns of two frames of a happy face, 0, and a sad one, 1."""
    shown = {6: [4, 0], 12: [4, 0], 4: [0, 4], 15: [0, 4]}
    aus = {f"AU{au:02d}_r": shown.get(au, [0, 0]) * 2 for au in OPENFACE_AUS}
    meta: Columns = {"frame": [1, 1, 2, 2], "face_id": [0, 1, 0, 1], "timestamp": ["0.0", "0.0", "0.033", "0.033"]}
    return {**meta, "confidence": [0.98] * 4, "success": [1] * 4, **aus, **changes}


def test_rows_keep_frame_time_and_person(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", two_people())
    out, err = mien("aus", path, *RULES)
    first, *_, last = rows(out)
    assert list(first)[:6] == ["file", "row", "frame", "timestamp", "face_id", "emotion"]
    assert [first[name] for name in ("row", "frame", "timestamp", "face_id", "emotion")] == [
        "1",
        "1",
        "0.0",
        "0",
        "happy",
    ]
    assert [last[name] for name in ("row", "frame", "timestamp", "face_id", "emotion")] == [
        "4",
        "2",
        "0.033",
        "1",
        "sad",
    ]
    assert "same frame" not in err
    objects = [json.loads(line) for line in mien("aus", path, *RULES, "--json")[0].splitlines()]
    assert [(line["frame"], line["timestamp"], line["face_id"]) for line in objects[1:3]] == [
        (1, 0.0, 1),
        (2, 0.033, 0),
    ]


@pytest.mark.parametrize("name", ["face_id", "face", "Face", "Identity", "person"])
@pytest.mark.parametrize("people", [[0, 1], ["Person_0", "Person_1"], ["007", "7"]])
def test_a_file_of_several_people_has_one_row_for_each(
    mien: Run, tmp_path: Path, name: str, people: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 3)
    columns = two_people()
    del columns["face_id"]
    path = write_au_table(tmp_path / "a.csv", columns | {name: people * 2})
    out, err = mien("aus", path, "--per-file", *RULES)
    assert [(row["face_id"], row["rows"], row["emotion"]) for row in rows(out)] == [
        (str(people[0]), "2", "happy"), (str(people[1]), "2", "sad")
    ]  # fmt: skip
    assert f"note: {path}: has 2 people, told apart by face_id: one row for each" in err


@pytest.mark.parametrize("name", ["subject", "Participant", "subject_id", "PersonID", "actor", "Speaker Id"])
@pytest.mark.parametrize("people", [["ann", "bob"], [1, 2]])
def test_columns_that_name_people_tell_them_apart(mien: Run, tmp_path: Path, name: str, people: list[object]) -> None:
    columns = two_people()
    del columns["face_id"]
    path = write_au_table(tmp_path / "a.csv", columns | {name: people * 2})
    out, err = mien("aus", path, "--per-file", *RULES)
    assert [(row["face_id"], row["emotion"]) for row in rows(out)] == [
        (str(people[0]), "happy"), (str(people[1]), "sad")
    ]  # fmt: skip
    assert f"note: {path}: has 2 people, told apart by face_id (the column {name}): one row for each" in err
    out, err = mien("aus", path, "--baseline", "median", *RULES)
    assert {row["emotion"] for row in rows(out)} == {"neutral"}
    assert f"--baseline median is of each of 2 people, told apart by face_id (the column {name})" in err


def test_names_and_numbers_together_tell_people_apart(mien: Run, tmp_path: Path) -> None:
    columns = two_people(face_id=[0, 0, 0, 0], subject=["ann", "bob"] * 2)
    path = write_au_table(tmp_path / "a.csv", columns)
    out, err = mien("aus", path, "--per-file", *RULES)
    assert [(row["person"], row["face_id"], row["emotion"]) for row in rows(out)] == [
        ("ann", "0", "happy"), ("bob", "0", "sad")
    ]  # fmt: skip
    assert "told apart by person (the column subject) and face_id: one row for each" in err
    emotions = tmp_path / "emotions.csv"
    mien("aus", path, *RULES, "--output", emotions)
    assert len({row["person"] for row in rows(mien("stats", emotions, "--person", "face_id")[0])}) == 3


def test_a_column_that_names_one_person_changes_no_prediction(mien: Run, tmp_path: Path) -> None:
    columns = low_brows()
    plain = write_au_table(tmp_path / "plain.csv", columns)
    named = write_au_table(tmp_path / "named.csv", columns | {"subject": ["ann"] * 6})
    for words in (("--per-file",), ("--baseline", "median")):
        out, err = mien("aus", named, *RULES, *words)
        expected = [row["emotion"] for row in rows(mien("aus", plain, *RULES, *words)[0])]
        assert [row["emotion"] for row in rows(out)] == expected
        assert "told apart" not in err


def test_a_person_of_whom_a_row_is_1_and_another_1_0_is_one(
    mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (1, 50_000):
        monkeypatch.setattr(au_file, "CHUNK_ROWS", size)
        path = write_au_table(tmp_path / "a.csv", two_people(face_id=["1", "2.0", "1.0", ""]))
        out, err = mien("aus", path, "--per-file", *RULES)
        assert [(row["face_id"], row["rows"]) for row in rows(out)] == [("1", "2"), ("2", "1"), ("", "1")]
        assert "rows without face_id count as one of them" in err


def test_files_with_and_without_people_share_a_header(mien: Run, tmp_path: Path) -> None:
    several = write_au_table(tmp_path / "several.csv", two_people())
    one = write_au_table(tmp_path / "one.csv", native_columns(AU06=[98, 98], AU12=[97, 97], frame=[1, 2]))
    for order in ([several, one], [one, several]):
        summary = {
            (row["file"], row["face_id"]): row["emotion"] for row in rows(mien("aus", *order, "--per-file", *RULES)[0])
        }
        assert summary == {(str(several), "0"): "happy", (str(several), "1"): "sad", (str(one), ""): "happy"}
        every = rows(mien("aus", *order, *RULES)[0])
        assert {(row["timestamp"], row["face_id"]) for row in every if row["file"] == str(one)} == {("", "")}
        assert len(every) == 6


def test_a_person_without_a_face_that_counts_keeps_a_row(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", two_people(success=[1, 0, 1, 0]))
    first, second = rows(mien("aus", path, "--per-file", *RULES)[0])
    assert (first["rows"], first["emotion"]) == ("2", "happy")
    assert (second["face_id"], second["rows"], second["emotion"]) == ("1", "0", "")


def test_several_faces_that_are_not_numbered_are_noted(
    mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 2)
    columns: Columns = {
        "FaceScore": [0.9] * 5,
        **{f"AU{au:02d}": [0.5] * 5 for au in PYFEAT_AUS},
        "frame": [0, 0, 1, 1, 1],
    }
    shared = "note: {}: {} of 5 rows are from the same frame as the row before: several faces"
    path = write_au_table(tmp_path / "a.csv", columns)
    assert shared.format(path, 3) in mien("aus", path, *RULES)[1]
    photos = write_au_table(tmp_path / "b.csv", columns | {"input": ["a.jpg", "b.jpg", "b.jpg", "b.jpg", "c.jpg"]})
    assert shared.format(photos, 1) in mien("aus", photos, *RULES)[1]


def test_a_name_is_not_a_formula(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(person=["=1+1", "-2"]))
    assert [row["face_id"] for row in rows(mien("aus", path, *RULES)[0])] == ["'=1+1", "'-2"]
    assert json.loads(mien("aus", path, *RULES, "--json")[0].splitlines()[0])["face_id"] == "=1+1"


@pytest.mark.parametrize(("minimum", "count"), [("0", 4), ("0.5", 3), ("0.8", 2), ("1", 1)])
def test_the_confidence_that_counts_can_be_chosen(mien: Run, tmp_path: Path, minimum: str, count: int) -> None:
    columns = two_people(confidence=[1, 0.9, 0.6, 0.2], emotion=["happy", "sad"] * 2)
    path = write_au_table(tmp_path / "a.csv", columns)
    out, err = mien("aus", path, *RULES, "--min-tool-confidence", minimum)
    assert sum(bool(row["emotion"]) for row in rows(out)) == count
    assert (f"confidence >= {minimum}" in err) == (count < 4)
    assert json.loads(mien("score", path, *RULES, "--min-tool-confidence", minimum, "--json")[0])["rows"] == count


def test_a_confidence_beyond_1_or_that_no_column_gives_is_named(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns())
    for minimum in ("1.5", "nan"):
        assert "--min-tool-confidence" in mien("aus", path, *RULES, "--min-tool-confidence", minimum, code=2)[1]
    assert "has no confidence column" in mien("aus", path, *RULES, "--min-tool-confidence", "0.8")[1]


def low_brows(**changes: Sequence[object]) -> Columns:
    """Return the columns of a person whose brows are low and lip corners down at rest, smiling in two rows of six."""
    smile = [0, 0, 0, 0, 97, 97]
    return {
        **{name: [0] * 6 for name in COLUMNS},
        "AU04": [80] * 6,
        "AU15": [80] * 6,
        "AU06": smile,
        "AU12": smile,
        **changes,
    }


def test_a_face_of_its_own_at_rest_is_subtracted(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", low_brows())
    at_rest = write_au_table(tmp_path / "rest.csv", native_columns(AU04=[80, 80], AU15=[80, 80]))
    assert [row["emotion"] for row in rows(mien("aus", path, *RULES)[0])][:4] == ["sad"] * 4
    for baseline in ("median", at_rest):
        out, _ = mien("aus", path, *RULES, "--baseline", baseline)
        assert [row["emotion"] for row in rows(out)] == ["neutral"] * 4 + ["happy"] * 2
        (summary,) = rows(mien("aus", path, *RULES, "--baseline", baseline, "--per-file")[0])
        assert summary["emotion"] == "happy"


def test_each_person_has_a_face_at_rest(mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 4)
    other = native_columns(AU06=[97] * 6, AU12=[97] * 6) | {
        name: [0] * 6 for name in COLUMNS if name not in ("AU06", "AU12")
    }
    own = low_brows()
    columns: Columns = {name: [*own[name], *other[name]] for name in COLUMNS}
    path = write_au_table(tmp_path / "a.csv", columns | {"face": ["a"] * 6 + ["b"] * 6})
    emotions = [row["emotion"] for row in rows(mien("aus", path, *RULES, "--baseline", "median")[0])]
    assert emotions == ["neutral"] * 4 + ["happy"] * 2 + ["neutral"] * 6


def test_a_baseline_that_cannot_be_had_is_named(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", low_brows())
    unseen = write_au_table(tmp_path / "unseen.csv", two_people(success=[0] * 4))
    _, err = mien("aus", path, *RULES, "--baseline", tmp_path / "none.csv", code=2)
    assert err.startswith(f"error: --baseline: {tmp_path / 'none.csv'}: cannot be read")
    assert "found no usable row" in mien("aus", path, *RULES, "--baseline", unseen, code=2)[1]
    assert "--baseline beside --au" in mien("aus", "--au", "12=90", "--baseline", "median", code=2)[1]


def test_a_pipe_is_read_once(mien: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    text = write_au_table(tmp_path / "a.csv", two_people()).read_text()
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    assert {row["face_id"] for row in rows(mien("aus", pipe, "--per-file", *RULES)[0])} == {"0", "1"}
    writer.join()
    assert "is a pipe" in mien("aus", pipe, *RULES, "--baseline", "median", code=2)[1]


def test_each_file_names_the_rows_that_it_loses(mien: Run, tmp_path: Path) -> None:
    lost = two_people(success=[1, 0, 1, 1], face_id=[0, 0, 0, 1])
    paths = [write_au_table(tmp_path / f"q{number}.csv", lost) for number in (1, 2)]
    for words in ((), ("--per-file",)):
        _, err = mien("aus", *paths, *RULES, *words)
        for path in paths:
            assert f"{path}: 1 of 4 rows have no prediction: expected success >= 1" in err
            assert (f"{path}: has 2 people" in err) == bool(words)
        assert err.count("read as OpenFace") == 1


def test_each_file_names_its_doubts(mien: Run, tmp_path: Path) -> None:
    columns = native_columns(AU12=[2, 3], frame=[1, 1])
    paths = [write_au_table(tmp_path / f"q{number}.csv", columns) for number in (1, 2)]
    _, err = mien("aus", *paths, *RULES)
    for path in paths:
        assert f"{path}: 1 of 2 rows are from the same frame as the row before" in err
        assert f"{path}: no intensity is above 3 of 100" in err


def talk(**changes: Sequence[object]) -> Columns:
    """Return the columns of two faces in three frames, with who talks."""
    frames = {"frame": [1, 1, 2, 2, 3, 3], "face_id": [1, 2] * 3}
    aus = {name: [90 * (name in ("AU06", "AU12")), 0] * 3 for name in COLUMNS}
    return {**aus, **frames, "speaker": [0, 1, 1, 0, 0, 1], **changes}


@pytest.mark.parametrize("name", ["speaker", "actor_id", "person", "subject"])
@pytest.mark.parametrize("source", [{}, {"source": ["v.mp4"] * 6}])
def test_a_name_that_changes_within_a_face_tells_nobody_apart(
    mien: Run, tmp_path: Path, name: str, source: Columns
) -> None:
    columns = talk(**source)
    columns = columns | {name: columns.pop("speaker")}
    path = write_au_table(tmp_path / "a.csv", columns)
    out, err = mien("aus", path, *RULES, "--per-file", "--baseline", "median")
    assert [(row["face_id"], row["rows"]) for row in rows(out)] == [("1", "3"), ("2", "3")]
    assert f"note: {path}: {name} changes within a face (face_id), so it names no person and tells nobody apart" in err
    by = f"told apart by {'source and ' * bool(source)}face_id"
    assert f"has 2 people, {by}: one row for each" in err
    assert f"is of each of 2 people, {by}\n" in err
    assert [row["person"] for row in rows(mien("aus", path, *RULES)[0])] == ["0", "1", "1", "0", "0", "1"]
    emotions = tmp_path / "emotions.csv"
    mien("aus", path, *RULES, "--output", emotions)
    out, err = mien("stats", emotions, "--person", "face_id")
    assert list(dict.fromkeys(row["person"] for row in rows(out))) == ["1", "2", "everyone"]
    assert "person changes within a face (face_id)" in err
    assert "two people" not in err


def test_a_pipe_of_faces_and_speakers_is_told_apart_by_faces(mien: Run, tmp_path: Path) -> None:
    for name, count in (("speaker", 2), ("subject", 4)):
        columns = talk()
        text = write_au_table(tmp_path / "a.csv", columns | {name: columns.pop("speaker")}).read_text()
        pipe = tmp_path / f"{name}.pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_text, args=(text,))
        writer.start()
        out, err = mien("aus", pipe, "--per-file", *RULES)
        writer.join()
        assert len(rows(out)) == count
        assert ("speaker may change within a face (face_id), which a pipe cannot tell" in err) == (count == 2)


def test_faces_that_only_a_name_identifies_are_noted(
    mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 3)
    columns = {name: cells for name, cells in talk().items() if name not in ("face_id", "speaker")}
    for names, count in ((["ann"] * 6, 3), (["ann", "bob"] * 3, 0)):
        path = write_au_table(tmp_path / "a.csv", columns | {"subject": names})
        err = mien("aus", path, *RULES, "--per-file")[1]
        assert (f"{count} of 6 rows are from the same frame as the row before" in err) == bool(count)
        assert ("same frame" in err) == bool(count)


def test_a_named_person_is_one_in_all_sources(mien: Run, tmp_path: Path) -> None:
    own = low_brows()
    columns: Columns = {name: [*own[name], *own[name]] for name in COLUMNS}
    columns |= {"source": ["a.mp4"] * 4 + ["b.mp4"] * 2 + ["c.mp4"] * 4 + ["d.mp4"] * 2}
    path = write_au_table(tmp_path / "a.csv", columns | {"subject": ["ann"] * 6 + ["bob"] * 6})
    out, err = mien("aus", path, *RULES, "--per-file", "--baseline", "median")
    assert [(row["source"], row["face_id"], row["emotion"]) for row in rows(out)] == [
        ("a.mp4", "ann", "neutral"), ("b.mp4", "ann", "happy"), ("c.mp4", "bob", "neutral"), ("d.mp4", "bob", "happy")
    ]  # fmt: skip
    assert "--baseline median is of each of 2 people, told apart by face_id (the column subject)\n" in err
    told_apart = "told apart by source and face_id (the column subject): 4 rows, one for each person and source"
    assert f"{path}: has 2 people in 4 sources, {told_apart}" in err
    path = write_au_table(tmp_path / "b.csv", columns)
    assert "is of each of 4 sources, told apart by source\n" in mien("aus", path, *RULES, "--baseline", "median")[1]
