"""A face in a picture, as `EmotionRecognizer` returns it, and its forms as a table row, JSON or a label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mien.inference.faces.detectors import Box

#: The first columns of `Face.row`; the probability of each emotion follows, then, if asked for, prediction_set (names
#: with | between them), AUs, reasons and action.
COLUMNS = (*Box._fields, "emotion", "confidence")

#: The emotion of a face whose most probable one is less probable than `min_confidence`.
UNSURE = "unsure"

_DIGITS, _AU_DIGITS = 4, 1  # of probabilities and of intensities in tables and JSON
_LABELLED = 3  # reasons in a label


@dataclass(frozen=True)
class Face:
    """A face in a picture.

    Attributes:
        box: where the face is, in pixels: left, top, width, height.
        emotion: the most probable one; "unsure" if it is less probable than the recognizer's `min_confidence`.
        confidence: the probability of the most probable emotion, 0..1.
        probabilities: the probability of each emotion, by name, in the order of the network's classes.
        action: what the person may do; "" if the emotion is unsure or has no known action; None unless the recognizer
            suggests actions.
        aus: intensities of Action Units, 0..100, by name: {"AU01": 3.2, ..}; None unless the recognizer reads them.
        reasons: those of `aus` that go with the emotion, strongest first, see `mien.inference.prototypes`.
        prediction_set: the emotions that the face may well show, the most probable first; None unless the recognizer
            has a `coverage`.

    Examples:
        >>> from mien import EmotionRecognizer
        >>> (face,) = EmotionRecognizer().predict("photo.jpg")
        >>> face.emotion, face.box
        ('neutral', Box(left=162, top=112, width=205, height=205))
        >>> round(sum(face.probabilities.values()), 2)
        1.0
    """

    box: Box
    emotion: str
    confidence: float
    probabilities: dict[str, float]
    action: str | None = None
    aus: dict[str, float] | None = None
    reasons: tuple[str, ...] = ()
    prediction_set: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        """The label in annotated pictures: "happy 98%", with AUs and an action "happy 98% (AU06+AU12): smile".

        A prediction set of several emotions replaces emotion and confidence: "happy or surprise".
        """
        is_set = self.prediction_set and len(self.prediction_set) > 1
        emotion = listed(self.prediction_set or ()) if is_set else f"{self.emotion} {self.confidence:.0%}"
        reasons = f" ({'+'.join(sorted(self.reasons[:_LABELLED]))})" if self.reasons else ""
        return f"{emotion}{reasons}" + (f": {self.action}" if self.action else "")

    def row(self) -> list[Any]:
        """Return the face as a row of a table, rounded; see `EmotionRecognizer.columns`."""
        shares = (round(share, _DIGITS) for share in (self.confidence, *self.probabilities.values()))
        own = [] if self.prediction_set is None else ["|".join(self.prediction_set)]
        aus = [] if self.aus is None else [*self._rounded_aus().values(), " ".join(self.reasons)]
        return [*self.box, self.emotion, *shares, *own, *aus, *([] if self.action is None else [self.action])]

    def to_dict(self) -> dict[str, Any]:
        """Return the face as a dictionary for JSON, rounded."""
        return {
            "box": self.box._asdict(),
            "emotion": self.emotion,
            "confidence": round(self.confidence, _DIGITS),
            "probabilities": {name: round(share, _DIGITS) for name, share in self.probabilities.items()},
            **({} if self.prediction_set is None else {"prediction_set": list(self.prediction_set)}),
            **({} if self.aus is None else {"aus": self._rounded_aus(), "reasons": [*self.reasons]}),
            **({} if self.action is None else {"action": self.action}),
        }

    def _rounded_aus(self) -> dict[str, float]:
        return {name: round(intensity, _AU_DIGITS) for name, intensity in (self.aus or {}).items()}


def listed(names: Sequence[str]) -> str:
    """Return names in words: "sad, fear or neutral"."""
    return " or ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
