"""What all tabs read emotions with: networks that sessions share, loaded when first needed."""

from functools import cached_property

from mien._io.errors import InputError
from mien.actions.suggest import Suggest, suggester
from mien.inference.au_classifier import AUClassifier
from mien.inference.detectors import make_detector
from mien.inference.face_classifier import FaceClassifier
from mien.inference.recognizer import EmotionRecognizer, Face


class Readers:
    """The networks of the page. What cannot be loaded raises InputError where it is used, and again until it can."""

    def __init__(self, model: str | None) -> None:
        """Load nothing yet. model: the network for faces, see `FaceClassifier.named`."""
        self._model = model

    @cached_property
    def predictor(self) -> FaceClassifier:
        """The network for faces. One thread: sessions and the browser want the other cores."""
        return FaceClassifier.named(self._model, threads=1)

    @cached_property
    def aus(self) -> AUClassifier:
        """The network for Action Units that mien ships."""
        return AUClassifier.load()

    @cached_property
    def suggest(self) -> Suggest | None:
        """What names an action for a face; None where the map does not know the network's emotions."""
        try:
            return suggester(self.predictor.classes)
        except InputError:
            return None

    def faces(self, detector: str, longest: int = 1920) -> EmotionRecognizer:
        """Return a reader with a detector of its own, as detectors serve one thread. See `make_detector`."""
        return EmotionRecognizer(self.predictor, make_detector(detector, longest))

    def action(self, face: Face) -> str:
        """Return the likeliest action of a person with such a face; "" where none is known."""
        return self.suggest(face.probabilities) if self.suggest else ""

    def label(self, face: Face) -> str:
        """Return what stands at the box of a face."""
        action = self.action(face)
        return f"{face.emotion} {face.confidence:.0%}" + (f": {action}" if action else "")
