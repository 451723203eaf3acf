"""The forms in which people keep AU tables give the intensities of the plain one, or are refused with their name."""

import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from helpers.au_tables import OPENFACE_AUS, native_columns, write_au_table

from mien._io.errors import InputError
from mien.aus.facs import AUS, COLUMNS
from mien.aus.readers import au_file, open_aus

Table = list[list[object]]
HEADER: list[object] = [*COLUMNS, "timestamp", "emotion"]


def table(rows: int = 5) -> Table:
    values = np.random.default_rng(0).uniform(0, 100, (rows, len(AUS))).round(2).tolist()
    return [HEADER, *([*row, index / 4, "sad"] for index, row in enumerate(values))]


def text(rows: Table, separator: str = ",", decimal: str = ".", quote: str = "", end: str = "\n") -> str:
    def cell(value: object) -> str:
        return f"{quote}{str(value).replace('.', decimal)}{quote}" if isinstance(value, float) else str(value)

    return "".join(separator.join(map(cell, row)) + end for row in rows)


def reworded(name: str) -> Table:
    """Return the table with other names of AUs. name: of one, with {} for its number."""
    header, *rows = table()
    return [[name.format(str(cell)[2:]) if cell in COLUMNS else cell for cell in header], *rows]


def workbook(*sheets: Table, text_cells: bool = False) -> bytes:
    book = openpyxl.Workbook()
    assert book.active
    book.remove(book.active)
    for index, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Tabelle{index + 1}")
        for row in rows:
            sheet.append([str(cell).replace(".", ",") if text_cells else cell for cell in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def read(path: Path) -> tuple[np.ndarray, list[object], list[str]]:
    with open_aus(path, label="emotion") as opened:
        chunks = list(opened.chunks())
    assert all(chunk.labels == ["sad"] * len(chunk.reliable) for chunk in chunks)
    times = [time for chunk in chunks for time in chunk.identity["timestamp"]]
    return np.concatenate([chunk.intensities for chunk in chunks]), times, opened.notes[1:]


_COMMAS = "has decimal commas, which count as points: 0,98 is 0.98"
_SEMICOLONS, _TABS = (f"the table is separated by {name}" for name in ("semicolons", "tabs"))


@pytest.mark.parametrize(
    ("write", "notes"),
    [
        (lambda: text(table(), ";", ",").encode(), [_SEMICOLONS, _COMMAS]),
        (lambda: text(table(), ";", ",", '"', "\r\n").encode(), [_SEMICOLONS, _COMMAS]),
        (lambda: text(table(), ",", ",", '"').encode(), [_COMMAS]),
        (lambda: ("sep=;\r\n" + text(table(), ";", ",")).encode("utf-8-sig"), [_SEMICOLONS, _COMMAS]),
        (lambda: text(table(), ";").encode(), [_SEMICOLONS]),
        (lambda: text(table(), "\t").encode(), [_TABS]),
        (lambda: text(table(), "\t", ",").encode("utf-16"), [_TABS.replace("is ", "is UTF-16, "), _COMMAS]),
        (lambda: text(table()).encode("utf-8-sig"), []),
        (lambda: b"\xfe\xff" + text(table()).encode("utf-16-be"), ["the table is UTF-16"]),
        (lambda: text(table(), "|").encode(), ["the table is separated by bars"]),
        (lambda: gzip.compress(text(table()).encode()), ["the table is compressed by gzip"]),
        (lambda: bz2.compress(text(table()).encode()), ["the table is compressed by bzip2"]),
        (lambda: lzma.compress(text(table()).encode()), ["the table is compressed by xz"]),
        (
            lambda: gzip.compress(text(table(), ";", ",").encode("utf-16")),
            ["the table is compressed by gzip, UTF-16, separated by semicolons", _COMMAS],
        ),
        (lambda: workbook(table()), ["the table is sheet 'Tabelle1' of an Excel workbook"]),
        (
            lambda: workbook([], [["notes"], ["x"]], table(), [HEADER]),
            ["the table is sheet 'Tabelle3' of an Excel workbook"],
        ),
        (
            lambda: workbook([[], *table(), [None] * 30, ["", "", None]]),
            ["the table is sheet 'Tabelle1' of an Excel workbook"],
        ),
        (
            lambda: workbook([["Study"], ["x"]], [["AU coding, 2024"], [None], ["coder", "A"], *table()]),
            ["the table is sheet 'Tabelle2' (header in filled row 3) of an Excel workbook"],
        ),
        (
            lambda: ("Video log\nFrame rate:\t25\n\n" + text(reworded("Action Unit {} - Lid Raiser"), "\t")).encode(),
            ["the table is below 3 lines of text, separated by tabs"],
        ),
        (lambda: ("# study\n" + text(reworded("FAU{}"))).encode(), ["the table is below 1 line of text"]),
        (
            lambda: text(table(), end="\r").encode(),
            ["the table is of lines that end with carriage returns"],
        ),
        (
            lambda: workbook(table(), text_cells=True),
            ["the table is sheet 'Tabelle1' of an Excel workbook", _COMMAS],
        ),
    ],
)
def test_all_forms_give_the_same(
    tmp_path: Path, write: Callable[[], bytes], notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, path = tmp_path / "plain.csv", tmp_path / "table"
    plain.write_text(text(table()))
    path.write_bytes(write())
    expected = read(plain)
    assert expected[2] == []
    for size in (50_000, 2):
        monkeypatch.setattr(au_file, "CHUNK_ROWS", size)
        intensities, times, found = read(path)
        assert np.array_equal(intensities, expected[0])
        assert times == expected[1]
        assert found == notes


def test_further_sheets_with_aus_are_named(tmp_path: Path) -> None:
    path = tmp_path / "people.xlsx"
    path.write_bytes(workbook([["notes"], ["x"]], table(2), table(3), [HEADER], [["P3"], *table(4)]))
    intensities, _, notes = read(path)
    assert len(intensities) == 2
    assert notes == [
        "the table is sheet 'Tabelle2' of an Excel workbook",
        "2 further sheets with such columns are not read: sheet 'Tabelle3', sheet 'Tabelle5' (header in filled row 2); "
        "save each as a file of its own",
    ]


def test_a_sheet_with_rows_goes_before_one_with_a_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "people.xlsx"
    path.write_bytes(workbook([HEADER], reworded("Action Unit {} - Lid Raiser")))
    intensities, _, notes = read(path)
    assert len(intensities) == 5
    assert notes == ["the table is sheet 'Tabelle2' of an Excel workbook"]


def damaged_gzip() -> bytes:
    return gzip.compress(text(table(20_000)).encode())[:-20_000]


def renamed(data: bytes, without: str) -> bytes:
    """Return a workbook without one of its parts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            if name != without:
                target.writestr(name, source.read(name))
    return stream.getvalue()


def broken_sheet() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(table(50)))) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data[: len(data) // 2] if name.endswith("sheet1.xml") else data)
    return stream.getvalue()


def zip_of_csv() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", text(table()))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (damaged_gzip, "damaged gzip file"),
        (lambda: b"\x1f\x8bnothing", "damaged gzip file"),
        (lambda: bz2.compress(b"AU01")[:-4], "damaged bzip2 file"),
        (lambda: lzma.compress(b"AU01")[:-4], "damaged xz file"),
        (lambda: b"\xfd7zXZ\0nothing", "damaged xz file"),
        (lambda: gzip.compress(b""), "empty file"),
        (lambda: gzip.compress(b"\x89PNG\0"), "binary data"),
        (lambda: b"\xd0\xcf\x11\xe0" + bytes(100), "Excel file of the old kind"),
        (zip_of_csv, "zip file that is not an Excel workbook"),
        (lambda: workbook(table())[:-500], "damaged Excel workbook"),
        (lambda: b"PK\x03\x04" + bytes(100), "damaged Excel workbook"),
        (lambda: renamed(workbook(table()), "xl/workbook.xml"), "damaged Excel workbook"),
        (broken_sheet, "damaged Excel workbook"),
        (lambda: workbook([]), "empty file"),
        (lambda: workbook([["name"], ["x"]]), "found columns name, expected AU columns"),
        (lambda: workbook([HEADER]), "header without rows"),
        (lambda: text(table(), ",", ",").encode(), "none of the first 5 rows can be read: row 1: found more cells"),
        (lambda: "AU01,AU02\n1,2\n".encode("utf-32"), "binary data"),
    ],
)
def test_a_damaged_form_is_refused_in_one_line(tmp_path: Path, write: Callable[[], bytes], words: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(write())
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_packed_table_streams_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 1_000)
    part = "\t".join(["12.5"] * len(AUS)) + "\n"  # a decimal comma would take twenty times as long
    peaks = []
    for rows in (2_000, 10_000):  # read as one chunk, the second takes three times as much
        path = tmp_path / f"{rows}.tsv.gz"
        path.write_bytes(gzip.compress(("\t".join(COLUMNS) + "\n" + part * rows).encode("utf-16"), 1))
        tracemalloc.start()
        with open_aus(path) as opened:
            assert sum(chunk.reliable.sum() for chunk in opened.chunks()) == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def presence(**changes: Sequence[object]) -> dict[str, Sequence[object]]:
    columns = {f"AU{au:02d}_c": [0, 0] for au in (*OPENFACE_AUS, 28)}
    return {"success": [1, 1], **columns, **changes}


@pytest.mark.parametrize("format_name", [None, "openface"])
def test_presence_alone_is_read_as_full_intensity(tmp_path: Path, format_name: str | None) -> None:
    path = write_au_table(tmp_path / "a.csv", presence(AU12_c=["1.0", 0], AU06_c=[1, 0], success=[1, 0]))
    with open_aus(path, format_name=format_name) as opened:
        (chunk,) = opened.chunks()
    assert dict(zip(AUS, chunk.intensities[0], strict=True)) == {au: 100 * (au in (6, 12)) for au in AUS}
    assert chunk.reliable.tolist() == [True, False]
    assert opened.notes[0] == (
        "read as OpenFace's presence (AUxx_c, 0 or 1, as there is no AUxx_r), times 100; 0 for AU16, AU24; AU14, AU45, "
        "AU28 ignored"
    )


def test_intensity_goes_before_presence(tmp_path: Path) -> None:
    columns = presence(AU12_c=[1, 1]) | {f"AU{au:02d}_r": [1, 2] for au in OPENFACE_AUS}
    with open_aus(write_au_table(tmp_path / "a.csv", columns)) as opened:
        (chunk,) = opened.chunks()
    assert chunk.intensities[:, AUS.index(12)].tolist() == [20, 40]


def test_a_code_of_a_person_stays_text(tmp_path: Path) -> None:
    for people, expected in ((["007", "1"], ["007", "1"]), (["7", "1"], [7, 1]), (["", "1"], ["", "1"])):
        with open_aus(write_au_table(tmp_path / "a.csv", native_columns(face=people))) as opened:
            (chunk,) = opened.chunks()
        assert chunk.identity["face_id"].tolist() == expected


def test_rows_without_a_fit_are_rows_without_a_face(tmp_path: Path) -> None:
    header, *rows = table(2)
    path = tmp_path / "facereader.txt"
    lost = [["FIT_FAILED"] * len(AUS), ["-"] * len(AUS)]
    path.write_text(text([header, *rows, *([*cells, 0, "sad"] for cells in lost)], "\t"))
    intensities, _, notes = read(path)
    assert np.isnan(intensities).all(axis=1).tolist() == [False, False, True, True]
    assert notes[-1] == "2 of 4 rows have no prediction: expected filled AU columns"


def test_frames_and_times_of_other_tools_are_kept(tmp_path: Path) -> None:
    header, *rows = table(1)
    names = [{"timestamp": "Video Time", "emotion": "frame_idx"}.get(str(cell), cell) for cell in header]
    path = tmp_path / "a.csv"
    path.write_text(text([names, [*rows[0][:-2], "00:00:01.040", 7]]))
    with open_aus(path) as opened:
        (chunk,) = opened.chunks()
    assert chunk.identity.to_dict("records") == [{"frame": 7, "timestamp": "00:00:01.040"}]
