"""What all tabs read emotions with: networks that sessions share, loaded when first needed."""

from functools import cached_property

from mien._io.errors import InputError
from mien.actions.suggest import suggester
from mien.inference.au_classifier import AUClassifier
from mien.inference.face_classifier import FaceClassifier
from mien.inference.recognizer import EmotionRecognizer


class Readers:
    """The networks of the page. What cannot be loaded raises InputError where it is used, and again until it can."""

    def __init__(self, model: str | None) -> None:
        """Load nothing yet. model: the network for faces, see `FaceClassifier.from_pretrained`."""
        self._model = model

    @cached_property
    def predictor(self) -> FaceClassifier:
        """The network for faces. One thread: sessions and the browser want the other cores."""
        return FaceClassifier.from_pretrained(self._model, threads=1)

    @cached_property
    def aus(self) -> AUClassifier:
        """The pretrained network for Action Units."""
        return AUClassifier.from_pretrained()

    @cached_property
    def knows_actions(self) -> bool:
        """Whether the action map knows all the network's emotions."""
        try:
            suggester(self.predictor.classes_)
        except InputError:
            return False
        return True

    def faces(self, detector: str, max_side: int = 1920) -> EmotionRecognizer:
        """Return a recognizer with a detector of its own, as detectors serve one thread. See `make_detector`."""
        return EmotionRecognizer(self.predictor, detector, max_side=max_side, actions=self.knows_actions)
