"""AU tables of every kind read as one thing, and bad ones are refused in one line."""

import re
import tracemalloc
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.au_tables import OPENFACE_AUS, PYFEAT_AUS, native_columns, write_au_table

from mien._io.errors import InputError
from mien.aus.facs import AUS, COLUMNS
from mien.aus.readers import Missing, au_file, open_aus


def read(
    path: Path,
    format_name: str | None = None,
    missing: Missing = "fail",
    needed: Collection[int] = AUS,
    label: str | None = None,
) -> tuple[np.ndarray, list[str]]:
    with open_aus(path, format_name=format_name, missing=missing, needed=needed, label=label) as table:
        intensities = np.concatenate([chunk.intensities for chunk in table.chunks()])
    return intensities, table.notes


def of(intensities: np.ndarray, au: int) -> list[float]:
    return list(intensities[:, AUS.index(au)])


@pytest.mark.parametrize("spelling", ["AU{:02d}", "AU{}", "au{:02d}", " AU{:02d} ", '"AU{:02d}"'])
def test_native_tables_are_read_as_they_are(tmp_path: Path, spelling: str) -> None:
    columns = {spelling.format(au): [au, 100 - au] for au in AUS}
    intensities, notes = read(write_au_table(tmp_path / "a.csv", {"name": ["x", "y"], **columns}))
    assert intensities.dtype == np.float32
    assert intensities.tolist() == [list(map(float, AUS)), [100.0 - au for au in AUS]]
    assert notes == ["read as native (AUxx, 0..100)"]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("\ufeff" + ",".join(COLUMNS) + "\r\n" + ",".join(["50"] * len(AUS)) + "\r\n").encode())
    assert (read(path)[0] == 50).all()


@pytest.mark.parametrize("separator", [",", ";", ", "])
def test_openface_counts_to_five_and_knows_when_it_saw_no_face(tmp_path: Path, separator: str) -> None:
    columns: dict[str, Sequence[object]] = {
        "frame": [1, 2, 3],
        "confidence": [0.98, 0.98, 0.3],
        "success": [1, 0, 1],
        **{f"AU{au:02d}_r": [2.5, 0, 1] for au in OPENFACE_AUS},
        **{f"AU{au:02d}_c": [1, 0, 1] for au in OPENFACE_AUS},
    }
    intensities, notes = read(write_au_table(tmp_path / "a.csv", columns, separator))
    assert of(intensities[:1], 12) == [50]
    assert of(intensities[:1], 16) == of(intensities[:1], 24) == [0]
    assert np.isnan(intensities[1:]).all()
    assert notes == [
        "read as OpenFace (AUxx_r, 0..5), times 20; 0 for AU16, AU24; AU14, AU45 ignored",
        *(["the table is separated by semicolons"] if separator == ";" else []),
        "2 of 3 rows have no prediction: expected success >= 1 and confidence >= 0.5",
    ]


def openface_columns(**changes: Sequence[object]) -> dict[str, Sequence[object]]:
    return {**{f"AU{au:02d}_r": [2, 2, 2] for au in OPENFACE_AUS}, **changes}


@pytest.mark.parametrize("success", [[True, False, True], ["TRUE", "false", " true "], ["True", "", "1"]])
def test_success_may_be_true_or_false(tmp_path: Path, success: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    for rows in (1, 3):
        monkeypatch.setattr(au_file, "CHUNK_ROWS", rows)
        intensities, notes = read(write_au_table(tmp_path / "a.csv", openface_columns(success=success)))
        assert np.isnan(intensities[:, 0]).tolist() == [False, True, False]
        assert notes[-1] == "1 of 3 rows have no prediction: expected success >= 1"


@pytest.mark.parametrize("success", ["Success", "SUCCESS", "success"])
@pytest.mark.parametrize("confidence", ["Confidence", "CONFIDENCE", "confidence"])
def test_the_columns_that_tell_a_face_are_known_in_any_case(tmp_path: Path, success: str, confidence: str) -> None:
    given: dict[str, Sequence[object]] = {success: [1, 0, 1], confidence: [0.9, 0.9, 0.2]}
    columns = openface_columns(**given)
    intensities, notes = read(write_au_table(tmp_path / "a.csv", columns))
    assert np.isnan(intensities[:, 0]).tolist() == [False, True, True]
    assert notes[-1] == f"2 of 3 rows have no prediction: expected {success} >= 1 and {confidence} >= 0.5"


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("Confidence", [3, 5, 4], "row 1, column Confidence: found 3, expected 0..1; so it is not read as the tool's"),
        ("Success", ["won", "lost", "won"], "column Success: found 'won', and no number in any row so far"),
    ],
)
def test_a_column_of_ones_own_that_is_named_nearly_as_the_tools_is_noted(
    tmp_path: Path, name: str, values: Sequence[object], found: str
) -> None:
    columns = openface_columns(**{name: values})
    intensities, notes = read(write_au_table(tmp_path / "a.csv", columns))
    assert not np.isnan(intensities).any()
    assert found in notes[-1]


@pytest.mark.parametrize("name", ["FaceScore", "facescore", "FACESCORE", "face_score", "Face Score", "face.score"])
def test_the_score_of_pyfeat_is_known_in_any_spelling(tmp_path: Path, name: str) -> None:
    columns: dict[str, Sequence[object]] = {name: [0.9, 0.2], **{f"AU{au:02d}": [0.25, 0.5] for au in PYFEAT_AUS}}
    path = write_au_table(tmp_path / "a.csv", columns)
    intensities, notes = read(path, None if name == "FaceScore" else "pyfeat")  # other scores of faces may be 0..100
    assert np.isnan(intensities[:, 0]).tolist() == [False, True]
    assert of(intensities[:1], 12) == [25]
    assert notes[0].startswith("read as py-feat")


def test_a_minimum_of_the_tool_finds_its_confidence_in_any_case(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(CONFIDENCE=[0.9, 0.2]))
    with open_aus(path, min_tool_confidence=0.5) as table:
        (chunk,) = table.chunks()
    assert chunk.reliable.tolist() == [True, False]
    assert "has no confidence column" not in " ".join(table.notes)


@pytest.mark.parametrize("spelling", [str.upper, str.title, lambda name: name.title().replace("_", " ")])
def test_whose_face_where_and_when_is_known_in_any_spelling(tmp_path: Path, spelling: Callable[[str], str]) -> None:
    given: dict[str, Sequence[object]] = {
        "input": ["a.jpg", "b.jpg"], "frame_idx": [7, 8], "frame_time_in_ms": [40, 80], "face_id": [0, 1]
    }  # fmt: skip
    path = write_au_table(tmp_path / "a.csv", native_columns() | {spelling(key): given[key] for key in given})
    with open_aus(path) as table:
        (chunk,) = table.chunks()
    expected = dict(zip(("source", "frame", "timestamp", "face_id"), given.values(), strict=True))
    assert chunk.identity.to_dict("list") == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"success": ["n/a"] * 3},
            "row 1, column success: found 'n/a', and no number in any row so far, expected 0..1",
        ),
        ({"success": ["yes", "", "no"]}, "row 1, column success: found 'yes', and no number"),
        ({"success": [""] * 3}, "row 1, column success: found '', and no number"),
        ({"success": [1] * 3, "confidence": ["NA"] * 3}, "row 1, column confidence: found 'NA', and no number"),
        ({"confidence": [0, 98, 97]}, "row 2, column confidence: found 98, expected 0..1"),
        ({"confidence": ["0,5", "1,5", "1"]}, "row 2, column confidence: found '1,5', expected 0..1"),
    ],
)
def test_a_column_that_cannot_tell_a_face_is_refused(
    tmp_path: Path, changes: dict[str, list[object]], message: str
) -> None:
    path = write_au_table(tmp_path / "a.csv", openface_columns(**changes), ";")
    with pytest.raises(InputError, match=re.escape(f"{path}: {message}")):
        read(path)


def test_only_rows_with_aus_need_a_number_that_tells_a_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 1)
    columns = {"FaceScore": ["", "", 0.9]} | {f"AU{au:02d}": ["", "", 0.5] for au in PYFEAT_AUS}
    intensities, _ = read(write_au_table(tmp_path / "a.csv", columns))
    assert np.isnan(intensities[:, 0]).tolist() == [True, True, False]
    later = openface_columns(success=[1, "n/a", "n/a"], confidence=["0.9", "0.9", "1.0000001"])
    intensities, _ = read(write_au_table(tmp_path / "b.csv", later))
    assert np.isnan(intensities[:, 0]).tolist() == [False, True, True]


def test_pyfeat_counts_to_one_and_leaves_frames_without_a_face_empty(tmp_path: Path) -> None:
    columns: dict[str, Sequence[object]] = {
        "FaceScore": [0.99, ""],
        **{f"AU{au:02d}": [0.25, ""] for au in PYFEAT_AUS},
        "anger": [0.5, ""],
    }
    intensities, notes = read(write_au_table(tmp_path / "a.csv", columns))
    assert of(intensities[:1], 24) == [25]
    assert np.isnan(intensities[1]).all()
    assert notes == [
        "read as py-feat (AUxx, 0..1), times 100; 0 for AU16; AU11, AU14, AU28, AU43 ignored",
        "1 of 2 rows have no prediction: expected FaceScore >= 0.5 and filled AU columns",
    ]


def test_pyfeat_without_face_scores_has_no_face_where_all_aus_are_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 2)  # so that a chunk has empty cells only
    cells = [0.25, "", "", ""]
    columns = {"FaceRectX": [1, "", "", ""]} | {f"AU{au:02d}": cells for au in PYFEAT_AUS}
    intensities, notes = read(write_au_table(tmp_path / "a.csv", columns))
    assert of(intensities[:1], 12) == [25]
    assert np.isnan(intensities[1:]).all()
    assert notes[1] == "3 of 4 rows have no prediction: expected filled AU columns"
    half_empty = write_au_table(tmp_path / "b.csv", columns | {"AU12": [0.25, 0.5, "", ""]})
    intensities, notes = read(half_empty)
    assert np.isnan(intensities[1:]).all()
    assert notes[1:] == [
        "2 of 4 rows have no prediction: expected filled AU columns",
        "1 of 4 rows cannot be read and have no prediction, the first: row 2, column AU01: found '', expected a number "
        "0..1",
    ]


@pytest.mark.parametrize("cell", ["", "NaN", " NA "])
def test_rows_whose_aus_are_all_empty_have_no_face(tmp_path: Path, cell: str) -> None:
    columns = native_columns(**{f"AU{au:02d}": [30, cell, 40] for au in AUS})
    intensities, notes = read(write_au_table(tmp_path / "a.csv", columns))
    assert np.isnan(intensities[1]).all()
    assert of(intensities[::2], 12) == [30, 40]
    assert notes[-1] == "1 of 3 rows have no prediction: expected filled AU columns"
    _, notes = read(write_au_table(tmp_path / "b.csv", columns | {"AU12": [30, 5, 40]}))
    assert notes[-1].startswith("1 of 3 rows cannot be read")


@pytest.mark.parametrize("spelling", ["AU{}", "au_{}", "AU {}", "AU-{:02d}", "AU{:02d}_intensity"])
def test_aus_may_be_spelt_in_other_ways(tmp_path: Path, spelling: str) -> None:
    columns = {spelling.format(au): [au, 0] for au in AUS}
    intensities, notes = read(write_au_table(tmp_path / "a.csv", columns))
    assert intensities[0].tolist() == list(AUS)
    assert notes == ["read as native (AUxx, 0..100)"]


def test_libreface_counts_to_five_and_its_presence_is_ignored(tmp_path: Path) -> None:
    given = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
    columns: dict[str, Sequence[object]] = {
        "facial_expression": ["Happiness"],
        **{f"au_{au}": [1] for au in (1, 2, 4, 6, 7, 10, 12)},
    }
    columns |= {f"au_{au}_intensity": [3] for au in given}
    intensities, notes = read(write_au_table(tmp_path / "a.csv", columns))
    assert of(intensities, 12) == [60]
    assert of(intensities, 7) == [0]
    note = "read as LibreFace (au_x_intensity, 0..5), times 20; 0 for AU07, AU10, AU16, AU23, AU24"
    assert notes == [note]


def test_the_format_can_be_named(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(AU12=[0.5, 1]))
    assert of(read(path, "pyfeat")[0], 12) == [50, 100]
    assert of(read(path, "openface")[0], 12) == [10, 20]
    intensities, notes = read(path)
    assert of(intensities, 12) == [0.5, 1]
    assert "openface or pyfeat?" in notes[1]


def test_au27_counts_as_au26_unless_both_stand(tmp_path: Path) -> None:
    both = write_au_table(tmp_path / "both.csv", native_columns(AU26=[80, 10], AU27=[20, 30]))
    assert of(read(both)[0], 26) == [80, 30]
    columns = native_columns(AU27=[20, 30])
    del columns["AU26"]
    assert of(read(write_au_table(tmp_path / "only.csv", columns))[0], 26) == [20, 30]


def test_absent_aus_count_as_zero_only_on_demand(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", {"AU06": [98], "AU12": [97]})
    with pytest.raises(InputError, match=r"a\.csv: no column AU01, AU02, .*--missing zero"):
        read(path)
    intensities, notes = read(path, missing="zero")
    assert intensities.sum() == 98 + 97
    assert "0 for AU01, AU02" in notes[0]


def test_only_aus_that_are_needed_need_a_column(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", {"AU06": [98], "AU12": [97], "AU27": [96]})
    intensities, notes = read(path, needed=(6, 12, 26))
    assert of(intensities, 26) == [96]
    assert intensities.sum() == 98 + 97 + 96
    assert notes == ["read as native (AUxx, 0..100)"]
    with pytest.raises(InputError, match=r"a\.csv: no column AU15, expected it, or --missing zero to count it as 0$"):
        read(path, needed=(12, 15))


def test_coders_may_leave_out_au16(tmp_path: Path) -> None:
    columns = native_columns()
    del columns["AU16"]
    assert read(write_au_table(tmp_path / "a.csv", columns))[1] == ["read as native (AUxx, 0..100); 0 for AU16"]


def test_columns_of_unknown_aus_are_ignored_with_a_note(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(AU22=["x", "y"], AU43=[1000, ""], AU12=[0, 100]))
    intensities, notes = read(path)
    assert intensities.sum() == 100
    assert notes == ["read as native (AUxx, 0..100); AU22, AU43 ignored"]


SIDES = [("AU12L", "AU12R"), ("AU12_L", "AU12_R"), ("au12_l", "au12_r"), ("AU12 left", "AU12 right"),
         ("left_AU12", "right_AU12"), ("L AU12", "R AU12"), ("AU12_Left", "AU12_std")]  # fmt: skip


@pytest.mark.parametrize("sides", SIDES)
def test_sides_and_other_columns_of_an_au_are_ignored_with_a_note(tmp_path: Path, sides: tuple[str, str]) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(AU12=[40, 60]) | {name: [90, 0] for name in sides})
    intensities, notes = read(path)
    assert of(intensities, 12) == [40, 60]
    assert notes == [f"read as native (AUxx, 0..100); {', '.join(sides)} ignored"]


def test_many_ignored_columns_are_counted(tmp_path: Path) -> None:
    further: dict[str, Sequence[object]] = {f"AU{au:02d}{side}": [0, 0] for au in AUS for side in "LR"}
    _, notes = read(write_au_table(tmp_path / "a.csv", native_columns() | further))
    assert notes[0].endswith("AU07L, AU07R and 22 more columns ignored")


def test_sides_alone_are_no_aus(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", {f"AU{au:02d}_{side}": [0] for au in AUS for side in "LR"})
    with pytest.raises(InputError, match=r"found columns AU01_L, AU01_R, .*, expected AU columns"):
        read(path)


def test_a_tool_lacks_only_what_it_never_reports(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", {f"AU{au:02d}_r": [1] for au in OPENFACE_AUS if au != 12})
    with pytest.raises(InputError, match="no column AU12,"):
        read(path)


@pytest.mark.parametrize("cell", ["101", "-0.1", "nan", "-nan(ind)", "", "inf", "abc", "1.000,5", "True"])
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 2)
    columns: dict[str, Sequence[object]] = {**{name: [0, 0, 0, 0] for name in COLUMNS}, "AU12": [0, 9, cell, 12]}
    with open_aus(write_au_table(tmp_path / "a.csv", columns, ";")) as table:
        chunks = list(table.chunks())
    assert np.concatenate([chunk.reliable for chunk in chunks]).tolist() == [True, True, False, True]
    assert np.isnan(chunks[1].intensities[0]).all()
    assert chunks[1].intensities[1, AUS.index(12)] == 12
    assert table.bad_rows == table.notes[-1]
    start = "1 of 4 rows cannot be read and have no prediction, the first: row 3, column AU12: found "
    assert table.bad_rows.startswith(start)
    assert cell in table.bad_rows
    assert table.bad_rows.endswith(", expected a number 0..100")


def test_a_row_that_is_too_wide_cannot_be_read(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(AU26=[50, "50,1"]))
    intensities, notes = read(path)
    assert np.isnan(intensities[:, 0]).tolist() == [False, True]
    assert notes[-1].endswith("the first: row 2: found more cells than the header's 17")


def test_a_table_of_which_no_row_can_be_read_is_refused(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(AU12=["x", "-1"]))
    with pytest.raises(InputError, match=r"a\.csv: none of the first 2 rows can be read: row 1, .* found 'x'"):
        read(path)


def test_a_column_of_truth_values_is_no_intensity(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none of the first 2 rows .* row 1, column AU12: found"):
        read(write_au_table(tmp_path / "a.csv", native_columns(AU12=[True, False])))


def test_rounding_is_forgiven(tmp_path: Path) -> None:
    assert of(read(write_au_table(tmp_path / "a.csv", native_columns(AU12=["100.0000001", "-1e-9"])))[0], 12) == [
        100,
        0,
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"\n", "empty file or first line"),
        (b"\x89PNG\r\n\x1a\n\0\0", "binary data"),
        ("AU01,AU02\n1,2\n".encode("utf-16-le"), "binary data"),
        ("name,age\n1,2\n".encode("utf-16"), "found columns name, age, expected AU columns"),
        ("größe,age\n1,2\n".encode("latin-1"), "found columns größe, age, expected AU columns"),
        (b"name,age\nx,1\n", "found columns name, age, expected AU columns"),
        (b"AU01_c,AU02_c\n1,0\n", "no column AU04, AU05"),
        (b"AU01,AU1\n1,0\n", "AU01 and AU1 are both AU01"),
        (",".join(COLUMNS).encode(), "header without rows"),
        ((",".join(COLUMNS) + "\n" + ",".join(["0"] * 18)).encode(), "row 1: found more cells than the header's 17"),
        ((",".join(COLUMNS) + '\n"' + "0," * 16 + "0\n").encode(), "not a table"),
        ((",".join(COLUMNS) + "\n" + "0,0,0").encode(), "row 1, column AU05"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read(path)


def test_labels_are_brought_to_their_common_names(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(emotion=["Happiness", " fear"]))
    with open_aus(path, label="emotion") as table:
        assert [chunk.labels for chunk in table.chunks()] == [["happy", "fear"]]


def test_an_unknown_label_or_label_column_is_named(tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(emotion=["happy", "hungry"]))
    with pytest.raises(InputError, match=r"a\.csv: row 2, column emotion: unknown emotion 'hungry'"):
        read(path, label="emotion")
    with pytest.raises(InputError, match="no column mood"):
        read(path, label="mood")


def test_a_long_table_streams_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 5_000)
    part = ",".join(["12.5"] * len(AUS)) + "\n"
    peaks = []
    for rows in (20_000, 200_000):
        path = tmp_path / f"{rows}.csv"
        path.write_text(",".join(COLUMNS) + "\n" + part * rows)
        tracemalloc.start()
        with open_aus(path) as table:
            assert sum(len(chunk.reliable) for chunk in table.chunks()) == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < 5_000_000  # bytes; the long table's intensities alone are 14 million
