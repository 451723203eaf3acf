"""The predictor for faces: what it gives, what it takes, and what it refuses."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.networks import CLASSES, LEVELS, brightness_network, linear_network, softmax
from helpers.pictures import picture

from mien._io.errors import InputError
from mien.data.decode import resize
from mien.emotions import FER2013
from mien.inference import au_classifier, face_classifier, onnx
from mien.inference.face_classifier import FaceClassifier
from mien.inference.tta import COUNT, each_view

RNG = np.random.default_rng(0)
FACES = np.stack([picture(seed) for seed in range(40)])
WEIGHTS, BIAS = RNG.normal(size=(48 * 48, 3)) / 10, np.array([0.1, -0.2, 0.0])
EXPECTED = softmax(FACES.reshape(len(FACES), -1) / 255 @ WEIGHTS + BIAS)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A folder with a network to which each pixel matters, with temperature 2."""
    return linear_network(tmp_path / "network", WEIGHTS, BIAS, temperature=2.0)


def test_probabilities_are_the_networks_own_or_tempered(network: Path) -> None:
    reader = FaceClassifier.load(network)
    assert (reader.classes, reader.size, reader.temperature) == (CLASSES, 48, 2.0)
    own = reader.predict_proba(FACES, calibrated=False)
    assert own.dtype == np.float32
    np.testing.assert_allclose(own, EXPECTED, atol=1e-5)
    calibrated = reader.predict_proba(FACES)
    assert calibrated.dtype == np.float32
    roots = np.sqrt(EXPECTED)
    np.testing.assert_allclose(calibrated, roots / roots.sum(axis=1, keepdims=True), atol=1e-5)


def test_faces_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    reader = FaceClassifier.load(brightness_network(tmp_path))
    faces = np.stack([np.full((48, 48), level, np.uint8) for level in LEVELS])
    assert [CLASSES[at] for at in reader.predict_proba(faces).argmax(axis=1)] == CLASSES


@pytest.mark.parametrize("shape", [(96, 96), (20, 20), (60, 90), (48, 47)])
def test_faces_of_another_size_are_resized_as_files_are(network: Path, shape: tuple[int, int]) -> None:
    reader = FaceClassifier.load(network)
    faces = np.stack([picture(seed, *shape) for seed in range(3)])
    resized = np.stack([resize(face, 48) for face in faces])
    assert np.array_equal(reader.predict_proba(faces), reader.predict_proba(resized))


def test_views_are_ten_of_each_face() -> None:
    views = list(each_view(FACES))
    assert len(views) == COUNT == 10
    assert np.array_equal(views[0], FACES)
    assert np.array_equal(views[1], FACES[:, :, ::-1])
    padded = [cv2.copyMakeBorder(face, 2, 2, 2, 2, cv2.BORDER_REPLICATE) for face in FACES]
    for place, (top, left) in enumerate([(0, 0), (0, 4), (4, 0), (4, 4)]):
        shifted = np.stack([face[top : top + 48, left : left + 48] for face in padded])
        assert np.array_equal(views[2 + 2 * place], shifted)
        assert np.array_equal(views[3 + 2 * place], shifted[:, :, ::-1])


def test_answers_to_views_are_averaged_before_they_are_tempered(network: Path) -> None:
    reader = FaceClassifier.load(network)
    mean = np.mean([softmax(view.reshape(len(view), -1) / 255 @ WEIGHTS + BIAS) for view in each_view(FACES)], axis=0)
    own = reader.predict_proba(FACES, tta=True, calibrated=False)
    np.testing.assert_allclose(own, mean, atol=1e-5)
    assert np.abs(own - EXPECTED).max() > 0.01
    calibrated = reader.predict_proba(FACES, tta=True)
    assert np.array_equal(calibrated.argmax(axis=1), own.argmax(axis=1))
    np.testing.assert_allclose(calibrated.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("tta", [False, True])
def test_the_size_of_parts_and_batches_changes_nothing(
    network: Path, monkeypatch: pytest.MonkeyPatch, tta: bool
) -> None:
    reader = FaceClassifier.load(network)
    at_once = reader.predict_proba(FACES, tta=tta)
    monkeypatch.setattr(face_classifier, "_PART", 7)
    monkeypatch.setattr(onnx, "_BATCH_BYTES", 3 * FACES[0].nbytes + 1)
    np.testing.assert_allclose(reader.predict_proba(FACES, tta=tta), at_once, atol=1e-6)


def test_a_batch_has_no_more_than_some_bytes(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = onnx.OnnxModel.load(network, threads=1, example="")
    session, seen = model._session, []

    class Watched:
        def run(self, names: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            seen.append(inputs["images"].nbytes)
            return session.run(names, inputs)

    monkeypatch.setattr(model, "_session", Watched())
    FaceClassifier(model).predict_proba(FACES)
    assert sum(seen) == FACES.nbytes
    assert max(seen) <= onnx._BATCH_BYTES < FACES.nbytes


def test_faces_may_be_mapped_from_disk_or_none(network: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", FACES)
    reader = FaceClassifier.load(network)
    mapped = np.load(tmp_path / "faces.npy", mmap_mode="r")
    assert np.array_equal(reader.predict_proba(mapped), reader.predict_proba(FACES))
    assert reader.predict_proba(FACES[:0]).shape == reader.predict_proba(FACES[:0], tta=True).shape == (0, 3)


@pytest.mark.parametrize("faces", [FACES / np.float32(255), FACES[0], FACES[..., None], FACES[:, :0]])
def test_pixels_that_are_none_are_refused(network: Path, faces: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"pixels: found .*, expected uint8 \(N, height, width\)"):
        FaceClassifier.load(network).predict_proba(faces)


def _no_onnx(folder: Path) -> None:
    (folder / "best.onnx").unlink()


def _no_classes(folder: Path) -> None:
    (folder / "classes.json").unlink()


def _no_calibration(folder: Path) -> None:
    (folder / "calibration.json").unlink()


def _garbage(folder: Path) -> None:
    (folder / "best.onnx").write_bytes(b"nothing")


def _truncated(folder: Path) -> None:
    (folder / "best.onnx").write_bytes((folder / "best.onnx").read_bytes()[:1000])


def _other_classes(folder: Path) -> None:
    (folder / "classes.json").write_text(json.dumps(CLASSES[1:]))


def _same_classes(folder: Path) -> None:
    (folder / "classes.json").write_text(json.dumps(["sad"] * 3))


def _no_list(folder: Path) -> None:
    (folder / "classes.json").write_text('{"a": 1, "b": 2, "c": 3}')


def _of_aus(folder: Path) -> None:
    shutil.copy(au_classifier.SHIPPED / "best.onnx", folder)
    shutil.copy(au_classifier.SHIPPED / "classes.json", folder)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_no_onnx, r"best\.onnx.*--model models/cnn after `dvc repro`"),
        (_no_classes, r"classes\.json.*--model models/cnn after `dvc repro`"),
        (_no_calibration, r"calibration\.json"),
        (_garbage, "not a readable ONNX model"),
        (_truncated, "not a readable ONNX model"),
        (_other_classes, "expected 2 as in classes.json"),
        (_same_classes, "distinct names"),
        (_no_list, "distinct names"),
        (_of_aus, r"takes tensor\(float\) of \(17,\), expected a network for faces"),
    ],
)
def test_a_damaged_network_is_refused(network: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(network)
    with pytest.raises(InputError, match=rf"{network}.*{words}") as refused:
        FaceClassifier.load(network)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(("name", "most_bytes"), [("mien", 10e6), ("mien_small", 3e6)])
def test_the_shipped_networks_have_names_and_are_small(name: str, most_bytes: float) -> None:
    shipped = FaceClassifier.named(name)
    assert shipped.classes == list(FER2013)
    assert (face_classifier.NETWORKS[name] / "best.onnx").stat().st_size <= most_bytes
    probabilities = shipped.predict_proba(FACES)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_network_without_a_name_is_mien() -> None:
    default, mien = (FaceClassifier.named(name).predict_proba(FACES) for name in (None, "mien"))
    np.testing.assert_array_equal(default, mien)
    assert not np.allclose(mien, FaceClassifier.named("mien_small").predict_proba(FACES), atol=1e-3)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"--model: found 'mien_tiny', expected mien, mien_small or a folder"):
        FaceClassifier.named("mien_tiny")


def test_a_network_that_is_not_shipped_is_said_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_classifier, "SHIPPED", tmp_path / "cnn")
    with pytest.raises(InputError, match="--model models/cnn after `dvc repro`"):
        FaceClassifier.load()
    brightness_network(tmp_path / "cnn")
    assert FaceClassifier.load().classes == CLASSES


def test_prediction_needs_no_tensorflow(network: Path) -> None:
    script = (
        "import sys, numpy; from pathlib import Path; from mien.inference.face_classifier import FaceClassifier\n"
        f"FaceClassifier.load(Path({str(network)!r})).predict_proba(numpy.zeros((1, 48, 48), numpy.uint8))\n"
        "sys.exit(bool({'tensorflow', 'keras', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
