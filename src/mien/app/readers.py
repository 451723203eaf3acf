"""What all tabs read emotions with: networks that sessions share, loaded when first needed."""

from functools import cached_property

from mien.actions.suggest import Suggest, suggester
from mien.detection import make_detector
from mien.errors import InputError
from mien.face_reader import Face, FaceReader
from mien.image_predictor import ImagePredictor
from mien.predictor import AuPredictor


class Readers:
    """The networks of the page. What cannot be loaded raises InputError where it is used, and again until it can."""

    def __init__(self, model: str | None) -> None:
        """Load nothing yet. model: the network for faces, see `ImagePredictor.named`."""
        self._model = model

    @cached_property
    def predictor(self) -> ImagePredictor:
        """The network for faces. One thread: sessions and the browser want the other cores."""
        return ImagePredictor.named(self._model, threads=1)

    @cached_property
    def aus(self) -> AuPredictor:
        """The network for Action Units that mien ships."""
        return AuPredictor.load()

    @cached_property
    def suggest(self) -> Suggest | None:
        """What names an action for a face; None where the map does not know the network's emotions."""
        try:
            return suggester(self.predictor.classes)
        except InputError:
            return None

    def faces(self, detector: str, longest: int = 1920) -> FaceReader:
        """Return a reader with a detector of its own, as detectors serve one thread. See `make_detector`."""
        return FaceReader(self.predictor, make_detector(detector, longest))

    def action(self, face: Face) -> str:
        """Return the likeliest action of a person with such a face; "" where none is known."""
        return self.suggest(face.probabilities) if self.suggest else ""

    def label(self, face: Face) -> str:
        """Return what stands at the box of a face."""
        action = self.action(face)
        return f"{face.emotion} {face.confidence:.0%}" + (f": {action}" if action else "")
