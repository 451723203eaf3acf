"""Temperature scaling finds the temperature, and keeps decisions."""

from pathlib import Path

import numpy as np
import pytest
from helpers.networks import brightness_network, softmax
from sklearn.metrics import log_loss

from mien.evaluation.calibration import calibrated, fit_temperature
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.temperature import apply_temperature
from mien.models.metadata import Metadata

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(20_000, 4)) * 2


def labels(logits: np.ndarray) -> np.ndarray:
    """Draw a class for each row by its probabilities."""
    return (RNG.random((len(logits), 1)) > softmax(logits).cumsum(axis=1)[:, :-1]).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_by_which_a_network_is_too_sure_is_found(temperature: float) -> None:
    found = fit_temperature(labels(LOGITS / temperature), softmax(LOGITS).astype(np.float32))
    assert found == pytest.approx(temperature, rel=0.05)
    assert found == round(found, 4)


def test_no_other_temperature_has_a_lower_log_loss() -> None:
    true, probabilities = labels(LOGITS / 1.7), softmax(LOGITS)
    found = fit_temperature(true, probabilities)
    losses = {t: log_loss(true, apply_temperature(probabilities, t)) for t in (found, *np.linspace(0.2, 5, 49))}
    assert min(losses, key=lambda t: losses[t]) == found


def test_a_network_that_is_always_right_has_a_temperature_within_bounds() -> None:
    probabilities = np.full((50, 2), (0.9, 0.1))
    assert 0.1 <= fit_temperature(np.zeros(50, np.uint8), probabilities) < 0.2
    assert 9.9 < fit_temperature(np.ones(50, np.uint8), probabilities) <= 10


def test_tempered_probabilities_are_the_softmax_of_scaled_logits() -> None:
    for temperature in (0.3, 1.0, 4.0):
        np.testing.assert_allclose(
            apply_temperature(softmax(LOGITS), temperature), softmax(LOGITS / temperature), rtol=1e-6
        )


def test_a_network_that_rounds_to_certainty_can_be_tempered() -> None:
    sure = np.array([[1, 0, 0], [0, 0, 1]], np.float32)
    for temperature in (0.1, 10.0):
        probabilities = apply_temperature(sure, temperature)
        assert np.isfinite(probabilities).all()
        assert np.array_equal(probabilities.argmax(axis=1), sure.argmax(axis=1))
    assert np.isfinite(fit_temperature(np.array([1, 2]), sure))


def test_answers_with_augmentation_get_a_temperature_of_their_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    faces = rng.integers(0, 256, (60, 48, 48), np.uint8) // 3 + rng.integers(0, 170, (60, 1, 1), np.uint8)
    model = OnnxModel.load(brightness_network(tmp_path), threads=1)
    classifier = FaceClassifier(model)
    answers = classifier.predict_proba(faces)
    true = (rng.random((60, 1)) > apply_temperature(answers, 3.0).cumsum(axis=1)[:, :-1]).sum(axis=1)
    metadata = calibrated(model.metadata, classifier, faces, true)
    assert metadata.temperature == fit_temperature(true, answers) > 1
    assert metadata.tta_temperatures.keys() == {"mirror", "ten"}
    ten = classifier.predict_proba(faces, tta="ten", calibrated=False)
    assert metadata.temperature_of("ten") == fit_temperature(true, ten)
    assert Metadata.from_props(metadata.to_props()) == metadata
