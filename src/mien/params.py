"""The pipeline's params.yaml: a section a stage, each key typed and bounded; that file says what a key means."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from mien.aus import Intensities, Realism
from mien.emotions import FER2013
from mien.faces import Variation
from mien.facs import TABLES
from mien.images.augment import Augmentation
from mien.models.registry import NETWORKS
from mien.schema import Schema, Share

Cut = Annotated[float, Field(gt=0, lt=1)]


class Base(Schema):
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class GenerateAus(Schema):
    table: str
    samples: PositiveInt
    neutral: bool
    intensities: Intensities
    realistic_tables: Annotated[list[Literal[TABLES]], Field(min_length=1)]  # type: ignore[valid-type]
    realism: Realism
    validation_share: Cut
    test_share: Cut


class RenderFaces(Schema):
    faces: PositiveInt
    test_share: Annotated[float, Field(gt=0, le=0.5)]
    proportions: Annotated[dict[Literal[FER2013], PositiveInt], Field(min_length=2)]  # type: ignore[valid-type]
    variation: Variation


class PrepareFer(Schema):
    source: str
    size: Annotated[int, Field(ge=16, le=512)]
    validation_share: Cut
    test_share: Cut


class OversampleAugment(Schema):
    method: Literal["none", "random", "augment"]
    ratio: Share
    augmentation: Augmentation


class Training(Schema):
    epochs: PositiveInt
    patience: PositiveInt
    batch_size: PositiveInt
    learning_rate: PositiveFloat


class TrainAu(Training):
    units: Annotated[list[PositiveInt], Field(min_length=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    focal_gamma: Annotated[float, Field(ge=0)]


class TrainCnn(Training):
    network: Literal[NETWORKS]  # type: ignore[valid-type]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    augmentation: Augmentation


class Evaluate(Schema):
    real_aus: str


class ActionMap(Schema):
    top: PositiveInt


class Params(Schema):
    base: Base
    generate_aus: GenerateAus
    render_faces: RenderFaces
    prepare_fer: PrepareFer
    oversample_augment: OversampleAugment
    train_au: TrainAu
    train_cnn: TrainCnn
    evaluate: Evaluate
    action_map: ActionMap

    @model_validator(mode="after")
    def _draws_only_generated_emotions(self) -> Self:
        if "neutral" in self.render_faces.proportions and not self.generate_aus.neutral:
            raise ValueError(
                "render_faces.proportions: found neutral, expected no neutral faces while generate_aus.neutral is false"
            )
        return self


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check the whole of params.yaml. Raises InputError naming the key that is wrong."""
    return Params.read(path)
