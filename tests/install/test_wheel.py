"""The wheel, installed with the base's distributions and nothing else: what works there, and what names its extra."""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from pathlib import Path

import pytest
from helpers.photos import ASTRONAUT, PORTRAIT, overlap, portrait
from helpers.repository import ROOT
from helpers.videos import write_video
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mien.emotions import FER2013
from mien.inference.faces.detectors import Box

MAX_MEGABYTES = 550  # without Python's byte code; OpenCV takes 211 of it, PyAV, which reads videos, 106


@dataclass
class Installed:
    """A virtual environment with the wheel and the base's distributions, as `pip install` of the wheel makes it."""

    bin: Path
    distributions: dict[str, Distribution]

    def run(self, *command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment in a folder, with nothing of the environment of the tests in sight."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {"HOME": str(folder), "PYTHONNOUSERSITE": "1", "PYTHONWARNINGS": "error"}
        program = self.bin / command[0]
        return subprocess.run(
            [program, *command[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    def ok(self, *command: str, folder: Path) -> str:
        """Run a command that must succeed, and say nothing on stderr but progress, and return its stdout."""
        result = self.run(*command, folder=folder)
        assert result.returncode == 0, result.stderr
        return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The tests need no package index: the environment links the files of the distributions that are here."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    distributions = {dist.name.lower(): dist for dist in required_by(wheel)}
    for dist in distributions.values():
        link(dist, packages)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(python), "install", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return Installed(python.parent, distributions)


def required_by(wheel: Path) -> Iterator[Distribution]:
    """Yield the distributions that a wheel requires without any extra, and all that these require."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    waiting = [Requirement(line) for line in re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)]
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        needed = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in requirement.extras or {""}
        )
        if needed and name not in seen:
            seen.add(name)
            distribution = distribution_of(name)
            yield distribution
            waiting += map(Requirement, distribution.requires or [])


def distribution_of(name: str) -> Distribution:
    """Return a distribution; if there is no libGL, `make` takes OpenCV's build without windows."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        if name != "opencv-python":
            raise
        return distribution("opencv-python-headless")


def link(dist: Distribution, packages: Path) -> None:
    for file in dist.files or []:
        if ".." not in file.parts and file.suffix != ".pyc":
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            (packages / file).symlink_to(file_of(file).resolve())


def file_of(file: PackagePath) -> Path:
    return Path(str(file.locate()))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src/mien"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    tracked = {name.removeprefix("src/") for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    yunet = {f"mien_weights/face_detection_yunet_2023mar.{kind}" for kind in ("onnx", "LICENSE.txt")}
    assert names == tracked | yunet
    expected = ("weights/mien.onnx", "tables/emfacs.yaml", "py.typed", "live.html", "live.js", "style.css")
    assert [name for name in expected if not any(file.endswith(f"/{name}") for file in names)] == []


def _counts(path: Path) -> bool:
    return path.suffix != ".pyc" and path.exists()


def test_the_base_is_light(installed: Installed) -> None:
    sizes = {
        name: sum(path.stat().st_size for path in map(file_of, distribution.files or []) if _counts(path))
        for name, distribution in installed.distributions.items()
    }
    assert not sizes.keys() & {"tensorflow", "keras", "dvc", "mlflow", "scikit-learn", "scipy", "matplotlib", "gradio"}
    assert len(sizes) <= 20
    assert sum(sizes.values()) < MAX_MEGABYTES * 10**6, sizes


def test_a_photo_is_read(installed: Installed, tmp_path: Path) -> None:
    (line,) = installed.ok(
        "mien", "image", str(ASTRONAUT), "--json", "--annotated", "out.jpg", folder=tmp_path
    ).splitlines()
    (face,) = json.loads(line)["faces"]
    assert face["emotion"] == "happy"
    assert overlap(Box(**face["box"]), Box(172, 70, 110, 110)) > 0.6
    assert (tmp_path / "out.jpg").stat().st_size > 0


def test_a_video_is_read(installed: Installed, tmp_path: Path) -> None:
    write_video(tmp_path / "video.mp4", [portrait()] * 4)
    installed.ok("mien", "video", "video.mp4", "--faces-csv", "faces.csv", folder=tmp_path)
    assert (tmp_path / "faces.csv").read_text().count("\n") == 1 + 4


def test_the_api_reads_a_photo(installed: Installed, tmp_path: Path) -> None:
    code = f"import mien; (face,) = mien.EmotionRecognizer().predict({str(PORTRAIT)!r}); print(face.emotion)"
    assert installed.ok("python", "-c", code, folder=tmp_path).strip() in FER2013


@pytest.mark.parametrize(
    "command",
    [
        "mien --version",
        "python -m mien --help",
        "mien webcam --help",
        "mien aus --au 6=98 --au 12=97",
        "mien aus --au 6=98 --model emfacs",
        "mien actions sad --context basketball",
        "mien doctor",
    ],
)
def test_the_base_is_enough(installed: Installed, tmp_path: Path, command: str) -> None:
    assert installed.ok(*command.split(), folder=tmp_path)


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (f"mien image {PORTRAIT} --detector mtcnn", "mtcnn"),
        ("mien app", "app"),
        ("mien serve", "serve"),
        ("mien score .", "pipeline"),
        ("mien convert . images.npz", "pipeline"),
        ("mien summary", "pipeline"),
        ("mien exp compare main --output out", "pipeline"),
        ("mien mlflow sync", "pipeline"),
        ("mien mlflow register", "pipeline"),
    ],
)
def test_a_missing_extra_is_named_in_a_line(installed: Installed, tmp_path: Path, command: str, extra: str) -> None:
    result = installed.run(*command.split(), folder=tmp_path)
    assert result.returncode == 2
    hint = rf"pip install '\.\[{extra}\]' in a clone of mien"
    assert re.fullmatch(rf"error: .* needs the extra `{extra}`: {hint}\n", result.stderr)
