"""Files that no one would write: every reader returns something sound, or says in one line that the file is bad.

`FUZZ=thorough pytest tests/robustness/test_fuzz.py` tries many more, other ones each time.
"""

import json
import os
import shutil
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest
from helpers.au_tables import OPENFACE_AUS, PYFEAT_AUS
from helpers.emotic import CATEGORIES, TEST, TRAIN, VAL, annotations, write_annotations
from helpers.ferplus import VOTES_HEADER
from helpers.matlab import NOTHING
from helpers.mpii import act, image, person, poses_table, release, write_mat
from helpers.networks import brightness_network, change_metadata, split_metadata
from helpers.pictures import SPLIT_FACES, encoded, numbers, picture, png, read, write_files, zipped
from helpers.poses import poses_in_runs
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mien._io.errors import InputError
from mien._io.nested import flatten
from mien._io.quiet import quiet_decoders
from mien._io.yaml import read_yaml
from mien.actions import ActionMap, context_classifier
from mien.actions.action_map import FILE
from mien.actions.context_classifier import ContextClassifier
from mien.actions.emotic import read_emotic
from mien.actions.mpii import read_mpii
from mien.aus.facs import COLUMNS
from mien.aus.readers import FORMATS, open_aus
from mien.config import Params, load_params
from mien.data.arrays import Images
from mien.data.decode import decode
from mien.data.ferplus import read_votes
from mien.data.image_aus import read_image_aus
from mien.evaluation.image_table import table_properties
from mien.inference.aus.group_statistics import statistics
from mien.inference.aus.group_tables import Grouping, read_tables
from mien.inference.drift.measures import read_faces
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.pictures.photo_files import read_photo
from mien.models.metadata import Metadata

_SHARED: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("quick", max_examples=10, derandomize=True, database=None, **_SHARED)
settings.register_profile("thorough", max_examples=int(os.environ.get("EXAMPLES", "2000")), database=None, **_SHARED)
settings.load_profile(os.environ.get("FUZZ", "quick"))

T = TypeVar("T")

#: Cells and values that break readers.
NASTY = (
    "", " ", "x", "-1", "0", "1", "256", "1e400", "-1e400", "nan", "inf", "-0.0", "1e-400", "True", "null", "'", '"',
    '"a', "=1+1", "\0", "\x1b[2J", "\ud800", "é", "٣", "9" * 25, "9" * 5000, "0" * 5000, "1_000", "0x10", "1j", "{}",
    "[" * 500, "[1]", "['a']", "[1, 2]", "\r", "\n", "\t", ",", ";", "\\d", "a" * 3000,
)  # fmt: skip
nasty = st.sampled_from(NASTY) | st.text(max_size=8)


def sound(read: Callable[[Path], T], path: Path) -> T | None:
    """Return what a reader makes of a file, None if it refuses it properly."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read(path)
        except InputError as error:
            message = str(error)
    assert path.name in message
    assert message.isprintable()
    return None


@st.composite
def damaged(draw: st.DrawFn, *wholes: bytes, tail: int = 0) -> bytes:
    """Draw one of some files, damaged in a few places; tail: of how many last bytes most of these are."""
    data = bytearray(draw(st.sampled_from(wholes)))
    for _ in range(draw(st.integers(1, 4))):
        low = max(len(data) - tail, 0) if tail and draw(st.booleans()) else 0
        i = draw(st.integers(low, len(data)))
        count = draw(st.sampled_from((1, 1, 2, 4, 16, 300)))
        match draw(st.sampled_from(("set", "set", "flip", "cut", "insert", "repeat", "end"))):
            case "set":
                data[i : i + count] = draw(st.sampled_from((b"\0", b"\xff", b"\x7f", b"\x80", b"\1"))) * min(count, 4)
            case "flip":
                data[i : i + 1] = bytes(byte ^ (1 << draw(st.integers(0, 7))) for byte in data[i : i + 1])
            case "cut":
                del data[i : i + count]
            case "insert":
                data[i:i] = draw(st.binary(min_size=1, max_size=8))
            case "repeat":
                data[i:i] = data[i : i + count]
            case "end":
                del data[i:]
    return bytes(data)


@st.composite
def spoiled(draw: st.DrawFn, rows: Sequence[Sequence[object]], separator: str = ",") -> bytes:
    """Draw a table with cells replaced, added, doubled or left out, in the header as well, as a CSV file."""
    cells = [list(map(str, row)) for row in rows]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.sampled_from(cells)) if cells else []
        position = draw(st.integers(0, max(len(row) - 1, 0)))
        match draw(st.sampled_from(("replace", "replace", "replace", "quote", "add", "leave", "swap", "empty"))):
            case "replace":
                row[position : position + 1] = [draw(nasty)]
            case "quote":
                row[position : position + 1] = [f'"{cell}"' for cell in row[position : position + 1]]
            case "add":
                row.insert(position, draw(nasty))
            case "leave":
                del row[position : position + 1]
            case "swap":
                row.reverse()
            case "empty":
                cells = cells[: draw(st.integers(0, len(cells)))]
    ends = draw(st.sampled_from(("\n", "\r\n", "\r")))
    return (draw(st.sampled_from(("", "", "\ufeff"))) + ends.join(map(separator.join, cells)) + ends).encode(
        errors="surrogatepass"
    )


# --- images -----------------------------------------------------------------------------------------------------------


def check_source(path: Path) -> None:
    if found := sound(read, path):
        pixels, index = found
        assert (pixels.dtype, pixels.shape) == (np.uint8, (len(index), 48, 48))
        assert index["emotion"].str.len().gt(0).all()  # what names no emotion stays as it is
        assert index.loc[index["hash"] != "", ["width", "brightness", "contrast"]].notna().all(axis=None)


FER: list[Any] = [
    ["emotion", "pixels", "Usage"],
    *([i, numbers(picture(i) // 28), "Training"] for i in (0, 1)),
]
FER_BYTES = "\n".join(",".join(map(str, row)) for row in FER).encode()


@given(st.one_of(spoiled(FER), damaged(FER_BYTES), damaged(FER_BYTES[:100])))
@example(f"emotion,pixels\n0,{numbers(picture(0))[:-3]}{'0' * 5000}\n".encode())
def test_fer2013(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "fer.csv").write_bytes(data)
    check_source(tmp_path / "fer.csv")


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("zips")
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    small = {name: encoded(picture(i, 16), ".bmp") for i, name in enumerate(SPLIT_FACES)}
    return [zipped(folder / f"{kind}.zip", small, kind).read_bytes() for kind in kinds]


@given(st.data())
def test_zips(zips: list[bytes], tmp_path: Path, data: st.DataObject) -> None:
    (tmp_path / "a.zip").write_bytes(data.draw(damaged(*zips, tail=700)))
    check_source(tmp_path / "a.zip")


parts = st.sampled_from(
    ("train", "val", "test", "sad", "Happiness", "..", ".", "", "__MACOSX", ".git", "C:", "\\", "x")
)
names = st.one_of(
    st.lists(parts | st.text(max_size=5), max_size=4).map("/".join),
    st.sampled_from(
        ("train/sad/1.png", "sad/\n.png", "sad/\x1b[2J.jpg", "sad/1.png/", "/", "sad/a.zip", "../sad/1.png")
    ),
    st.text(max_size=6).map(lambda name: f"train/sad/{name}.png"),
)
contents = st.sampled_from((png(1), b"", b"text", encoded(picture(2), ".jpg"), png(3)[:60])) | st.binary(max_size=30)


@given(st.lists(st.tuples(names, contents), max_size=5))
def test_names_in_zips(tmp_path: Path, entries: list[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of equal names
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name.encode(errors="replace").decode()), data)
    check_source(tmp_path / "a.zip")


@given(st.lists(st.tuples(names, contents), max_size=5))
def test_folders(tmp_path: Path, entries: list[tuple[str, bytes]]) -> None:
    shutil.rmtree(tmp_path / "a", ignore_errors=True)
    (tmp_path / "a").mkdir()
    for name, data in entries:
        kept = [part for part in name.replace("\0", "").split("/") if part not in ("", "..", ".")]
        try:
            write_files(tmp_path / "a", {"/".join(kept) or "b": data})
        except (OSError, UnicodeEncodeError):  # a file where a folder is, or no name on this system
            continue
    check_source(tmp_path / "a")


PICTURES = [encoded(picture(i, 20, 30), suffix) for i, suffix in enumerate((".png", ".jpg", ".bmp", ".tiff", ".webp"))]
COLOURED = [encoded(np.dstack([picture(i, 24) for i in range(k)]), ".png") for k in (3, 4)]


@given(
    st.one_of(
        damaged(*PICTURES, *COLOURED),
        st.binary(max_size=60),
        *(st.binary(max_size=40).map(whole[:12].__add__) for whole in PICTURES),
    )
)
def test_pictures_of_a_data_set(capfd: pytest.CaptureFixture[str], data: bytes) -> None:
    with quiet_decoders(), warnings.catch_warnings():
        warnings.simplefilter("error")
        found = decode(data, 48)
    if found:
        assert (found.pixels.dtype, found.pixels.shape) == (np.uint8, (48, 48))
        assert found.width > 0 < found.height
    assert capfd.readouterr() == ("", "")


@given(st.one_of(damaged(*PICTURES, *COLOURED), st.binary(max_size=60)))
def test_photos(tmp_path: Path, capfd: pytest.CaptureFixture[str], data: bytes) -> None:
    (tmp_path / "photo").write_bytes(data)
    found = sound(read_photo, tmp_path / "photo")
    if found is not None:
        assert found.dtype == np.uint8
        assert found.shape[2:] == (3,)
        assert min(found.shape[:2]) >= 16
    assert capfd.readouterr() == ("", "")


VOTES: list[Any] = [VOTES_HEADER.split(","), *(["Training", f"fer{i}.png", *range(10)] for i in range(3))]


@given(spoiled(VOTES) | damaged("\n".join(",".join(map(str, row)) for row in VOTES).encode()))
def test_votes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "votes.csv").write_bytes(data)
    votes = sound(read_votes, tmp_path / "votes.csv")
    if votes is not None:
        assert votes.dtype == np.int64
        assert votes.shape[1:] == (10,)
        assert (votes >= 0).all()


# --- Action Units -----------------------------------------------------------------------------------------------------

AU_TABLES: dict[str, list[Any]] = {
    "native": [[*COLUMNS, "emotion"], *([*[50.5] * len(COLUMNS), name] for name in ("happy", "Sadness"))],
    "openface": [
        ["frame", "confidence", "success", *(f"AU{au:02d}_r" for au in OPENFACE_AUS), "emotion"],
        *([1, 0.9, success, *[2.5] * len(OPENFACE_AUS), "fear"] for success in (1, 0)),
    ],
    "pyfeat": [
        ["FaceScore", *(f"AU{au:02d}" for au in PYFEAT_AUS), "emotion"],
        [0.99, *[0.25] * len(PYFEAT_AUS), "joy"],
        ["", *[""] * len(PYFEAT_AUS), "joy"],
    ],
}


@pytest.mark.parametrize("kind", AU_TABLES)
@given(st.data())
def test_au_tables(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    rows = AU_TABLES[kind]
    written = "\n".join(",".join(map(str, row)) for row in rows).encode()
    separator = data.draw(st.sampled_from((",", ";")))
    (tmp_path / "aus.csv").write_bytes(data.draw(spoiled(rows, separator) | damaged(written)))
    options: dict[str, Any] = {
        "format_name": data.draw(st.sampled_from((None, None, *FORMATS))),
        "missing": data.draw(st.sampled_from(("fail", "zero"))),
        "label": data.draw(st.sampled_from((None, "emotion"))),
    }

    def chunks(path: Path) -> list[Any]:
        with open_aus(path, **options) as table:
            return list(table.chunks())

    for chunk in sound(chunks, tmp_path / "aus.csv") or []:
        seen = chunk.intensities[chunk.reliable]
        assert ((seen >= 0) & (seen <= 100)).all()
        assert np.isnan(chunk.intensities[~chunk.reliable]).all()
        assert chunk.labels is None or len(chunk.labels) == len(chunk.intensities)


# --- tables of faces, and about images --------------------------------------------------------------------------------

ORIGINS = pd.Series([f"test/sad/{number}.png" for number in range(4)])
FACES: list[Any] = [
    ["file", "face", "height", "emotion", "confidence", "happy", "sad", "task", "AU06", "feature_1_0123abcd"],
    *([f"{number}.jpg", 1, 50 + number, "sad", 0.75, 0.25, 0.75, "rest", 12.5, 0.5] for number in range(4)),
]


def check_statistics(path: Path) -> None:
    rows = sound(lambda path: read_tables([path], Grouping(condition="task")), path)
    if rows is not None:
        found = statistics(rows)
        assert np.isfinite(found[["n", "mean"]].to_numpy(float)).all()


def check_drift(path: Path) -> None:
    faces = sound(lambda path: read_faces(path, pytest.fail), path)
    if faces is not None:
        numbers = faces.table.drop(columns="emotion", errors="ignore")
        assert np.isfinite(numbers.to_numpy(float)).all()


def check_properties(path: Path) -> None:
    table = sound(lambda path: table_properties(path, ORIGINS), path)
    assert table is None or len(table) == len(ORIGINS)


def check_image_aus(path: Path) -> None:
    found = sound(lambda path: read_image_aus(path, ORIGINS), path)
    if found is not None:
        seen = found.intensities[~np.isnan(found.intensities)]
        assert ((seen >= 0) & (seen <= 100)).all()
        assert len(found.intensities) == len(ORIGINS)


IMAGE_TABLE: list[Any] = [["image", "age", "AU06", "AU12"], *([name, 30, 12.5, 99] for name in ORIGINS)]
TABLES: dict[str, tuple[Callable[[Path], None], list[Any]]] = {
    "stats": (check_statistics, FACES),
    "drift": (check_drift, FACES),
    "slices": (check_properties, IMAGE_TABLE),
    "AUs of images": (check_image_aus, IMAGE_TABLE),
}


@pytest.mark.parametrize("kind", TABLES)
@given(st.data())
def test_tables(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    check, rows = TABLES[kind]
    written = "\n".join(",".join(map(str, row)) for row in rows).encode()
    (tmp_path / "table.csv").write_bytes(data.draw(spoiled(rows) | damaged(written)))
    check(tmp_path / "table.csv")


# --- params.yaml ------------------------------------------------------------------------------------------------------

PARAMS = Path(__file__).parents[2] / "params.yaml"
LINES = PARAMS.read_text().splitlines()
LAUGHS = "lol0: &l0 [x]\n" + "".join(f"lol{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 12))
values = st.one_of(
    nasty,
    st.sampled_from((
        "[]", "{}", "[[]]", "{a: 1}", "~", ".nan", ".inf", "1e5", "0o17", "0b1", "2024-01-01", "!!binary aGk=",
        "!!set {a}", "!!python/object/apply:os.system [id]", "!!python/name:os.system", "!x y", "&a [*a]", "*none",
        "<<", "|\n    a", "? [1]", "'", "yes", "+1", "1:30", "---", "...", "%YAML 1.1", "- 1", "a: b: c", "*l11",
        "${base.seed}",
    )),
    st.integers().map(str), st.floats().map(repr),
)  # fmt: skip


@st.composite
def params(draw: st.DrawFn) -> str:
    """Draw the real params.yaml with values replaced, keys renamed, and lines left out, repeated, moved or put in."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 3))):
        line = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[line].partition(":")
        match draw(st.sampled_from(("value", "value", "value", "key", "leave", "repeat", "indent", "insert"))):
            case "value":
                lines[line] = f"{key}{colon or ':'} {draw(values)}"
            case "key":
                lines[line] = lines[line].replace(key.strip(), draw(values), 1)
            case "leave":
                del lines[line]
            case "repeat":
                lines.insert(line, lines[line])
            case "indent":
                lines[line] = " " * draw(st.integers(0, 6)) + lines[line].strip()
            case "insert":
                lines.insert(line, draw(values))
    return draw(st.sampled_from(("", "", LAUGHS))) + "\n".join(lines) + "\n"


@given(params() | st.text(max_size=40) | st.recursive(values, lambda inner: st.lists(inner).map(str), max_leaves=20))
@example("{a: " * 3000)
@example(LAUGHS + "base: *l11\n")
def test_params(tmp_path: Path, text: str) -> None:
    (tmp_path / "params.yaml").write_text(text, errors="surrogatepass")
    found = sound(load_params, tmp_path / "params.yaml")
    assert found is None or isinstance(found, Params)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from(sorted(flatten(read_yaml(PARAMS)))), json_values)
def test_a_param_of_any_value(tmp_path: Path, key: str, value: Any) -> None:
    tree = read_yaml(PARAMS)
    *sections, name = key.split(".")
    section = tree
    for part in sections:
        section = section[part]
    section[name] = value
    (tmp_path / "params.yaml").write_text(json.dumps(tree))
    sound(load_params, tmp_path / "params.yaml")


# --- networks and arrays ----------------------------------------------------------------------------------------------

FACE = picture(1)[None]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return brightness_network(tmp_path_factory.mktemp("network"), size=16)


@given(st.data())
def test_networks(network: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = shutil.copytree(network, tmp_path / "net", dirs_exist_ok=True)
    whole = (network / "best.onnx").read_bytes()
    (folder / "best.onnx").write_bytes(data.draw(damaged(whole, whole[-400:])))
    _assert_sound_network(folder)


@given(st.data())
def test_metadata_of_networks(network: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = shutil.copytree(network, tmp_path / "net", dirs_exist_ok=True)
    key = data.draw(st.sampled_from(list(Metadata.of_faces(["sad"], 16).to_props())))
    texts = st.text(max_size=20) | json_values.map(json.dumps)
    change_metadata(folder, {key: data.draw(st.none() | texts)})
    _assert_sound_network(folder)


@given(st.data())
def test_networks_of_older_versions(network: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = split_metadata(shutil.copytree(network, tmp_path / "net", dirs_exist_ok=True))
    file = folder / data.draw(st.sampled_from(("classes.json", "calibration.json")))
    as_json = json_values | json_values.map(lambda value: {"temperature": value})
    file.write_bytes(data.draw(damaged(file.read_bytes()) | as_json.map(lambda value: json.dumps(value).encode())))
    _assert_sound_network(folder)


def _assert_sound_network(folder: Path) -> None:
    probabilities = sound(lambda path: FaceClassifier.from_pretrained(path).predict_proba(FACE), folder)
    if probabilities is not None:
        assert probabilities.shape == (1, 3)
        assert probabilities.sum() == pytest.approx(1, abs=1e-3)


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arrays")
    votes, extra = np.full((4, 3), 1 / 3, np.float32), np.array([False, False, False, True])
    pixels, labels = np.stack([picture(i, 16) for i in range(4)]), np.array([0, 1, 2, 0], np.uint8)
    Images(pixels, labels, ["a", "b", "c"], votes, extra).save(folder, "train")
    return folder


@given(st.data())
def test_arrays(arrays: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = shutil.copytree(arrays, tmp_path / "fer", dirs_exist_ok=True)
    name = data.draw(st.sampled_from(sorted(path.name for path in arrays.iterdir())))
    whole = (arrays / name).read_bytes()
    (folder / name).write_bytes(data.draw(damaged(whole, whole[:140])))
    images = sound(lambda path: Images.load(path, "train"), folder)
    if images:
        assert images.targets().shape == (len(images.pixels), len(images.classes))
        assert images.samples(2, np.random.default_rng(0)).dtype == np.uint8 if all(images.counts().values()) else True


@pytest.fixture(scope="module")
def action_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("map")
    ActionMap.load().save(folder)
    poses = poses_in_runs(1, size=30)
    ContextClassifier.fit(poses, np.arange(len(poses.image)), seed=1).save(folder)
    return folder


@given(st.data())
def test_action_maps(action_map: Path, tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from((FILE, context_classifier.FILE)))
    with np.load(action_map / name) as stored:
        parts = dict(stored)
    key = data.draw(st.sampled_from(sorted(parts)))
    array = parts[key]
    changed = {
        "shorter": array[:-1] if array.ndim else array,
        "deeper": array[..., None],
        "empty": np.zeros(0),
        "text": array.astype("U"),
        "objects": array.astype(object),
    }
    if array.dtype.kind in "if":
        changed |= {"zero": array * 0, "negative": -array, "large": array * 1000, "not numbers": array * np.nan}
    if data.draw(st.booleans()):
        parts[key] = data.draw(st.sampled_from(list(changed.values())))
        np.savez(tmp_path / name, **parts)
    else:
        (tmp_path / name).write_bytes(data.draw(damaged((action_map / name).read_bytes(), tail=1200)))
    if name == FILE:
        found = sound(lambda path: ActionMap.load(path).suggest("happy"), tmp_path)
        assert found is None or found["probability"].between(0, 1).all()
    else:
        poses = poses_in_runs(1, size=2)
        answer = sound(lambda path: ContextClassifier.load(path).predict_proba(poses.joints, poses.scale), tmp_path)
        assert answer is None or np.allclose(answer.sum(axis=1), 1)


# --- EMOTIC and MPII --------------------------------------------------------------------------------------------------

EMOTIC = [
    ["Folder", "Filename", "Categorical_Labels", "Continuous_Labels"],
    *(["mscoco", f"{i}.jpg", "\"['Peace', 'Anger']\"", '"[7, 6, 5]"'] for i in range(2)),
]
MPII = [list(map(str, row)) for row in [list(poses_table().columns), *poses_table().to_numpy()]]


def check_people(people: Any) -> None:
    if people:
        assert people.categories.any(axis=1).all()
        assert (np.isnan(people.vad) | ((people.vad >= 1) & (people.vad <= 10))).all()


def check_poses(poses: Any) -> None:
    if poses:
        assert poses.joints.shape == (len(poses.image), 16, 2)
        assert np.isfinite(poses.scale).all()
        assert (poses.scale > 0).all()


@given(spoiled(EMOTIC) | damaged("\n".join(",".join(row) for row in EMOTIC).encode()))
def test_emotic_csv(tmp_path: Path, data: bytes) -> None:
    write_files(tmp_path, {"emotic/train.csv": data})
    check_people(sound(lambda path: read_emotic(path, CATEGORIES), tmp_path / "emotic"))


@given(spoiled(MPII) | damaged("\n".join(",".join(row) for row in MPII).encode()))
def test_mpii_csv(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "mpii.csv").write_bytes(data)
    check_poses(sound(read_mpii, tmp_path / "mpii.csv"))


@pytest.fixture(scope="module")
def mats(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    folder = tmp_path_factory.mktemp("mats")
    images = [image("1.jpg", person()), image("2.jpg", NOTHING)]
    acts = [act("curling", "sports"), act("running", "running")]
    emotic = write_annotations(folder, annotations(train=TRAIN, val=VAL, test=TEST))
    return emotic.read_bytes(), write_mat(folder / "mpii.mat", {"RELEASE": release(images, acts, [1, 1])}).read_bytes()


@settings(max_examples=settings().max_examples // 5)  # each starts a process
@given(st.data())
def test_emotic_mat(mats: tuple[bytes, bytes], tmp_path: Path, data: st.DataObject) -> None:
    (tmp_path / "emotic.mat").write_bytes(data.draw(damaged(mats[0])))
    check_people(sound(lambda path: read_emotic(path, CATEGORIES), tmp_path / "emotic.mat"))


@settings(max_examples=settings().max_examples // 5)  # each starts a process
@given(st.data())
def test_mpii_mat(mats: tuple[bytes, bytes], tmp_path: Path, data: st.DataObject) -> None:
    (tmp_path / "mpii.mat").write_bytes(data.draw(damaged(mats[1])))
    check_poses(sound(read_mpii, tmp_path / "mpii.mat"))
