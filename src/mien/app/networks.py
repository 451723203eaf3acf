"""The networks of the page. All sessions share them; each is loaded when first needed."""

from functools import cached_property
from typing import Any

from mien.actions.suggest import action_note, has_actions
from mien.inference.networks.au_classifier import AUClassifier
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.recognizer import EmotionRecognizer


class Networks:
    """The networks of the page. A network that cannot be loaded raises InputError at each use, until loading works."""

    def __init__(self, model: str | None) -> None:
        """Load nothing yet. model: the network for faces, see `FaceClassifier.from_pretrained`."""
        self._model = model

    @cached_property
    def face_classifier(self) -> FaceClassifier:
        """The network for faces. It runs in one thread, because sessions and the browser need the other cores."""
        return FaceClassifier.from_pretrained(self._model, precision="auto", threads=1)

    @cached_property
    def au_classifier(self) -> AUClassifier:
        """The pretrained network for Action Units."""
        return AUClassifier.from_pretrained()

    @property
    def action_note(self) -> str:
        """Names the face network's classes without a known action; empty if there are none."""
        return action_note(self.face_classifier.classes_)

    def recognizer(self, detector: str, search_size: int | None = None, **reading: Any) -> EmotionRecognizer:
        """Return a recognizer with its own detector, because a detector serves one thread. See `EmotionRecognizer`."""
        return EmotionRecognizer(
            self.face_classifier,
            detector,
            search_size=search_size,
            **reading,
            aus=bool(self.face_classifier.aus_),
            actions=has_actions(self.face_classifier.classes_),
        )
