"""Image sources by URL: the arrays of the local files, few requests, and one line for whatever fails."""

import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
from helpers.pictures import encoded, numbers, picture, png, read, write_csv, write_files, zipped
from helpers.served import Server, served

from mien._io import urls
from mien._io.errors import InputError
from mien._io.urls import Location, Span, Url, locate
from mien.cli import main
from mien.config import load_params
from mien.data.readers import csv, lines, source
from mien.data.readers.opening import open_source

FACES = {
    f"{split}/{emotion}/{i:02}.png": png(100 * k + i)
    for split in ("train", "test")
    for k, emotion in enumerate(("happy", "sad"))
    for i in range(20)
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of the files in tmp_path."""
    with served(tmp_path) as server:
        yield server


def same(one: tuple[np.ndarray, pd.DataFrame], other: tuple[np.ndarray, pd.DataFrame]) -> None:
    assert np.array_equal(one[0], other[0])
    pd.testing.assert_frame_equal(one[1], other[1])


def in_blocks(path: Location) -> tuple[np.ndarray, pd.DataFrame]:
    """Return what `pictures.read` does, each block pickled and read by itself, as workers do."""
    with open_source(path) as images:
        blocks = [pickle.loads(pickle.dumps(block)) for block in images.blocks(48, map)]
        batches = [batch for block in blocks for batch in block.batches(48)]
    entries = pd.DataFrame([entry for batch in batches for entry in batch.entries])
    return np.concatenate([batch.pixels for batch in batches]), entries


def refusal(path: Location) -> str:
    with pytest.raises(InputError) as error:
        read(path)
    (line,) = str(error.value).splitlines()
    return line


# The arrays are those of the local files.


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_by_url_is_read_as_by_path(tmp_path: Path, server: Server, compression: int) -> None:
    path = zipped(tmp_path / "faces.zip", FACES | {"train/happy/05.png": png(5)[:90]}, compression)
    url = locate(f"{server.url}/faces.zip?signature=1")
    same(read(url), read(path))
    assert np.array_equal(in_blocks(url)[0], read(path)[0])


def test_entries_with_long_extra_fields_are_read_by_url(tmp_path: Path, server: Server) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for i in range(3):
            info = zipfile.ZipInfo(f"happy/{i}.png")
            info.extra = b"\x99\x99\xf4\x01" + bytes(500)
            archive.writestr(info, png(i))
    assert np.array_equal(read(locate(f"{server.url}/faces.zip"))[0], [picture(i) for i in range(3)])


def test_a_csv_by_url_is_read_as_by_path(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(i % 7, numbers(picture(i)), "Training") for i in range(30)]
    path = write_csv(tmp_path / "fer2013.csv", rows)
    url = locate(f"{server.url}/fer2013.csv")
    monkeypatch.setattr(urls, "_BUFFER", 10_000)
    monkeypatch.setattr(csv, "_BATCH_ROWS", 7)
    monkeypatch.setattr(lines, "_CHUNK", 30_000)
    same(read(url), read(path))
    found = in_blocks(url)
    assert np.array_equal(found[0], read(path)[0])
    assert list(found[1]["origin"]) == list(read(path)[1]["origin"])


def test_a_folder_by_url_is_read_as_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {"train/happy/99.png": b"", "train/sad/99.jpg": b"text", "train/.hidden/1.png": png(1), "README": b"words"}
    path = write_files(tmp_path / "faces", FACES | odd)
    (path / "train/disgusted").mkdir()
    fsspec.filesystem("memory").put(str(path), "/faces", recursive=True)
    url = locate("memory://faces")
    monkeypatch.setattr(urls, "_MAX_HELD", 10_000)
    same(read(url), read(path))
    assert np.array_equal(in_blocks(url)[0], read(path)[0])
    with open_source(url) as there, open_source(path) as here:
        assert there.notes == here.notes
        assert here.notes == [
            "1 file was left out: no suffix (1)",
            "disgust is not a class: its folder contains no image",
        ]


def test_a_file_larger_than_an_image_is_unreadable_by_url(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec.filesystem("memory").pipe({"/large/happy/1.png": png(1), "/large/happy/2.bmp": encoded(picture(2), ".bmp")})
    monkeypatch.setattr("mien.data.readers.folder.MAX_BYTES", 3000)
    assert list(read(locate("memory://large"))[1]["hash"] == "") == [False, True]


def test_a_url_of_a_file_is_a_path() -> None:
    assert locate("file:///mnt/faces.zip") == Path("/mnt/faces.zip")
    assert locate("a::b/c:/faces.zip") == Path("a::b/c:/faces.zip")
    assert locate("simplecache::s3://bucket/faces.zip") == Url("simplecache::s3://bucket/faces.zip")


def test_a_path_does_not_import_fsspec(tmp_path: Path) -> None:
    path = zipped(tmp_path / "faces.zip", FACES)
    code = (
        "import sys; from mien._io.urls import locate; from mien.data.readers.opening import open_source\n"
        "with open_source(locate(sys.argv[1])) as source:\n    list(source.batches(48))\n"
        "sys.exit('fsspec' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)


# Requests are few, and memory holds few spans.


def test_a_block_of_a_zip_is_one_request(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_BATCH_PIXELS", 16 * 48 * 48)
    zipped(tmp_path / "faces.zip", dict(sorted(FACES.items())))
    with open_source(locate(f"{server.url}/faces.zip")) as images:
        opened = len(server.asked)
        assert sum(len(batch.entries) for batch in images.batches(48)) == 80
    assert opened < 12
    assert len(server.asked) - opened == 5


def test_what_is_far_apart_is_read_by_itself(tmp_path: Path, server: Server) -> None:
    data = np.random.default_rng(0).bytes(100_000)
    (tmp_path / "file").write_bytes(data)
    spans = [Span(90_000, 90_100), Span(5, 20), Span(7, 9), Span(500, 600)]
    assert list(Url(f"{server.url}/file").read(spans)) == [data[span.start : span.stop] for span in spans]
    assert sorted(server.asked) == [("GET", "bytes=5-599"), ("GET", "bytes=90000-90099")]


def test_of_many_spans_some_are_held_at_a_time(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "_MAX_HELD", 1000)
    (tmp_path / "file").write_bytes(bytes(10_000))
    parts = Url(f"{server.url}/file").read([Span(start, start + 400) for start in range(0, 10_000, 400)])
    next(parts)
    assert server.asked == [("GET", "bytes=0-799")]


# Whatever fails is one line, which tells no secret.


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s4://me:secret@bucket/faces.zip", "s4://bucket/faces.zip: cannot be read (Protocol not known: s4)"),
        ("http://me:secret@127.0.0.1:1/a.zip?secret", "http://127.0.0.1:1/a.zip?...: cannot be read (Cannot connect"),
        ("memory://none/faces.zip", "memory://none/faces.zip: no such file or folder"),
    ],
)
def test_what_is_not_there_is_said_in_a_line(url: str, message: str) -> None:
    assert refusal(locate(url)).startswith(message)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert refusal(locate("s3://key:secret@bucket/faces.zip")) == (
        "s3://bucket/faces.zip: its protocol needs a package that is not installed: pip install s3fs"
    )


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 404}, "no such file or folder"),
        ({"status": 403}, "no permission to read it"),
        ({"status": 503}, "cannot be read (503, message='Service Unavailable'"),
        ({"knows_ranges": False}, "the server does not support range requests"),
        ({"says_length": False}, "the server does not report its size"),
    ],
)
def test_a_host_that_refuses_is_said_in_a_line(
    tmp_path: Path, server: Server, fault: dict[str, object], message: str
) -> None:
    zipped(tmp_path / "faces.zip", FACES)
    for name, value in fault.items():
        setattr(server, name, value)
    line = refusal(locate(f"{server.url}/faces.zip?key=secret".replace("//", "//me:secret@")))
    assert line.startswith(f"{server.url}/faces.zip?...: {message}")
    assert "secret" not in line
    assert server.authorization is not None


@pytest.mark.parametrize("breaks_at", [6, 9])  # in the list of entries, and in an image
def test_a_host_that_breaks_off_leaves_nothing_half_written(
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    breaks_at: int,
) -> None:
    monkeypatch.setattr(source, "_BATCH_PIXELS", 16 * 48 * 48)
    zipped(tmp_path / "faces.zip", FACES)
    server.breaks_at = breaks_at
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(sys, "argv", ["mien", "convert", f"{server.url}/faces.zip", str(tmp_path / "out/faces.npz")])
    with pytest.raises(SystemExit, match="2"):
        main()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {server.url}/faces.zip: cannot be read (Response payload is not completed")
    assert list((tmp_path / "out").iterdir()) == []


def test_params_keep_no_password(tmp_path: Path) -> None:
    text = Path("params.yaml").read_text().replace("data/faces/faces.zip", "https://me:secret@host/faces.zip")
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(InputError, match=r"prepare_fer\.source: found a password in https://host/faces\.zip") as error:
        load_params(tmp_path / "params.yaml")
    assert "secret" not in str(error.value)
