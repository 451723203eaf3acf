"""The whole of params.yaml: one section per stage, and shared ones."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from mien._io.bounded import Count
from mien._io.yaml import Schema, check, read_yaml
from mien.config.aus import GenerateAus, RenderFaces
from mien.config.effects import without_effect
from mien.config.images import OversampleAugment, PrepareFer
from mien.config.renames import renamed
from mien.config.training import TrainAu, TrainCnn
from mien.config.types import OptionalPath

ExecutorName = Literal["local", "ray"]


class Base(Schema):
    """What all stages share."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(description="all randomness follows from it")


class Compute(Schema):
    """Where stages do their work."""

    executor: ExecutorName = Field(
        description="local: this machine; ray: prepare_fer and oversample_augment run on the cluster at RAY_ADDRESS, "
        "see docs/cluster.md"
    )


class Evaluate(Schema):
    """Trained networks are measured on test."""

    real_aus: OptionalPath = Field(
        description="a CSV of AU01 .. AU26 (0..100) and emotion that people coded from real faces"
    )
    tta: bool = Field(description="also measure the CNN with test-time augmentation, over ten augmented copies")


class ActionMap(Schema):
    """Emotions and contexts are mapped to suggested actions."""

    emotic: OptionalPath = Field(
        description="EMOTIC's Annotations.mat or a folder of its CSV files; none: the hand-written table"
    )
    mpii: OptionalPath = Field(description="MPII's .mat or its CSV, to learn contexts from joints")
    smoothing: PositiveFloat = Field(
        description="number of people with EMOTIC's mean profile that are added to each emotion"
    )
    top: Count = Field(description="actions per emotion and context in tables and figures")


class Params(Schema):
    """All parameters of the pipeline, one section per stage."""

    base: Base = Field(description="shared by all stages")
    compute: Compute = Field(description="where stages run; it changes no output, so no stage depends on it")
    generate_aus: GenerateAus = Field(description="AU tables -> AU intensities")
    render_faces: RenderFaces = Field(description="AU intensities -> drawn faces")
    prepare_fer: PrepareFer = Field(description="labelled face images -> arrays")
    oversample_augment: OversampleAugment = Field(description="rare classes are raised in train")
    train_au: TrainAu = Field(description="the network for AUs")
    train_cnn: TrainCnn = Field(description="the network for face images")
    evaluate: Evaluate = Field(description="both networks are measured on test")
    action_map: ActionMap = Field(description="emotion and context -> suggested actions")

    @model_validator(mode="after")
    def _draws_only_generated_emotions(self) -> Self:
        if "neutral" in self.render_faces.proportions and not self.generate_aus.neutral:
            raise ValueError(
                "render_faces.proportions: found neutral, expected no neutral faces while generate_aus.neutral is false"
            )
        return self

    @model_validator(mode="after")
    def _asks_only_for_what_can_act(self) -> Self:
        for effect, value in without_effect(self):
            if effect.is_request:
                raise ValueError(
                    f"{effect.key}: found {value!r}, expected {effect.usual!r}: it acts only if {effect.condition}"
                )
        return self


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check the whole of params.yaml. Old names of keys are accepted, with a note on stderr.

    Raises:
        InputError: names the key that is wrong.
    """
    return check(Params, read_params(path), path)


def read_params(path: Path) -> Any:
    """Return the unchecked keys and values of params.yaml or a recipe. Old names become new ones, with a note."""
    return renamed(read_yaml(path), path)
