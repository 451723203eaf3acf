"""The head learns what labels say of AUs from features, and what emotions say if there are no labels."""

import numpy as np

from mien.aus.facs import AUS
from mien.emotions import FER2013
from mien.training.au_head import fit_au_head, presence

SMILE, NOSE = AUS.index(12), AUS.index(9)


def test_presence_is_the_mean_of_the_tables() -> None:
    table = presence(FER2013)
    assert table.shape == (7, len(AUS))
    happy, disgust, neutral = (FER2013.index(name) for name in ("happy", "disgust", "neutral"))
    assert table[happy, SMILE] == table[disgust, NOSE] == 0.98  # in all three
    np.testing.assert_allclose(table[disgust, AUS.index(10)], 1 / 3)  # in one
    assert (table[neutral] == 0.02).all()


def test_labelled_aus_follow_from_features() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(3, 2, (400, 6)).astype(np.float32)
    features[:, 5] = 1  # is still
    shares = 1 / (1 + np.exp(-0.5 * (features[:, 2] - 3)))
    labels = np.zeros((400, len(AUS)))
    labels[:, SMILE] = 100 * shares
    head = fit_au_head(features, labels, [12], FER2013)
    read = 1 / (1 + np.exp(-(features @ head.kernel + head.bias)))
    assert np.corrcoef(read[:, SMILE], shares)[0, 1] > 0.98
    assert np.abs(head.kernel[2]).argmax() == SMILE
    assert head.emotion_weights[SMILE] < 0.5


def test_other_aus_follow_from_emotions_alone() -> None:
    head = fit_au_head(np.ones((10, 2), np.float32), np.zeros((10, len(AUS))), [12], FER2013)
    assert head.emotion_weights[NOSE] == 1
    assert not head.kernel[:, NOSE].any()
    assert head.bias[NOSE] == 0
