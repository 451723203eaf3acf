"""`mien stats`: people under conditions, from emotion tables and AU tables."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.au_tables import OPENFACE_AUS, native_columns, write_au_table
from helpers.commands import Run

from mien._io import extras

RNG = np.random.default_rng(0)
GROUPS = ("--person", "who", "--condition", "task")


def faces(people: Sequence[str], tasks: dict[str, float], rows: int = 40) -> pd.DataFrame:
    """Return a table of faces: of each person and task, the given share is happy, the others are neutral."""
    lines = []
    for who in people:
        for task, share in tasks.items():
            for row in range(rows):
                happy = row < share * rows
                lines.append({"file": f"{who}_{task}.jpg", "face": 1, "emotion": "happy" if happy else "neutral",
                              "confidence": 0.75, "happy": 0.75 if happy else 0.25,
                              "neutral": 0.25 if happy else 0.75, "who": who, "task": task})  # fmt: skip
    return pd.DataFrame(lines)


def write(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


def read(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


def line(out: str, person: str, condition: str, kind: str, measure: str) -> dict[str, Any]:
    wanted = {"person": person, "condition": condition, "kind": kind, "measure": measure}
    (row,) = [row for row in read(out) if wanted.items() <= row.items()]
    return {key: float(value) if value and key not in wanted else value for key, value in row.items()}


def test_people_and_everyone_with_their_changes(mien: Run, tmp_path: Path) -> None:
    table = pd.concat([faces(["ann"], {"rest": 0.2, "talk": 0.6}), faces(["bob"], {"rest": 0.4, "talk": 0.6})])
    path = write(table, tmp_path / "faces.csv")
    out, err = mien("stats", path, *GROUPS, "--baseline", "rest")
    assert err == ""
    ann = line(out, "ann", "talk", "share", "happy")
    assert [ann[key] for key in ("n", "count", "mean", "baseline", "change")] == [40, 24, 0.6, 0.2, 0.4]
    assert ann["low"] == pytest.approx(0.6 - 1.96 * np.sqrt(0.24 / 40), abs=0.03)
    assert ann["high"] == pytest.approx(0.6 + 1.96 * np.sqrt(0.24 / 40), abs=0.03)
    assert ann["change_low"] == pytest.approx(0.4 - 1.96 * np.sqrt((0.24 + 0.16) / 40), abs=0.03)
    assert line(out, "ann", "rest", "share", "happy")["change"] == ""
    everyone = line(out, "everyone", "talk", "share", "happy")
    assert [everyone[key] for key in ("n", "mean", "baseline", "change")] == [2, 0.6, 0.3, 0.3]
    assert (everyone["change_low"], everyone["change_high"]) == (0.2, 0.4)
    assert line(out, "ann", "talk", "probability", "happy")["mean"] == pytest.approx(0.75 * 0.6 + 0.25 * 0.4)
    assert mien("stats", path, *GROUPS, "--baseline", "rest")[0] == out


def test_faces_of_a_video_that_count_as_one_person_are_said(mien: Run, tmp_path: Path) -> None:
    table = faces(["a", "b"], {"rest": 0.5}, 4).assign(file="clip.mp4", frame=range(8), face=[1, 2] * 4)
    path = write(table, tmp_path / "faces.csv")
    assert "all rows count as one person; --person face tells 2 apart" in mien("stats", path)[1]
    assert "tells 2 apart" not in mien("stats", path, "--person", "face")[1]
    assert "apart" not in mien("stats", write(table.drop(columns="frame"), path))[1]


def clip(path: Path, happy: Sequence[float]) -> Path:
    """Write the faces of a video, as `mien video` does: face 1, 2 .. in two frames, each with its share of happy."""
    lines = [
        {"frame": frame, "seconds": frame, "face": face, "emotion": "happy" if share > 0.5 else "neutral",
         "confidence": max(share, 1 - share), "happy": share, "neutral": 1 - share}
        for frame in (0, 1) for face, share in enumerate(happy, start=1)
    ]  # fmt: skip
    return write(pd.DataFrame(lines), path)


def people(out: str) -> list[str]:
    return list(dict.fromkeys(row["person"] for row in read(out)))


def test_face_1_of_one_video_is_not_face_1_of_the_next(
    mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = clip(Path("v1.csv"), [0.9, 0.2]), clip(Path("v2.csv"), [0.3, 0.8])
    _, err = mien("stats", first, second)
    assert "v1.csv: all rows count as one person; --person face tells 2 apart" in err
    out, err = mien("stats", first, second, "--person", "face")
    assert people(out) == ["v1.csv:1", "v1.csv:2", "v2.csv:1", "v2.csv:2", "everyone"]
    assert [line(out, who, "all", "probability", "happy")["mean"] for who in people(out)[:4]] == [0.9, 0.2, 0.3, 0.8]
    assert line(out, "everyone", "all", "share", "happy")["n"] == 4
    assert err == (
        "note: --person face: the same number in two sources is two people: 4 people in 2 sources, named SOURCE:face; "
        "a column of names would join them\n"
    )
    out, err = mien("stats", first, "--person", "face")
    assert (people(out), err) == (["1", "2", "everyone"], "")


def test_face_1_of_one_photo_is_not_face_1_of_the_next(mien: Run, tmp_path: Path) -> None:
    path = write(faces(["ann", "bob"], {"rest": 0.5}, 4), tmp_path / "faces.csv")
    out, err = mien("stats", path, "--person", "face")
    assert people(out) == ["ann_rest.jpg:1", "bob_rest.jpg:1", "everyone"]
    assert "2 people in 2 sources" in err
    again = write(faces(["ann", "cy"], {"rest": 0.5}, 4), tmp_path / "again.csv")
    out, err = mien("stats", path, again, "--person", "face")
    assert people(out) == ["ann_rest.jpg:1", "bob_rest.jpg:1", "cy_rest.jpg:1", "everyone"]
    assert "several tables contain ann_rest.jpg, which counts as one source (as do 0 others)" in err


def test_people_of_mien_aus_stay_apart_in_its_output(mien: Run, tmp_path: Path) -> None:
    columns = native_columns(AU06=[90, 0], AU12=[90, 0], file=["a.jpg", "b.jpg"], face=[1, 1])
    mien("aus", write_au_table(tmp_path / "a.csv", columns), "--output", tmp_path / "emotions.csv")
    out, _ = mien("stats", tmp_path / "emotions.csv", "--person", "face_id")
    assert people(out) == [f"{tmp_path / 'a.csv'}:a.jpg:1", f"{tmp_path / 'a.csv'}:b.jpg:1", "everyone"]


def test_names_in_a_column_of_faces_hold_in_all_sources(mien: Run, tmp_path: Path) -> None:
    named = pd.DataFrame({"file": ["a.jpg", "a.jpg", "b.jpg", "b.jpg"], "face": ["anna", "bob"] * 2,
                          "emotion": ["happy", "sad", "sad", "sad"], "confidence": 0.9,
                          "happy": [0.9, 0.1, 0.1, 0.1], "sad": [0.1, 0.9, 0.9, 0.9]})  # fmt: skip
    out, err = mien("stats", write(named, tmp_path / "named.csv"), "--person", "face")
    assert people(out) == ["anna", "bob", "everyone"]
    assert "two people" not in err


def test_names_of_people_hold_in_all_tables(mien: Run, tmp_path: Path) -> None:
    tables = [write(faces(["ann"], {task: 0.5}, 4), tmp_path / f"{task}.csv") for task in ("rest", "talk")]
    assert people(mien("stats", *tables, "--person", "who")[0]) == ["ann"]
    pattern = r"(?P<person>\w+)_"
    out, err = mien("stats", *tables, "--person", "face", "--file-pattern", pattern)
    assert (people(out), err) == (["ann"], "")


def test_the_people_that_pyfeat_numbers_are_those_of_one_table(mien: Run, tmp_path: Path) -> None:
    lines = faces(["ann", "bob"], {"rest": 0.5}, 2).drop(columns="face")
    tables = [
        write(lines.assign(Identity=[name] * 4), tmp_path / f"{number}.csv")
        for number, name in enumerate(("Person_0", "Person_0", "Dee"))
    ]
    assert people(mien("stats", tables[0], "--person", "Identity")[0]) == ["Person_0"]
    out, _ = mien("stats", *tables, "--person", "Identity")
    assert people(out) == [*sorted(["Dee", *(f"{path}:Person_0" for path in tables[:2])]), "everyone"]


def test_persons_and_conditions_from_file_names(mien: Run, tmp_path: Path) -> None:
    path = write(faces(["ann", "bob"], {"rest": 0.2, "talk": 0.6}), tmp_path / "faces.csv")
    pattern = r"(?P<person>\w+)_(?P<condition>\w+)\.jpg"
    assert mien("stats", path, "--file-pattern", pattern)[0] == mien("stats", path, *GROUPS)[0]
    alone = read(mien("stats", path)[0])
    assert {(row["person"], row["condition"]) for row in alone} == {("all", "all")}


def test_rows_that_do_not_count_are_left_out_and_counted(mien: Run, tmp_path: Path) -> None:
    table = faces(["ann"], {"rest": 0.5}, 10).astype(object)
    table.loc[0, ["emotion", "confidence", "happy", "neutral"]] = ""
    table.loc[1, "who"] = ""
    out, err = mien("stats", write(table, tmp_path / "faces.csv"), *GROUPS)
    assert line(out, "ann", "rest", "share", "neutral")["n"] == 8
    assert "1 of 10 rows without an emotion left out" in err
    assert "1 of 10 rows without a person or condition left out" in err


def test_someone_without_a_baseline_has_no_change(mien: Run, tmp_path: Path) -> None:
    table = pd.concat([faces(["ann", "cy"], {"rest": 0.2, "talk": 0.6}), faces(["bob"], {"talk": 0.9})])
    out, err = mien("stats", write(table, tmp_path / "faces.csv"), *GROUPS, "--baseline", "rest")
    assert line(out, "bob", "talk", "share", "happy")["change"] == ""
    everyone = line(out, "everyone", "talk", "share", "happy")
    assert (everyone["n"], everyone["change"]) == (3, 0.4)
    assert "1 of 3 people lack rest: excluded from the change under talk" in err


def test_what_a_single_row_says_has_no_interval(mien: Run, tmp_path: Path) -> None:
    out, _ = mien("stats", write(faces(["ann"], {"rest": 1.0}, 1), tmp_path / "faces.csv"), *GROUPS)
    one = line(out, "ann", "rest", "share", "happy")
    assert (one["mean"], one["low"], one["high"]) == (1, "", "")


def test_many_rows_have_the_normal_interval(mien: Run, tmp_path: Path) -> None:
    out, _ = mien("stats", write(faces(["ann"], {"rest": 0.5}, 2500), tmp_path / "faces.csv"), *GROUPS)
    assert line(out, "ann", "rest", "share", "happy")["low"] == pytest.approx(0.5 - 1.96 * 0.01, abs=0.002)


def test_au_tables_of_tools(mien: Run, tmp_path: Path) -> None:
    for who, smile in (("s1", 2.5), ("s2", 5)):
        for task, size in (("rest", 0.0), ("talk", smile)):
            aus = {f"AU{au:02d}_r": [size, size] if au == 12 else [0, 0] for au in OPENFACE_AUS}
            write_au_table(tmp_path / f"{who}_{task}.csv", {"success": [1, 1], **aus})
    paths = sorted(tmp_path.glob("*.csv"))
    pattern = r"(?P<person>s\d)_(?P<condition>\w+)"
    out, err = mien("stats", *paths, "--file-pattern", pattern, "--baseline", "rest")
    assert line(out, "s1", "talk", "intensity", "AU12")["change"] == 50
    assert line(out, "everyone", "talk", "intensity", "AU12")["mean"] == 75
    assert {row["measure"] for row in read(out)} == {f"AU{au:02d}" for au in OPENFACE_AUS if au not in (14, 45)}
    assert err.count("read as OpenFace") == 1


def test_an_au_that_a_table_lacks_is_measured_in_the_others(
    mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_au_table(Path("s1.csv"), {f"AU{au:02d}_r": [1, 1] for au in OPENFACE_AUS})
    write_au_table(Path("s2.csv"), native_columns(AU12=[20, 40], AU24=[10, 30]))
    out, err = mien("stats", "s1.csv", "s2.csv", "--file-pattern", r"(?P<person>s\d)")
    everyone = line(out, "everyone", "all", "intensity", "AU24")
    assert [everyone[key] for key in ("n", "mean", "low", "high")] == [1, 20, "", ""]
    assert [line(out, "everyone", "all", "intensity", "AU12")[key] for key in ("n", "mean")] == [2, 25]
    assert [line(out, "s1", "all", "intensity", "AU24")[key] for key in ("n", "mean", "low")] == [0, "", ""]
    assert line(out, "s2", "all", "intensity", "AU24")["low"] == 10
    assert "note: s1.csv lacks AU16, AU24: their means are over rows of the other tables\n" in err
    assert "0 for" not in err
    together = line(mien("stats", "s1.csv", "s2.csv")[0], "all", "all", "intensity", "AU24")
    assert [together[key] for key in ("n", "mean", "low", "high")] == [2, 20, 10, 30]


def test_probabilities_that_a_table_lacks_are_measured_in_the_others(
    mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(faces(["ann", "bob"], {"rest": 0.5}), Path("all.csv"))
    for name in ("cy", "dan"):
        write(faces([name], {"rest": 1.0}, 2).drop(columns=["happy", "neutral"]), Path(f"{name}.csv"))
    out, err = mien("stats", "all.csv", "cy.csv", "dan.csv", *GROUPS)
    everyone = line(out, "everyone", "rest", "probability", "happy")
    assert [everyone[key] for key in ("n", "mean", "low", "high")] == [2, 0.5, 0.5, 0.5]
    shares = line(out, "everyone", "rest", "share", "happy")
    assert [shares[key] for key in ("n", "mean")] == [4, 0.75]
    lack = (
        "cy.csv and 1 more tables lack probabilities of happy, neutral: their means are over rows of the other tables"
    )
    assert f"note: {lack}\n" in err


def test_a_change_is_of_people_who_have_the_measure_both_times(
    mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for who, rise in (("s1", 20), ("s2", 40)):
        write_au_table(Path(f"{who}_rest.csv"), native_columns(AU24=[10, 10]))
        write_au_table(Path(f"{who}_talk.csv"), native_columns(AU24=[10 + rise] * 2))
    write_au_table(Path("s2_rest.csv"), {f"AU{au:02d}_r": [0, 0] for au in OPENFACE_AUS})
    pattern = r"(?P<person>s\d)_(?P<condition>\w+)\."
    tables = sorted(map(str, Path().glob("*.csv")))
    out, err = mien("stats", *tables, "--file-pattern", pattern, "--baseline", "rest")
    everyone = line(out, "everyone", "talk", "intensity", "AU24")
    assert [everyone[key] for key in ("n", "mean", "baseline", "change")] == [2, 40, 10, 20]
    assert line(out, "s2", "talk", "intensity", "AU24")["change"] == ""
    assert "1 of 2 people lack AU16, AU24 under rest: excluded from that change under talk" in err


def test_lines_of_text_above_the_header_are_skipped(mien: Run, tmp_path: Path) -> None:
    table = faces(["ann"], {"rest": 0.2})
    expected, _ = mien("stats", write(table, tmp_path / "a.csv"), *GROUPS)
    path = tmp_path / "b.csv"
    path.write_text("Study,X\n\nRespondent,ann,left\n" + table.to_csv(index=False))
    assert mien("stats", path, *GROUPS)[0] == expected


def test_what_mien_aus_says_can_be_counted(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(AU06=[90, 0], AU12=[90, 0], frame=[1, 2]))
    mien("aus", path, "--output", tmp_path / "emotions.csv")
    out, _ = mien("stats", tmp_path / "emotions.csv")
    assert line(out, "all", "all", "share", "happy")["count"] == 1
    assert "reasons" not in {row["measure"] for row in read(out)}


def test_columns_of_ones_own_are_no_emotions(mien: Run, tmp_path: Path) -> None:
    path = write(faces(["ann"], {"rest": 0.5}).assign(trial=range(40), valid=1), tmp_path / "faces.csv")
    assert {row["measure"] for row in read(mien("stats", path, *GROUPS)[0])} == {"happy", "neutral"}
    (tmp_path / "bare.csv").write_text("emotion,confidence,trial\nhappy,0.5,3\nunsure,0.2,4\n")
    out, err = mien("stats", tmp_path / "bare.csv")
    assert {(row["kind"], row["measure"]) for row in read(out)} == {("share", "happy"), ("share", "unsure")}
    assert "found no probabilities that sum to 1 after confidence" in err


def test_files_and_the_plot(mien: Run, tmp_path: Path) -> None:
    path = write(faces(["ann", "bob"], {"rest": 0.2, "talk": 0.6}), tmp_path / "faces.csv")
    words = ("stats", path, *GROUPS, "--baseline", "rest")
    out, _ = mien(*words, "--output", tmp_path / "out.csv", "--plot", tmp_path / "out.png")
    assert out == ""
    assert (tmp_path / "out.csv").read_text() == mien(*words)[0]
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    mien("stats", path, "--plot", tmp_path / "means.png")
    assert (tmp_path / "means.png").stat().st_size > 5000


def test_the_plot_needs_an_extra(mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(faces(["ann"], {"rest": 0.2}), tmp_path / "faces.csv")
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    _, err = mien("stats", path, "--plot", tmp_path / "out.png", code=2)
    assert err == "error: mien stats --plot needs the extra `pipeline`: pip install '.[pipeline]' in a clone of mien\n"
    assert mien("stats", path)[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["faces.csv", "--person", "name"], "faces.csv: found no column name, expected it among file, face"),
        (["faces.csv", *GROUPS, "--baseline", "sleep"], "--baseline: found no row of 'sleep', expected one of rest"),
        (["faces.csv", "--file-pattern", "("], "--file-pattern: found no regular expression"),
        (["faces.csv", "--file-pattern", "x"], "--file-pattern: found no group (?P<person>..) or"),
        (["faces.csv", "--file-pattern", "(?P<person>zzz)"], "faces.csv: found no usable row"),
        (["faces.csv", "--plot", "a.jpg"], "--plot: found 'a.jpg', expected a name that ends in .png"),
        (["faces.csv", "--output", "faces.csv"], "faces.csv: is both read and the --output"),
        (["faces.csv", "--plot", "none/a.png"], "--plot: none/a.png: cannot be written"),
        (["faces.csv", "aus.csv"], "aus.csv: found a table of another kind than faces.csv"),
        (["no.csv"], "no.csv: cannot be read"),
        (["other.csv"], "other.csv: found columns a, b, expected AU columns"),
        (["head.csv"], "head.csv: found a header without rows"),
        (["twice.csv"], "twice.csv: found column who 2 times, expected it once"),
        (["wide.csv"], "wide.csv: row 1: found more cells than the header's 3"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(faces(["ann"], {"rest": 0.2}, 5), Path("faces.csv"))
    write_au_table(Path("aus.csv"), native_columns())
    Path("other.csv").write_text("a,b\n1,2\n")
    Path("head.csv").write_text("emotion,confidence,happy\n")
    Path("twice.csv").write_text("emotion,confidence,who,who\nhappy,0.5,a,b\n")
    Path("wide.csv").write_text("emotion,confidence,happy\nhappy,0.5,0.5,9\n")
    before = sorted(tmp_path.iterdir())
    out, err = mien("stats", *words, code=2)
    assert out == ""
    *_, last = err.splitlines()
    assert last.startswith(f"error: {message}")
    assert sorted(tmp_path.iterdir()) == before


def test_further_sheets_of_a_workbook_are_named(mien: Run, tmp_path: Path) -> None:
    first, second = faces(["ann"], {"rest": 0.5}), faces(["bob"], {"rest": 0.5})
    first, second = (table.assign(**dict.fromkeys(native_columns(), 10)) for table in (first, second))
    for columns in ([*first], [name for name in first if not str(name).startswith("AU")]):
        with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
            pd.DataFrame({"about": ["a study"]}).to_excel(book, sheet_name="notes", index=False)
            first[columns].to_excel(book, sheet_name="ann", index=False)
            second[columns].to_excel(book, sheet_name="bob", index=False)
        out, err = mien("stats", tmp_path / "a.xlsx", *GROUPS)
        assert people(out) == ["ann"]
        assert err.count("1 further sheet with such columns is not read: sheet 'bob'") == 1


def test_a_person_or_condition_1_0_is_1(mien: Run, tmp_path: Path) -> None:
    first = faces(["1", "2"], {"1": 0.5, "2": 0.5}, 4)
    second = faces(["1.0", "2.0"], {"1.0": 0.5, "2.0": 0.5}, 4)
    paths = [write(table, tmp_path / f"{number}.csv") for number, table in enumerate((first, second))]
    for baseline in ("1", "1.0"):
        out, _ = mien("stats", *paths, *GROUPS, "--baseline", baseline)
        assert people(out) == ["1", "2", "everyone"]
        assert {row["condition"] for row in read(out)} == {"1", "2"}
        assert line(out, "1", "2", "share", "happy")["n"] == 8


def test_codes_of_people_stay_as_they_are(mien: Run, tmp_path: Path) -> None:
    path = write(faces(["001", "1", "1.5", "1.50", "s1.0"], {"rest": 0.5}, 4), tmp_path / "faces.csv")
    assert people(mien("stats", path, "--person", "who")[0]) == ["001", "1", "1.5", "1.50", "s1.0", "everyone"]


def test_named_people_that_count_as_one_are_said(mien: Run, tmp_path: Path) -> None:
    path = write(faces(["ann", "bob"], {"rest": 0.5}).rename(columns={"who": "Subject"}), tmp_path / "faces.csv")
    assert "all rows count as one person; --person Subject tells 2 apart" in mien("stats", path)[1]
    assert "apart" not in mien("stats", path, "--person", "subject")[1]


def test_face_1_of_one_subject_is_not_face_1_of_another(mien: Run, tmp_path: Path) -> None:
    table = faces(["ann", "bob"], {"rest": 0.5}, 4).rename(columns={"who": "subject"}).drop(columns="file")
    path = write(table, tmp_path / "faces.csv")
    out, err = mien("stats", path, "--person", "face")
    assert people(out) == [f"{path}:ann:1", f"{path}:bob:1", "everyone"]
    assert err == (
        "note: --person face: the same number beside two values of subject is two people: 2 people, named "
        "SOURCE:subject:face; --person subject would join them\n"
    )


def test_who_talks_tells_no_faces_apart(mien: Run, tmp_path: Path) -> None:
    table = faces(["a"], {"rest": 0.5}, 8).assign(file="v.mp4", face=[1, 2] * 4, speaker=[0, 1, 1, 0] * 2)
    path = write(table, tmp_path / "v.csv")
    out, err = mien("stats", path, "--person", "face")
    assert people(out) == ["1", "2", "everyone"]
    assert err == f"note: {path}: speaker changes within a face (face), so it names no person and tells nobody apart\n"


def test_faces_beside_one_name_that_count_as_one_person_are_said(mien: Run, tmp_path: Path) -> None:
    table = faces(["a"], {"rest": 0.5}, 8).assign(file="v.mp4", frame=[0, 0, 1, 1, 2, 2, 3, 3], face=[1, 2] * 4)
    for names in (["ann"] * 8, ["ann", "", "bob", "ann"] * 2):
        path = write(table.assign(subject=names), tmp_path / "v.csv")
        assert "all rows count as one person; --person face tells 2 apart" in mien("stats", path)[1]
