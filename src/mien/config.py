"""The pipeline's params.yaml: a section a stage, each key typed and bounded; that file says what a key means."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from mien._io import parallel
from mien._io.urls import has_password, without_secrets
from mien._io.yaml import Count, Schema, Share
from mien.aus.rules import TABLES
from mien.aus.synthesis import Intensities, Realism
from mien.data.audit import Audit
from mien.data.augment import Augmentation
from mien.data.ferplus import FerPlus
from mien.data.mixup import Mixup
from mien.emotions import FER2013, FER_PLUS
from mien.models.registry import NETWORKS, Transfer
from mien.rendering import Variation
from mien.training.distillation import Distillation
from mien.training.plan import Plan

Cut = Annotated[float, Field(gt=0, lt=1)]


def _distinct(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError(f"found {names}, expected each name once")
    return names


def _without_password(source: str) -> str:
    if has_password(source):
        raise ValueError(f"found a password in {without_secrets(source)}, expected none where Git and DVC keep it")
    return source


class Base(Schema):
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class Compute(Schema):
    executor: parallel.Name


class GenerateAus(Schema):
    table: str
    samples: Count
    neutral: bool
    intensities: Intensities
    realistic_tables: Annotated[list[Literal[TABLES]], Field(min_length=1)]  # type: ignore[valid-type]
    realism: Realism
    validation_share: Cut
    test_share: Cut


class RenderFaces(Schema):
    faces: Count
    test_share: Annotated[float, Field(gt=0, le=0.5)]
    proportions: Annotated[dict[Literal[FER2013], Count], Field(min_length=2)]  # type: ignore[valid-type]
    variation: Variation


class PrepareFer(Schema):
    source: Annotated[str, AfterValidator(_without_password)]
    labels: Literal["fer2013", "fer2013_softened", "ferplus_majority", "ferplus_votes"]
    ferplus: FerPlus
    classes: Annotated[list[Literal[FER_PLUS]], AfterValidator(_distinct)]  # type: ignore[valid-type]
    size: Annotated[int, Field(ge=16, le=512)]
    validation_share: Cut
    test_share: Cut
    audit: Audit

    @model_validator(mode="after")
    def _has_votes_to_label_by(self) -> Self:
        if self.labels != "fer2013" and not self.ferplus.votes:
            raise ValueError(
                f"ferplus.votes: found '', expected the path of fer2013new.csv while labels is {self.labels}"
            )
        return self


class OversampleAugment(Schema):
    method: Literal["none", "random", "augment", "weights"]
    ratio: Share
    target: dict[str, Count]
    augmentation: Augmentation


class TrainAu(Plan):
    units: Annotated[list[Count], Field(min_length=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    focal_gamma: Annotated[float, Field(ge=0)]


class TrainCnn(Plan):
    network: Literal[NETWORKS]  # type: ignore[valid-type]
    backend: Literal["tensorflow", "jax"]
    replicas: PositiveInt
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    augmentation: Augmentation
    mixup: Mixup
    distillation: Distillation
    transfer: Transfer

    @model_validator(mode="after")
    def _leaves_epochs_to_tune(self) -> Self:
        frozen = self.transfer.frozen_epochs
        if frozen >= self.epochs:
            raise ValueError(f"transfer.frozen_epochs: found {frozen}, expected fewer than epochs, {self.epochs}")
        return self

    @model_validator(mode="after")
    def _shares_batches_evenly(self) -> Self:
        if self.batch_size % self.replicas:
            raise ValueError(
                f"batch_size: found {self.batch_size}, expected a multiple of replicas, {self.replicas}, which share it"
            )
        return self


class Evaluate(Schema):
    real_aus: str
    tta: bool


class ActionMap(Schema):
    emotic: str
    mpii: str
    smoothing: Annotated[float, Field(gt=0)]
    top: Count


class Params(Schema):
    base: Base
    compute: Compute
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
