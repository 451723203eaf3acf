"""The commands that `helpers.damaged` harms, with small files of each form that they read."""

import gzip
import io
import tarfile
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from helpers.damaged import Reading
from helpers.malformed import packed
from helpers.networks import CLASSES, brightness_network
from helpers.photos import portrait
from helpers.pictures import encoded, numbers, picture, png, saved
from helpers.videos import frame_of_clip, write_video
from mien._io.checksums import save_checksums
from mien.aus.facs import COLUMNS
from mien.data.pixel_file import PixelFile
from mien.data.prepare import write_index, write_splits
from mien.splits import SPLITS

_CROP = "mien image {} --crop --model net --faces-csv out.csv"
_VIDEO = "mien video {} --no-display --detector none --model net --faces-csv out.csv"
_SCORE = "mien score {} --model net"
_FACES = {
    f"{split}/{emotion}/{number}.png": png(10 * number + at)
    for at, (split, emotion) in enumerate((s, e) for s in ("train", "test") for e in ("angry", "happy", "sad"))
    for number in range(3)
}


def readings() -> dict[str, Reading]:
    """Return all readings by name."""
    return {
        **{f"photo {suffix}": _photo(suffix) for suffix in _PHOTO_FORMS},
        "photo, with sets, reasons and maps": Reading(
            "mien image photo.jpg --crop --aus --coverage 0.9 --explain out.png --annotated a.png --faces-csv out.csv",
            {"photo.jpg": encoded(_face(), ".jpg")},
        ),
        **{f"video {suffix}": Reading(_VIDEO.format(f"clip{suffix}"), {f"clip{suffix}": _clip(suffix)})
           for suffix in (".mp4", ".avi", ".gif", ".webp")},
        "video, with Action Units": Reading(
            f"{_VIDEO.format('clip.gif').replace('--model net', '--aus')} --coverage 0.9", {"clip.gif": _clip(".gif")}
        ),
        **_networks(),
        **_tables(),
        **_sources(),
    }  # fmt: skip


def many_faces() -> dict[str, bytes]:
    """Return pictures of one face each, by name: a photo with other light each time."""
    return {f"{n:02d}.jpg": encoded((_face() * (0.5 + n / 60)).astype(np.uint8), ".jpg") for n in range(30)}


_PHOTO_FORMS = (".jpeg", ".png", ".bmp", ".tiff", ".webp", ".avif", ".heic", ".gif")
_WITH_CHECKSUMS = (".png",)


def _face() -> np.ndarray:
    return cv2.resize(cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY)[125:325, 165:365], (64, 64))


def _photo(suffix: str) -> Reading:
    name = f"photo{suffix}"
    return Reading(_CROP.format(name), {name: saved(_face(), suffix)}, is_checked=suffix in _WITH_CHECKSUMS)


@cache
def _clip(suffix: str) -> bytes:
    frames = [frame_of_clip(number) for number in range(6)]
    if suffix in (".gif", ".webp"):
        first, *others = (Image.fromarray(frame[..., ::-1]).resize((80, 60)) for frame in frames)
        stream = io.BytesIO()
        first.save(stream, suffix[1:].upper(), save_all=True, append_images=others, duration=40)
        return stream.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        return write_video(Path(folder, f"clip{suffix}"), frames, "MJPG" if suffix == ".avi" else "mp4v").read_bytes()


def _networks() -> dict[str, Reading]:
    """Return readings with networks, and with the pipeline's arrays, whose folders have SHA256SUMS."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for network in ("other", "bare"):
            brightness_network(folder / network)
        save_checksums(folder / "other")
        (folder / "fer").mkdir()
        kinds = [(emotion, split) for split in SPLITS for emotion in CLASSES]
        rows = [(f"{n}.png", *kind, "", "0" * 16, 48, 48, 1.0, 1.0) for n, kind in enumerate(kinds)]
        columns = ["origin", "emotion", "split", "dropped", "hash", "width", "height", "brightness", "contrast"]
        index = pd.DataFrame(rows, columns=columns)
        with PixelFile(folder / "pixels", 48) as pixels:
            pixels.write(0, np.stack([picture(number) for number in range(len(rows))]))
            write_splits(pixels, index, CLASSES, folder / "fer")
        write_index(index, folder / "fer" / "index.csv")
        save_checksums(folder / "fer")
        files = {
            kind: {f"{kind}/{path.name}": path.read_bytes() for path in sorted((folder / kind).iterdir())}
            for kind in ("other", "bare", "fer")
        }
    faces = {"faces.zip": packed(_FACES)}
    return {
        "a network, with SHA256SUMS": Reading(
            "mien score faces.zip --model other --against net",
            faces | files["other"],
            ("other/best.onnx",),
            is_checked=True,
        ),
        "a network of the gate, without SHA256SUMS": Reading(
            "mien score faces.zip --model net --against bare", faces | files["bare"], ("bare/best.onnx",), has_end=False
        ),
        "the pipeline's arrays": Reading(
            "mien score fer --model net",
            files["fer"],
            tuple(name for name in files["fer"] if Path(name).name.startswith(("test", "index", "classes"))),
            is_checked=True,
        ),
    }


def _tables() -> dict[str, Reading]:
    rng = np.random.default_rng(0)
    faces = pd.DataFrame({
        "file": [f"{number}.jpg" for number in range(60)],
        "face": 1,
        "height": rng.integers(40, 90, 60),
        "emotion": rng.choice(["happy", "sad"], 60),
        "confidence": rng.uniform(0.4, 1, 60).round(4),
        "happy": rng.uniform(0, 1, 60).round(4),
        "sad": rng.uniform(0, 1, 60).round(4),
        "person": [f"p{number % 3}" for number in range(60)],
        "task": ["rest", "work"] * 30,
        "feature_1_0123abcd": rng.normal(0, 1, 60).round(3),
        "feature_2_0123abcd": rng.normal(0, 1, 60).round(3),
    })  # fmt: skip
    table = faces.to_csv(index=False).encode()
    aus = pd.DataFrame(rng.uniform(0, 100, (8, len(COLUMNS))).round(1), columns=list(COLUMNS)).assign(emotion="sad")
    workbook = io.BytesIO()
    aus.to_excel(workbook, index=False)
    read_aus = "mien aus {} --output out.csv"
    as_csv = aus.to_csv(index=False)
    return {
        "drift of tables": _lines("mien drift new.csv --against old.csv", {"new.csv": table, "old.csv": table}),
        "stats of a table": _lines(
            "mien stats faces.csv --person person --condition task --baseline rest --output out.csv",
            {"faces.csv": table},
        ),
        "stats of Action Units": _lines(
            "mien stats faces.csv --person person --output out.csv",
            {"faces.csv": faces.assign(AU06=rng.uniform(0, 100, 60).round(1), AU12=3.5).to_csv(index=False).encode()},
        ),
        "AU table": _lines(read_aus.format("aus.csv"), {"aus.csv": as_csv.encode()}),
        "AU table .csv.gz": Reading(
            read_aus.format("aus.csv.gz"), {"aus.csv.gz": gzip.compress(as_csv.encode(), mtime=0)}, is_checked=True
        ),
        "AU table, UTF-16": _lines(read_aus.format("aus.csv"), {"aus.csv": as_csv.encode("utf-16")}),
        "AU table .xlsx": Reading(read_aus.format("aus.xlsx"), {"aus.xlsx": workbook.getvalue()}, is_checked=True),
    }


def _sources() -> dict[str, Reading]:
    crops = {
        f"{number}.png": data for number, data in enumerate(list(_FACES.values()) + [png(n) for n in range(200, 210)])
    }
    fer = "emotion,pixels,Usage\n" + "".join(
        f"{label},{numbers(picture(number))},Training\n" for number, label in enumerate((0, 3, 4))
    )
    as_tar = io.BytesIO()
    with tarfile.open(fileobj=as_tar, mode="w:gz") as archive:
        member = tarfile.TarInfo("fer2013/fer2013.csv")
        member.size = len(fer)
        archive.addfile(member, io.BytesIO(fer.encode()))
    people = "image,age\n" + "".join(f"{name},{number % 4}\n" for number, name in enumerate(_FACES))
    affect = {f"train_set/images/{number}.jpg": png(number) for number in range(4)}
    codes = {f"train_set/annotations/{number}_exp.npy": _npy(code) for number, code in enumerate(("0", 1, 2, "6"))}
    listed = {f"aligned/train_{number:05d}_aligned.jpg": png(number) for number in range(4)}
    raf = {"list_patition_label.txt": b"".join(b"train_%05d.jpg %d\n" % (n, c) for n, c in enumerate((4, 5, 6, 7)))}
    kdef = {f"AF0{number}{code}S.JPG": png(number) for number, code in enumerate(("AN", "HA", "SA", "HA"), 1)}
    votes = "".join(f'fer{n}.png,"(0, 0, 48, 48)",0,{9 if n else 0},0,0,{0 if n else 9},0,0,0,0,1\n' for n in range(3))
    ferplus = {f"FER2013Train/fer{n}.png": png(n) for n in range(3)} | {"FER2013Train/label.csv": votes.encode()}
    labels = "file,label\n" + "".join(f"{n}.png,{name}\n" for n, name in enumerate(("happy", "sad", "angry")))
    beside = {f"{n}.png": png(n) for n in range(3)} | {"labels.csv": labels.encode()}
    score = "mien score src --model net --split all"
    return {
        "drift of a zip and a folder": Reading(
            "mien drift new.zip --against old --crops both --model net",
            {"new.zip": packed(crops), **{f"old/{name}": data for name, data in crops.items()}},
            ("new.zip",),
            is_checked=True,
        ),
        "score of a zip, label errors, slices of a table": Reading(
            "mien score faces.zip --model net --label-errors out.csv --slice-by people.csv",
            {"faces.zip": packed(_FACES), "people.csv": people.encode()},
            ("faces.zip",),
            is_checked=True,
        ),
        "score, slices of a table": _lines(
            "mien score faces.zip --model net --slice-by people.csv",
            {"faces.zip": packed(_FACES), "people.csv": people.encode()},
            ("people.csv",),
        ),
        "fer2013.csv.gz": Reading(
            _SCORE.format("fer2013.csv.gz --split all"),
            {"fer2013.csv.gz": gzip.compress(fer.encode(), mtime=0)},
            is_checked=True,
        ),
        "fer2013.tar.gz": Reading(
            _SCORE.format("fer2013.tar.gz --split all"), {"fer2013.tar.gz": as_tar.getvalue()}, is_checked=True
        ),
        "AffectNet": Reading(score, _in("src", affect | codes), tuple(_in("src", codes))),
        "RAF-DB": _lines(score, _in("src", listed | raf), tuple(_in("src", raf))),
        "KDEF": Reading(score, _in("src", kdef)),
        "FERPlus' folders": _lines(score, _in("src", ferplus), ("src/FER2013Train/label.csv",)),
        "a table of labels": _lines(score, _in("src", beside), ("src/labels.csv",)),
    }


def _lines(run: str, files: Mapping[str, bytes], harmed: tuple[str, ...] = ()) -> Reading:
    return Reading(run, files, harmed, has_end=False)


def _in(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in files.items()}


def _npy(value: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(value))
    return stream.getvalue()
