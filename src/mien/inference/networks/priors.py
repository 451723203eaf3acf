"""Class priors: how frequent each emotion is among the faces that are read.

A network's answers assume that emotions are as frequent as in its training. If they are not, Bayes' rule corrects the
probabilities: multiply them by wanted share / share in training (logit adjustment, Menon et al. 2021, for `uniform`).
EM estimates the shares in a batch from the answers (Saerens, Latinne & Decaestecker 2002). Both assume that faces of an
emotion look like those in training; no prior corrects for another camera.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from mien._io.errors import InputError
from mien.inference.networks.temperature import above_zero

#: training: as in training. uniform: all emotions are equally frequent, so none is favoured. Or the share of each
#: emotion, by name; 0 rules an emotion out.
Prior = Literal["training", "uniform"] | Mapping[str, float]

#: The command line's word for a prior that is estimated from the faces themselves.
EM = "em"

_MIN_FACES = 50  # minimum for EM; with fewer faces, shares are a guess
_STEPS = 1000
_TOLERANCE = 1e-6


def parse_prior(text: str) -> Prior | str:
    """Parse a prior from the command line: a name, or shares such as happy=0.5,sad=0.5.

    Raises:
        InputError: the text has another form.
    """
    if "=" not in text:
        return text
    shares: dict[str, float] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, _, number = map(str.strip, item.partition("="))
        if name in shares:
            raise InputError(f"prior: found {name!r} twice, expected it once")
        try:
            shares[name] = float(number)
        except ValueError:
            raise InputError(f"prior: found {item!r}, expected EMOTION=SHARE, as in happy=0.5") from None
    return shares


def prior_shares(prior: Prior | str, training: Mapping[str, float]) -> np.ndarray:
    """Return the share of each class: float64 (classes,), sum 1.

    Args:
        prior: see `Prior`. Its shares are divided by their sum, so counts work, too.
        training: the share of each class in training.

    Raises:
        InputError: there is no such prior, a class is missing or unknown, or a share is negative or not a number.
    """
    names = list(training)
    if isinstance(prior, str):
        if prior not in ("training", "uniform"):
            others = "; em needs all faces at once, as mien image and mien score have them" if prior == EM else ""
            raise InputError(f"prior: found {prior!r}, expected training, uniform or a share of each emotion{others}")
        shares = np.ones(len(names)) if prior == "uniform" else np.array(list(training.values()))
    else:
        if wrong := sorted({*names} ^ {*prior}):
            kind = "no share of" if wrong[0] in names else "a share of the unknown class"
            raise InputError(f"prior: found {kind} {wrong[0]!r}, expected one of each of {', '.join(names)}")
        shares = np.array([prior[name] for name in names], np.float64)
    if not (np.isfinite(shares).all() and (shares >= 0).all() and (shares > 0).sum() > 1):
        raise InputError(f"prior: found {shares.tolist()}, expected numbers of 0 or more, at least two above 0")
    return shares / shares.sum()


def adjust_priors(probabilities: np.ndarray, training: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return probabilities adjusted to the wanted shares of classes: float64 (N, classes); rows sum to 1.

    Args:
        probabilities: (N, classes), for faces whose classes are as frequent as in training.
        training, wanted: float (classes,), the share of each class; training above 0.
    """
    adjusted = above_zero(probabilities) * (wanted / training)
    return adjusted / adjusted.sum(axis=1, keepdims=True)


def estimate_priors(probabilities: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Return the shares of classes that make the answers most likely: float64 (classes,).

    EM (Saerens et al. 2002), from calibrated answers (Alexandari, Kundaje & Shrikumar 2020).

    Args:
        probabilities: (N, classes), calibrated, for faces whose classes are as frequent as in training.
        training: float (classes,), above 0.

    Raises:
        InputError: there are fewer than 50 faces.
    """
    if len(probabilities) < _MIN_FACES:
        raise InputError(f"prior: em: number of faces: found {len(probabilities)}, expected at least {_MIN_FACES}")
    shares = np.asarray(training, np.float64)
    for _ in range(_STEPS):
        before, shares = shares, adjust_priors(probabilities, training, shares).mean(axis=0)
        if np.abs(shares - before).max() < _TOLERANCE:
            break
    return shares


def describe_shares(names: Sequence[str], shares: np.ndarray) -> str:
    """Return shares as text for `parse_prior`, with 4 digits, most frequent first."""
    order = np.argsort(-shares, kind="stable")
    return ",".join(f"{names[index]}={shares[index]:.4f}" for index in order)
