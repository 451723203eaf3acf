"""A network's answers for labelled images: calibrated, adjusted to a prior, and as prediction sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from mien._io.errors import InputError
from mien.evaluation.conformal import Coverage
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.priors import EM, Prior, adjust_priors, prior_shares
from mien.inference.networks.temperature import apply_temperature
from mien.inference.networks.tta import Tta


class MeasuredSets(NamedTuple):
    """Quality of prediction sets: headline figures, and the coverage of each class."""

    figures: dict[str, float]
    by_class: dict[str, float]


@dataclass(frozen=True)
class Answers:
    """The probabilities of all classes of a network, float (N, classes), in three forms.

    Attributes:
        classifier: the network.
        mode: the test-time augmentation of `tta`.
        plain: without test-time augmentation; not calibrated if the prior is that of training.
        calibrated: the same, calibrated. Classes are not merged yet, because the temperature is for single classes.
        tta: with test-time augmentation, calibrated; None if not requested.
        prior: the assumed share of each class, float (classes,); None for the shares of training.
    """

    classifier: FaceClassifier
    mode: Tta
    plain: np.ndarray
    calibrated: np.ndarray
    tta: np.ndarray | None
    prior: np.ndarray | None

    @classmethod
    def of(cls, classifier: FaceClassifier, mode: Tta, probabilities: Sequence[np.ndarray], prior: Prior | str) -> Self:
        """Return answers adjusted to a prior.

        Args:
            classifier, mode: see the class; of the prior "training".
            probabilities: without test-time augmentation, not calibrated; and, if wanted, with it, calibrated.
            prior: see `mien.inference.networks.priors`; "em" is estimated from the answers.

        Raises:
            InputError: the prior cannot be used.
        """
        calibrated = apply_temperature(probabilities[0], classifier.temperature)
        tta = probabilities[1] if len(probabilities) > 1 else None
        if prior == "training":
            return cls(classifier, mode, probabilities[0], calibrated, tta, None)
        if prior == EM:
            prior = classifier.estimate_prior(calibrated if tta is None else tta)
        training, wanted = (prior_shares(shares, classifier.training_prior) for shares in ("training", prior))
        adjusted = adjust_priors(calibrated, training, wanted)
        with_tta = None if tta is None else adjust_priors(tta, training, wanted)
        return cls(classifier, mode, adjusted, adjusted, with_tta, wanted)

    def measure_sets(self, labels: np.ndarray, coverage: float) -> MeasuredSets:
        """Measure prediction sets among all classes of the network.

        Args:
            labels: int (N,), indices into its classes.
            coverage: the requested coverage, see `FaceClassifier.set_threshold`.
        """
        sets = Coverage.of(labels, self.calibrated, self.classifier.set_threshold(coverage, "none"))
        figures = {"coverage_asked": coverage} | sets.figures()
        if self.tta is not None:
            with_tta = Coverage.of(labels, self.tta, self.classifier.set_threshold(coverage, self.mode))
            figures |= with_tta.figures("_tta")
        return MeasuredSets(figures, sets.by_class(labels, self.classifier.classes_))


def check_options(classifier: FaceClassifier, mode: Tta, prior: Prior | str, coverage: float | None) -> None:
    """Raise InputError if a network does not support a prior or prediction sets."""
    if prior != "training":
        prior_shares("uniform" if prior == EM else prior, classifier.training_prior)
    if coverage is None:
        return
    if prior != "training":
        raise InputError("coverage: found another prior, expected training, as prediction sets are valid only for that")
    for tta in dict.fromkeys(("none", mode)):
        classifier.set_threshold(coverage, tta)
