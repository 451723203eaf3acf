"""Tables of images in other forms than fer2013.csv: packed, with other separators, encodings, names and columns."""

import bz2
import gzip
import io
import lzma
import re
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import numbers, picture, png, read, write_csv, write_files, zipped

from mien._io.errors import InputError
from mien._io.parallel import parallel
from mien.data.decode import resize
from mien.data.labels import LabelNames
from mien.data.readers.csv_search import is_image_table
from mien.data.readers.opening import open_source

LABELS, USAGES = (0, 6, 3), ("Training", "PublicTest", "PrivateTest")
ROWS: list[tuple[object, object, object]] = [
    (label, numbers(picture(row)), usage) for row, (label, usage) in enumerate(zip(LABELS, USAGES, strict=True))
]
TEXT = "\n".join(["emotion,pixels,Usage", *(",".join(map(str, row)) for row in ROWS)]) + "\n"
CELLS: list[list[str]] = [
    [str(label), *map(str, picture(row).ravel()), str(usage)] for row, (label, _, usage) in enumerate(ROWS)
]
PIXEL_NAMES = [f"pixel{i}" for i in range(48 * 48)]


def table(rows: Sequence[Sequence[str]], separator: str = ",") -> bytes:
    return "\n".join(map(separator.join, rows)).encode()


def tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


FORMS: dict[str, bytes] = {
    "fer.csv": TEXT.replace(",", ";").encode(),
    "fer.tsv": TEXT.replace(",", "\t").encode(),
    "bars.csv": TEXT.replace(",", "|").encode(),
    "utf16.csv": TEXT.encode("utf-16"),
    "utf16be.csv": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "bare_utf16.csv": TEXT.encode("utf-16-le"),
    "names.csv": TEXT.replace("emotion", "Label").replace("Usage", "split").encode(),
    "no_header.csv": TEXT.partition("\n")[2].encode(),
    "no_header": TEXT.partition("\n")[2].replace(",", ";").encode(),
    "wide.csv": table([["emotion", *PIXEL_NAMES, "Usage"], *CELLS]),
    "wide.txt": table([["emotion", *PIXEL_NAMES, "Usage"], *CELLS], ";"),
    "reversed.csv": table([["Usage", *PIXEL_NAMES[::-1], "emotion"], *(row[::-1] for row in CELLS)]),
    "digits.csv": table([["label", *map(str, range(1, 2305)), "usage"], *CELLS]),
    "wide_no_header.csv": table(CELLS),
    "commas.csv": b"emotion;pixels;Usage\n"
    + table([(str(label), f'"[{str(cell).replace(" ", ", ")}]"', str(usage)) for label, cell, usage in ROWS], ";"),
    "lists.csv": b"emotion,pixels,Usage\n"
    + table([(str(label), f'"[{str(cell).replace(" ", ", ")}]"', str(usage)) for label, cell, usage in ROWS]),
    "carriage_returns.csv": TEXT.replace("\n", "\r").encode(),
    "decimal_points.csv": re.sub(r"(\d)(?=[ ,\n])", r"\1.0", TEXT).encode(),
    "wide_decimal_points.csv": table([["emotion", *PIXEL_NAMES, "Usage"]])
    + b"\n"
    + table([[f"{row[0]}.0", *(f"{cell}.0" for cell in row[1:-1]), row[-1]] for row in CELLS]),
    "shares.csv": table(
        [["emotion", "pixels", "Usage"]]
        + [[row[0], " ".join(f"{int(cell) / 255:.4f}" for cell in row[1:-1]), row[-1]] for row in CELLS]
    ),
    "wide_shares.csv": table(
        [["emotion", *PIXEL_NAMES, "Usage"]]
        + [[row[0], *(f"{int(cell) / 255:.4g}" for cell in row[1:-1]), row[-1]] for row in CELLS]
    ),
    "fractions.csv": re.sub(r"(?<= )(\d+)(?= )", r"\1.25", TEXT).encode(),
    "rows_and_columns.csv": table([["emotion", *(f"pixel_{i // 48}_{i % 48}" for i in range(2304)), "Usage"], *CELLS]),
    "rows_end_with_commas.csv": TEXT.replace("\n", ",\n").replace("Usage,", "Usage").encode(),
    "empty_lines.csv": TEXT.replace("\n", "\r\r\n").encode(),  # as Python writes on Windows
    "hint_of_excel.csv": ("sep=;\n" + TEXT.replace(",", ";")).encode(),
    "comment.csv": ("# FER2013\n\n" + TEXT).encode(),
    "fer.csv.bz2": bz2.compress(TEXT.encode()),
    "fer.csv.xz": lzma.compress(TEXT.encode()),
    "fer2013.tar": gzip.decompress(tar({"fer2013.csv": TEXT.encode()})),
    "fer.csv.gz": gzip.compress(TEXT.encode()),
    "semicolons.csv.gz": gzip.compress(TEXT.replace(",", ";").encode()),
    "fer2013.tar.gz": tar({"fer2013/fer2013.csv": TEXT.encode(), "fer2013/README": b"", "fer2013/fer2013.bib": b""}),
}


def check(path: Path) -> list[str]:
    pixels, index = read(path)
    assert np.array_equal(pixels, [picture(0), picture(1), picture(2)])
    assert list(index["emotion"]) == ["angry", "neutral", "happy"]
    assert list(index["split"]) == ["train", "validation", "test"]
    with open_source(path) as source:
        return source.notes


@pytest.mark.parametrize("name", FORMS)
def test_each_form_reads_as_the_table_itself(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FORMS[name])
    assert is_image_table(path)
    notes = check(path)
    is_plain = name in {"utf16.csv", "utf16be.csv", "bare_utf16.csv"} or name.startswith("fer.csv.")
    assert bool(notes) != is_plain


@pytest.mark.parametrize("inside", ["fer2013.csv", "archive/fer2013.csv"])
def test_a_table_in_a_zip_is_read(tmp_path: Path, inside: str) -> None:
    others = {"README.txt": b"", "__MACOSX/._fer2013.csv": b"", "example_submission.csv": b"id,emotion\n1,2\n"}
    path = zipped(tmp_path / "a.zip", {inside: TEXT.encode(), **others})
    assert check(path) == [f"{inside} in it is read"]


def test_of_several_tables_in_a_zip_the_one_with_splits_is_read(tmp_path: Path) -> None:
    train = f"emotion,pixels\n0,{ROWS[0][1]}\n".encode()
    path = zipped(tmp_path / "a.zip", {"train.csv": train, "icml_face_data.csv": TEXT.encode()})
    assert check(path) == ["icml_face_data.csv in it is read"]


def test_a_zip_of_images_beside_a_table_is_a_zip_of_images(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"happy/1.png": png(1), "labels.csv": TEXT.encode()})
    assert list(read(path)[1]["emotion"]) == ["happy"]


def test_a_table_without_splits_has_none_in_any_form(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_bytes(table([["emotion", *PIXEL_NAMES], *(row[:-1] for row in CELLS)]))
    pixels, index = read(path)
    assert np.array_equal(pixels[2], picture(2))
    assert index["split"].isna().all()
    path.write_bytes(table([row[:-1] for row in CELLS]))
    assert list(read(path)[1]["emotion"]) == ["angry", "neutral", "happy"]


def test_the_form_of_fer2013_is_read_where_it_is(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "fer.csv", ROWS)
    with open_source(path) as source:
        assert source.notes == []
        assert len(list(source.blocks(48, parallel))) == 1
    path.write_text(TEXT.replace(",", ";"))
    with open_source(path) as source, pytest.raises(InputError, match="which a cluster cannot read"):
        list(source.blocks(48, parallel))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv.gz", gzip.compress(TEXT.encode())[:-300], "cannot be unpacked"),
        ("a.csv.gz", b"\x1f\x8bnothing", "cannot be unpacked"),
        ("a.csv.gz", gzip.compress(b"name,age\n"), "holds no table of images"),
        ("a.csv.gz", gzip.compress(b"emotion,pixels\n0," + b"1" * 10**6), "row of over"),
        ("a.csv.gz", gzip.compress(b"emotion,pixels\n"), "header without rows"),
        ("a.tar.gz", tar({"README": b""}), "holds neither images nor a CSV"),
        ("a.csv.bz2", b"BZh91AY", "cannot be unpacked"),
        ("a.csv.xz", b"\xfd7zXZ\0" + bytes(600), "cannot be unpacked"),
        ("a.tar", b"fer2013.csv".ljust(257, b"\0") + b"ustar\x0000".ljust(600, b"\0"), "cannot be unpacked"),
        ("a.tar.gz", tar({"a.csv": b"name,age\n"}), "holds a.csv, which is not a table of images"),
        ("a.tar.gz", tar({"a.csv": TEXT.encode(), "b.csv": TEXT.encode()}), "several tables of images: a.csv, b.csv"),
        ("a.tar.gz", tar({"a.csv": TEXT.encode()})[:-2000], "cannot be unpacked"),
        ("a.tar.gz", tar({"a.csv": TEXT.encode()})[:-8] + bytes(8), "cannot be unpacked"),  # its checksum
        ("a.csv", TEXT.replace(",", ";").replace(";PublicTest", "").encode(), "row 2: found 2 cells, expected 3"),
        ("a.csv", TEXT.replace(",", ";").replace("0;", "suprise;").encode(), "row 1, column emotion: found 'suprise'"),
        ("a.csv", TEXT.replace(",", ";").replace("PrivateTest", "x").encode(), "row 3, column Usage: found 'x'"),
        ("a.csv", TEXT.replace(",", ";").encode() + b"\xff\xfe\n", "text that is not utf-8"),
        ("a.csv", b"pixels;Usage\n1 2;Training\n", "images without labels, expected a column emotion"),
        ("a.csv", table([["emotion", *PIXEL_NAMES[:1000]], ["0"] * 1001]), "1,000 columns of pixels, expected those"),
        (
            "a.csv",
            f"emotion,pixels\n0,{'300.5 ' * 2304}\n".encode(),
            "row 1: column pixels: found '300.5', expected 0..2",
        ),
        ("a.csv", f"emotion,pixels\n0,{'0 ' * 6912}\n".encode(), "6,912 numbers, expected 2,304 (48 x 48); colours?"),
        ("a.csv", table([["emotion", *PIXEL_NAMES], CELLS[0][:-1], CELLS[1][:-2]]), "row 2: found 2,304 cells"),
        ("a.csv", table([["emotion", *PIXEL_NAMES], ["0"] + ["256"] * 2304]), "row 1, pixel 1: found '256'"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_table_of_images_is_said(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(path)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert words in message
    assert "\n" not in message


def test_a_zip_without_a_table_of_images_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": b"name,age\n"})
    with pytest.raises(InputError, match=r"holds a\.csv, which is not a table of images"):
        read(path)


@pytest.mark.parametrize("change", [lambda text: text, gzip.compress, lambda text: text.replace(b",", b";")])
def test_an_au_table_is_no_table_of_images(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    names = ["frame", " AU01_r", *(f" x_{i}" for i in range(68)), *(f" eye_lmk_X_{i}" for i in range(300))]
    write_files(tmp_path, {"a.csv": change(table([names, ["1"] * len(names)]))})
    assert not is_image_table(tmp_path / "a.csv")


@pytest.mark.parametrize("side", [28, 64])
@pytest.mark.parametrize("kind", ["cells", "columns"])
def test_images_of_other_sides_are_resized(tmp_path: Path, side: int, kind: str) -> None:
    faces = [picture(row, side) for row in range(3)]
    names = ["emotion", *(["pixels"] if kind == "cells" else (f"pixel{i}" for i in range(side**2)))]
    rows = [["3", *([numbers(face)] if kind == "cells" else map(str, face.ravel()))] for face in faces]
    path = tmp_path / "a.csv"
    path.write_bytes(table([names, *rows]))
    pixels, index = read(path)
    assert np.array_equal(pixels, [resize(face, 48) for face in faces])
    assert set(index["width"]) == {side}
    assert np.array_equal(read(path, size=side)[0], faces)
    with open_source(path) as source:
        assert f"images have {side} x {side} pixels, as the first row has so many numbers" in source.notes
        if kind == "cells":
            blocks = [batch.pixels for block in source.blocks(48, parallel) for batch in block.batches(48)]
            assert np.array_equal(np.concatenate(blocks), pixels)


def test_a_folder_that_holds_the_table_alone_is_that_table(tmp_path: Path) -> None:
    submission = b"id,emotion\n1,2\n"
    path = write_files(tmp_path / "fer2013", {"a/fer2013.csv": TEXT.encode(), "a/submission.csv": submission})
    assert check(path) == ["a/fer2013.csv in it is read"]


def test_labels_of_windows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"emotion,pixels\nÄrger,{ROWS[0][1]}\n".encode("latin-1"))
    with open_source(path, LabelNames.parse("Ärger=angry")) as source:
        assert [entry.emotion for batch in source.batches(48) for entry in batch.entries] == ["angry"]
