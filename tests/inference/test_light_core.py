"""The light core runs on the packages of the base install: the others are blocked, and everything is still read."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import cv2
import pytest
from helpers.au_tables import native_columns, write_au_table
from helpers.photos import PORTRAIT, portrait

_ROOT = Path(__file__).parents[2] / "src/mien"
_ROOMS = ("_io", "inference", "cli")
#: Modules that are no part of the base install, or exist on some systems only.
_BLOCKED = (
    *(
        "tensorflow",
        "keras",
        "tf2onnx",
        "onnx",
        "jax",
        "ray",
        "sklearn",
        "scipy",
        "matplotlib",
        "mtcnn",
        "joblib",
        "openpyxl",
    ),
    *("dvc", "mlflow", "fsspec", "aiohttp", "psutil", "xxhash", "filelock", "ruamel", "gradio", "starlette"),
    *("fcntl", "resource", "pwd", "grp", "termios"),
)
_BLOCKER = """
import sys

class Finder:
    def __init__(self, finder):
        self._finder = finder

    def __getattr__(self, name):
        return getattr(self._finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in BLOCKED else self._finder.find_spec(name, path, target)

BLOCKED = set(sys.argv.pop(1).split(","))
for name in [name for name in sys.modules if name.partition(".")[0] in BLOCKED]:
    del sys.modules[name]
sys.meta_path[:] = map(Finder, sys.meta_path)
"""


def _run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in a process in which the other modules cannot be imported."""
    command = [sys.executable, "-W", "error", "-c", _BLOCKER + code, ",".join(_BLOCKED), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _modules() -> list[str]:
    files = [file for room in _ROOMS for file in sorted((_ROOT / room).rglob("*.py"))]
    names = ["mien." + ".".join(file.relative_to(_ROOT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names]


def test_the_blocker_blocks() -> None:
    code = (
        "import importlib\nfor name in sys.argv[1:]:\n    try:\n        importlib.import_module(name)\n"
        "    except ModuleNotFoundError:\n        print(name)"
    )
    assert _run(code, *_BLOCKED).stdout.split() == list(_BLOCKED)


def test_every_module_can_be_imported() -> None:
    modules = [*_modules(), "mien", "mien.config", "mien.actions.suggest"]
    assert "mien.inference.recognizer" in modules
    assert "mien.cli.video" in modules
    code = "import importlib\nfor name in sys.argv[1:]:\n    importlib.import_module(name)"
    done = _run(code, *modules)
    assert (done.returncode, done.stderr) == (0, "")


_MIEN = "from mien.cli import main; main()"
_NOTE = "note: aus.csv: read as native (AUxx, 0..100)\n"


@pytest.mark.parametrize(
    ("words", "words_out"),
    [
        ("image photo.jpg --annotated out.png --faces-csv a.csv --output-csv b.csv --actions", "photo.jpg: neutral"),
        ("image photo.jpg --json --model mien_small", '"emotion": '),
        ("image photo.jpg --json --aus", '"AU12": '),
        ("video clip.mp4 --no-display --annotated out.mp4 --faces-csv faces.csv --actions", "6 frames, 6 with faces"),
        ("aus aus.csv --output out.csv", ""),
        ("aus aus.csv --model du_martinez --per-file", "happy"),
        ("aus --au 6=98 --au 12=97 --json", '"emotion": "happy"'),
        ("actions happy --context sports", "Suggestions, not predictions"),
        ("--version", "0."),
    ],
)
def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, words_out: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(PORTRAIT.read_bytes())
    write_au_table(tmp_path / "aus.csv", native_columns(AU06=[98, 0], AU12=[97, 0], AU04=[0, 90]))
    if "clip.mp4" in words:
        _write_clip(tmp_path / "clip.mp4")
    done = _run(_MIEN, *words.split())
    assert (done.returncode, done.stderr.replace(_NOTE, "")) == (0, "")
    assert words_out in done.stdout


def test_the_public_names_work() -> None:
    code = (
        "import numpy; from mien import AUClassifier, EmotionRecognizer, Face, FaceClassifier, InputError\n"
        "(face,) = EmotionRecognizer(actions=True).predict(sys.argv[1])\n"
        "print(face.label, FaceClassifier.from_pretrained().predict(numpy.zeros((1, 48, 48), numpy.uint8)))\n"
        "print(AUClassifier.from_pretrained().predict(numpy.zeros((1, 17))))"
    )
    done = _run(code, PORTRAIT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("neutral ")


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("image photo.jpg --detector mtcnn", "mtcnn"),
        ("aus table.xlsx", "excel"),
        ("video photo.jpg --no-display --output-plot plot.png", "pipeline"),
    ],
)
def test_what_needs_an_extra_names_it(tmp_path: Path, words: str, extra: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(PORTRAIT.read_bytes())
    with ZipFile(tmp_path / "table.xlsx", "w") as workbook:
        workbook.writestr("xl/workbook.xml", "")
    code = f"import os; os.chdir({str(tmp_path)!r})\n{_MIEN}"
    done = _run(code, *words.split())
    assert done.returncode == 2
    assert f"needs the extra `{extra}`: pip install '.[{extra}]' in a clone of mien" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def _write_clip(path: Path) -> None:

    frame = cv2.resize(portrait(), (256, 300))
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (256, 300))
    for _ in range(6):
        writer.write(frame)
    writer.release()
