"""Action Units join a network for faces: its own answers stay, and intensities are what the head says."""

import numpy as np
import onnx
import onnxruntime
import pytest

from mien.aus.facs import AUS
from mien.inference.networks.pretrained import find_face_network
from mien.models.onnx_aus import NAMES, AuHead, add_aus, add_features, with_aus_of, without_aus

FACES = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
#: Of all emotions and features alike.
EVEN = AuHead(np.zeros((3456, len(AUS))), np.zeros(len(AUS)), np.full((7, len(AUS)), 0.5), np.zeros(len(AUS)))


def run(network: onnx.ModelProto) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs: list[np.ndarray] = session.run(None, {"images": FACES})
    return outputs


@pytest.fixture(scope="module", params=["fp32", "int8"])
def network(request: pytest.FixtureRequest) -> onnx.ModelProto:
    return onnx.load(find_face_network("mien", request.param))


def intensities(network: onnx.ModelProto, head: AuHead) -> dict[str, np.ndarray]:
    _, aus = run(add_aus(add_features(network), head))
    assert (aus.shape, aus.dtype) == ((len(FACES), len(NAMES)), np.float32)
    return dict(zip(NAMES, aus.T, strict=True))


def test_emotions_stay_to_the_last_digit(network: onnx.ModelProto) -> None:
    assert np.array_equal(run(add_aus(add_features(network), EVEN))[0], run(network)[0])


def test_a_head_can_be_taken_off_and_given_to_the_8_bit_form() -> None:
    plain, eight_bit = (onnx.load(find_face_network("mien", precision)) for precision in ("fp32", "int8"))
    head = AuHead(EVEN.kernel, np.linspace(-2, 2, len(AUS)), EVEN.presence, EVEN.emotion_weights)
    whole = add_aus(add_features(plain), head)
    assert without_aus(whole).SerializeToString(deterministic=True) == plain.SerializeToString(deterministic=True)
    expected = add_aus(add_features(eight_bit), head)
    assert with_aus_of(whole, eight_bit).SerializeToString() == expected.SerializeToString()
    again = add_aus(add_features(whole), head)
    assert again.SerializeToString() == whole.SerializeToString()


def test_log_odds_of_features_and_of_emotions_are_summed(network: onnx.ModelProto) -> None:
    rng = np.random.default_rng(1)
    presence = rng.uniform(0.1, 0.9, (7, len(AUS)))
    head = AuHead(rng.normal(0, 0.01, (3456, len(AUS))), rng.normal(0, 1, len(AUS)), presence, np.full(len(AUS), 0.7))
    probabilities, features = run(add_features(network))
    expected = probabilities @ presence
    log_odds = features @ head.kernel + head.bias + 0.7 * np.log(expected / (1 - expected))
    read = intensities(network, head)
    for index, name in enumerate(NAMES[:-2]):  # without the jaw
        np.testing.assert_allclose(read[name], 100 / (1 + np.exp(-log_odds[:, index])), atol=0.01)


@pytest.mark.parametrize(("opening", "drop", "stretch"), [(0.25, 50, 0), (0.5, 100, 0), (0.675, 50, 50), (0.9, 0, 100)])
def test_a_jaw_that_drops_far_stretches_the_mouth(opening: float, drop: float, stretch: float) -> None:
    bias = np.full(len(AUS), np.log(opening / (1 - opening)))
    read = intensities(
        onnx.load(find_face_network("mien")), AuHead(EVEN.kernel, bias, EVEN.presence, EVEN.emotion_weights)
    )
    np.testing.assert_allclose(read["AU26"], drop, atol=0.01)
    np.testing.assert_allclose(read["AU27"], stretch, atol=0.01)
