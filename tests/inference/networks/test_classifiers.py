"""FaceClassifier: what it gives, what it takes, and what it refuses."""

import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.networks import (
    CLASSES,
    LEVELS,
    brightness_network,
    change_metadata,
    linear_network,
    softmax,
    split_metadata,
)
from helpers.pictures import picture

from mien._io.errors import InputError
from mien.data.decode import resize
from mien.emotions import FER2013
from mien.inference.networks import face_classifier, onnx
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import AU_NETWORK, FACE_NETWORKS, read_card
from mien.inference.networks.temperature import apply_temperature
from mien.inference.networks.tta import Tta, augmented_copies

RNG = np.random.default_rng(0)
FACES = np.stack([picture(seed) for seed in range(40)])
WEIGHTS, BIAS = RNG.normal(size=(48 * 48, 3)) / 10, np.array([0.1, -0.2, 0.0])
EXPECTED = softmax(FACES.reshape(len(FACES), -1) / 255 @ WEIGHTS + BIAS)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A folder with a network to which each pixel matters, with temperature 2."""
    return linear_network(tmp_path / "network", WEIGHTS, BIAS, temperature=2.0)


def test_probabilities_are_the_networks_own_or_tempered(network: Path) -> None:
    reader = FaceClassifier.from_pretrained(network)
    assert (reader.classes_, reader.size, reader.temperature) == (CLASSES, 48, 2.0)
    own = reader.predict_proba(FACES, calibrated=False)
    assert own.dtype == np.float32
    np.testing.assert_allclose(own, EXPECTED, atol=1e-5)
    calibrated = reader.predict_proba(FACES)
    assert calibrated.dtype == np.float32
    roots = np.sqrt(EXPECTED)
    np.testing.assert_allclose(calibrated, roots / roots.sum(axis=1, keepdims=True), atol=1e-5)


def test_faces_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    reader = FaceClassifier.from_pretrained(brightness_network(tmp_path))
    faces = np.stack([np.full((48, 48), level, np.uint8) for level in LEVELS])
    assert [CLASSES[row] for row in reader.predict_proba(faces).argmax(axis=1)] == CLASSES


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"tta": True}, "tta: found True, expected one of none, mirror, ten"),
        ({"tta": ["ten"]}, r"tta: found \['ten'\], expected one of none, mirror, ten"),
        ({"calibrated": "x"}, "calibrated: found 'x', expected True or False"),
    ],
)
def test_arguments_of_another_kind_are_refused(network: Path, argument: Any, message: str) -> None:
    reader = FaceClassifier.from_pretrained(network)
    for faces in (FACES, FACES[:0]):
        with pytest.raises(InputError, match=message):
            reader.predict_proba(faces, **argument)
    if "tta" in argument:
        with pytest.raises(InputError, match=message):
            reader.set_threshold(0.9, **argument)


@pytest.mark.parametrize("shape", [(96, 96), (20, 20), (60, 90), (48, 47)])
def test_faces_of_another_size_are_resized_as_files_are(network: Path, shape: tuple[int, int]) -> None:
    reader = FaceClassifier.from_pretrained(network)
    faces = np.stack([picture(seed, *shape) for seed in range(3)])
    resized = np.stack([resize(face, 48) for face in faces])
    assert np.array_equal(reader.predict_proba(faces), reader.predict_proba(resized))


def test_views_are_ten_of_each_face() -> None:
    views = list(augmented_copies(FACES, "ten"))
    assert len(views) == 10
    for tta, count in (("none", 1), ("mirror", 2)):
        fewer = list(augmented_copies(FACES, tta))  # type: ignore[arg-type]
        assert len(fewer) == count
        assert all(np.array_equal(view, own) for view, own in zip(fewer, views, strict=False))
    assert np.array_equal(views[0], FACES)
    assert np.array_equal(views[1], FACES[:, :, ::-1])
    padded = [cv2.copyMakeBorder(face, 2, 2, 2, 2, cv2.BORDER_REPLICATE) for face in FACES]
    for place, (top, left) in enumerate([(0, 0), (0, 4), (4, 0), (4, 4)]):
        shifted = np.stack([face[top : top + 48, left : left + 48] for face in padded])
        assert np.array_equal(views[2 + 2 * place], shifted)
        assert np.array_equal(views[3 + 2 * place], shifted[:, :, ::-1])


@pytest.mark.parametrize("tta", ["mirror", "ten"])
def test_answers_to_views_are_averaged_before_they_are_tempered(network: Path, tta: Tta) -> None:
    reader = FaceClassifier.from_pretrained(network)
    mean = np.mean(
        [softmax(view.reshape(len(view), -1) / 255 @ WEIGHTS + BIAS) for view in augmented_copies(FACES, tta)], axis=0
    )
    own = reader.predict_proba(FACES, tta=tta, calibrated=False)
    np.testing.assert_allclose(own, mean, atol=1e-5)
    assert np.abs(own - EXPECTED).max() > 0.01
    calibrated = reader.predict_proba(FACES, tta=tta)
    assert np.array_equal(calibrated.argmax(axis=1), own.argmax(axis=1))
    np.testing.assert_allclose(calibrated.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("tta", ["none", "mirror", "ten"])
def test_the_size_of_parts_and_batches_changes_nothing(
    network: Path, monkeypatch: pytest.MonkeyPatch, tta: Tta
) -> None:
    reader = FaceClassifier.from_pretrained(network)
    at_once = reader.predict_proba(FACES, tta=tta)
    monkeypatch.setattr(face_classifier, "_CHUNK", 7)
    monkeypatch.setattr(onnx, "_MAX_BATCH_BYTES", 3 * FACES[0].nbytes + 1)
    np.testing.assert_allclose(reader.predict_proba(FACES, tta=tta), at_once, atol=1e-6)


def test_a_batch_has_no_more_than_some_bytes(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = onnx.OnnxModel.load(network, threads=1)
    session, seen = model._session, []

    class Watched:
        def run(self, names: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            seen.append(inputs["images"].nbytes)
            return session.run(names, inputs)

    monkeypatch.setattr(model, "_session", Watched())
    FaceClassifier(model).predict_proba(FACES)
    assert sum(seen) == FACES.nbytes
    assert max(seen) <= onnx._MAX_BATCH_BYTES < FACES.nbytes


def test_faces_may_be_mapped_from_disk_or_none(network: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", FACES)
    reader = FaceClassifier.from_pretrained(network)
    mapped = np.load(tmp_path / "faces.npy", mmap_mode="r")
    assert np.array_equal(reader.predict_proba(mapped), reader.predict_proba(FACES))
    assert reader.predict_proba(FACES[:0]).shape == reader.predict_proba(FACES[:0], tta="ten").shape == (0, 3)


@pytest.mark.parametrize("faces", [FACES / np.float32(255), FACES[0], FACES[..., None], FACES[:, :0]])
def test_other_arrays_are_refused(network: Path, faces: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"images: found .*, expected uint8 \(N, height, width\)"):
        FaceClassifier.from_pretrained(network).predict_proba(faces)


@pytest.mark.parametrize("shape", [(110, 90, 3), (110, 90, 4), (110, 90, 1)])
def test_one_picture_in_colour_is_not_taken_for_many_faces(network: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"images: found uint8 \(110, 90, \d\), like one picture in colour"):
        FaceClassifier.from_pretrained(network).predict(np.zeros(shape, np.uint8))


def _no_onnx(folder: Path) -> None:
    (folder / "best.onnx").unlink()


def _garbage(folder: Path) -> None:
    (folder / "best.onnx").write_bytes(b"nothing")


def _truncated(folder: Path) -> None:
    (folder / "best.onnx").write_bytes((folder / "best.onnx").read_bytes()[:1000])


def _of_aus(folder: Path) -> None:
    shutil.copy(AU_NETWORK, folder / "best.onnx")


def _undescribed(folder: Path) -> None:
    (split_metadata(folder) / "classes.json").unlink()


def _metadata(**changes: str | None) -> Callable[[Path], object]:
    return lambda folder: change_metadata(folder, {f"mien.{key}": value for key, value in changes.items()})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_no_onnx, r"best\.onnx.*--model models/cnn after `dvc repro`"),
        (_garbage, "not a readable ONNX model"),
        (_truncated, "not a readable ONNX model"),
        (_of_aus, r"takes tensor\(float\) of \(17,\), expected a network for faces"),
        (_undescribed, "has no metadata that names its classes"),
        (_metadata(format=None), "mien.format: found None, expected '1'"),
        (_metadata(format="2"), "mien.format: found '2', expected '1'"),
        (_metadata(kind="hands"), "mien.kind: found 'hands', expected one of face, aus"),
        (_metadata(kind="aus"), "its metadata say 'aus', size 48, expected 'face'"),
        (_metadata(classes=None), "mien.classes: missing"),
        (_metadata(classes='["sad"'), "mien.classes: is not JSON"),
        (_metadata(classes='{"a": 1, "b": 2, "c": 3}'), "mien.classes: .*a list of distinct names"),
        (_metadata(classes='["sad", "sad", "sad"]'), "mien.classes: .*a list of distinct names"),
        (_metadata(classes='["sad", "happy"]'), "expected 2, a probability per class"),
        (_metadata(temperature="0"), "mien.temperature: found '0', expected a number above 0"),
        (_metadata(temperature="warm"), "mien.temperature: found 'warm'"),
        (_metadata(tta_temperatures="1.2"), "mien.tta_temperatures: found 1.2, expected an object"),
        (_metadata(tta_temperatures='{"mirror": null}'), "mien.tta_temperatures: mirror: found 'None'"),
        (_metadata(priors="0.2"), "mien.priors: found 0.2, expected 3 shares above 0 that sum to 1"),
        (_metadata(priors="[0.5, 0.5]"), r"mien.priors: found \[0.5, 0.5\], expected 3 shares"),
        (_metadata(priors="[0.5, 0.5, 0]"), "mien.priors: .*expected 3 shares"),
        (_metadata(priors="[0.5, 0.5, NaN]"), "mien.priors: .*expected 3 shares"),
        (_metadata(input='{"size": 64}'), "its metadata say 'face', size 64, expected 'face', size 48"),
        (_metadata(input="[" * 100_000), "mien.input: is not JSON"),
    ],
)
def test_a_damaged_network_is_refused(network: Path, damage: Callable[[Path], object], words: str) -> None:
    damage(network)
    with pytest.raises(InputError, match=rf"{network}.*{words}") as refused:
        FaceClassifier.from_pretrained(network)
    assert len(str(refused.value).splitlines()) == 1


def test_a_network_without_a_temperature_is_not_calibrated(network: Path) -> None:
    change_metadata(network, {"mien.temperature": None})
    classifier = FaceClassifier.from_pretrained(network)
    assert np.allclose(classifier.predict_proba(FACES), classifier.predict_proba(FACES, calibrated=False))


def test_each_kind_of_augmentation_has_its_temperature_and_else_the_common_one(network: Path) -> None:
    change_metadata(network, {"mien.tta_temperatures": '{"mirror": 0.5}'})
    classifier = FaceClassifier.from_pretrained(network)
    expected_temperatures: dict[Tta, float] = {"none": 2.0, "mirror": 0.5, "ten": 2.0}
    for tta, temperature in expected_temperatures.items():
        plain = classifier.predict_proba(FACES, tta=tta, calibrated=False)
        expected = apply_temperature(plain, temperature)
        np.testing.assert_allclose(classifier.predict_proba(FACES, tta=tta), expected, rtol=1e-5)


def test_a_file_may_be_named_instead_of_its_folder(network: Path, tmp_path: Path) -> None:
    expected = FaceClassifier.from_pretrained(network).predict_proba(FACES)
    file = shutil.copy(network / "best.onnx", tmp_path / "mine.onnx")
    for name in (file, str(file)):
        assert np.array_equal(FaceClassifier.from_pretrained(name).predict_proba(FACES), expected)


def test_folders_of_older_versions_are_read_with_a_note(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = FaceClassifier.from_pretrained(network)
    assert capsys.readouterr().err == ""
    classifier = FaceClassifier.from_pretrained(split_metadata(network))
    assert capsys.readouterr().err.startswith(f"note: {network}/best.onnx has no metadata")
    assert (classifier.classes_, classifier.temperature) == (CLASSES, 2.0)
    assert np.array_equal(classifier.predict_proba(FACES), expected.predict_proba(FACES))


@pytest.mark.parametrize("text", [None, "", "{}", "[1.5]", '{"temperature": "1"}', '{"temperature": 0}', "NaN"])
def test_a_temperature_of_older_versions_that_makes_no_sense_is_refused(network: Path, text: str | None) -> None:
    file = split_metadata(network) / "calibration.json"
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(InputError, match=rf"{network}/calibration\.json: .*expected"):
        FaceClassifier.from_pretrained(network)


@pytest.mark.parametrize("text", ["{", '{"a": 1, "b": 2, "c": 3}', '["sad", "sad", "sad"]', "[" * 100_000])
def test_classes_of_older_versions_that_make_no_sense_are_refused(network: Path, text: str) -> None:
    (split_metadata(network) / "classes.json").write_text(text)
    with pytest.raises(InputError, match=rf"{network}/classes\.json: .*a list of distinct names"):
        FaceClassifier.from_pretrained(network)


@pytest.mark.parametrize(("name", "max_bytes"), [("mien", 10e6), ("mien_small", 3e6)])
def test_the_pretrained_networks_are_small_and_have_cards(name: str, max_bytes: float) -> None:
    classifier = FaceClassifier.from_pretrained(name)
    assert classifier.classes_ == list(FER2013)
    assert FACE_NETWORKS[name].stat().st_size <= max_bytes
    np.testing.assert_allclose(classifier.predict_proba(FACES).sum(axis=1), 1, atol=1e-5)
    card = read_card(name)
    assert card["metrics"]["cnn"]["temperature"] == classifier.temperature
    assert list(card["per_class"]["cnn"]) == classifier.classes_
    assert card["params"]["train_cnn"]["network"] == name


def test_the_network_without_a_name_is_mien_wild() -> None:
    default, wild = (FaceClassifier.from_pretrained(name).predict_proba(FACES) for name in (None, "mien_wild"))
    np.testing.assert_array_equal(default, wild)
    assert not np.allclose(wild, FaceClassifier.from_pretrained("mien_small").predict_proba(FACES), atol=1e-3)


@pytest.mark.parametrize("name", ["mien_tiny", "", "mien_au"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(
        InputError,
        match=rf"model: found '{name}', expected mien_wild, mien, mien_small, or a folder or ONNX file",
    ):
        FaceClassifier.from_pretrained(name)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InputError, match=r"nowhere/best\.onnx: no such file, expected a network"):
        FaceClassifier.from_pretrained("nowhere/best.onnx")


def test_predict_names_the_most_probable_class(tmp_path: Path) -> None:
    classifier = FaceClassifier.from_pretrained(brightness_network(tmp_path))
    faces = np.stack([np.full((48, 48), level, np.uint8) for level in LEVELS])
    assert classifier.predict(faces).tolist() == classifier.predict(faces, tta="ten").tolist() == CLASSES
    assert classifier.predict(faces[:0]).tolist() == []


def test_a_pickled_classifier_predicts_the_same(network: Path) -> None:
    classifier = FaceClassifier.from_pretrained(network)
    again = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(again.predict_proba(FACES), classifier.predict_proba(FACES))


def test_prediction_needs_no_tensorflow(network: Path) -> None:
    script = (
        "import sys, numpy; from pathlib import Path\n"
        "from mien.inference.networks.face_classifier import FaceClassifier\n"
        f"FaceClassifier.from_pretrained(Path({str(network)!r})).predict_proba(numpy.zeros((1, 48, 48), numpy.uint8))\n"
        "sys.exit(bool({'tensorflow', 'keras', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
