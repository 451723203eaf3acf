"""The sections generate_aus and render_faces: Action Unit data, and faces drawn from it."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from mien._io.bounded import Count, Intensity, IntensityRange, Share, SplitShare
from mien._io.yaml import Schema
from mien.emotions import FER2013

#: The AU tables of the package, by name.
AuTableName = Literal["du_martinez", "emfacs", "prototypes"]


class Intensities(Schema):
    """Intensity ranges of AUs that follow a table exactly.

    An intensity is low + (high - low) * u ** skew, with u uniform in 0..1; positive AUs are always uniform.
    """

    positive: IntensityRange = Field(description="AUs that the emotion requires")
    quiet: IntensityRange = Field(description="AUs that it excludes or does not name")
    optional: IntensityRange = Field(description="AUs that it allows")
    neutral: IntensityRange = Field(description="all AUs of a neutral face")
    skew: PositiveFloat = Field(description="1: uniform; higher: quiet and optional AUs closer to rest")


class ToolNoise(Schema):
    """How a tool that measures AUs differs from people who code them. The values in params.yaml are for OpenFace.

    A person's intensities at rest differ from zero, movements have small intensities, and some movements hardly show:
    brows in short clips, because OpenFace calibrates per clip, and AUs that its training data lacked (Baltrusaitis et
    al. 2018). docs/own_aus.md explains the origin of the values.
    """

    share: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="share of all realistic rows, added to the `samples` per emotion; 0: none"
    )
    neutral_ratio: PositiveFloat = Field(
        description="neutral rows per row of another emotion; most frames show a face at rest"
    )
    rest: Annotated[dict[str, Intensity], Field(min_length=1)] = Field(
        description="AUs that the tool reports well, and their mean intensity at rest; those of single people are "
        "exponentially distributed"
    )
    gain: Share = Field(description="share of a movement's intensity that it reports for these AUs")
    faint_rest: Intensity = Field(description="mean intensity of other AUs at rest")
    faint_gain: Share = Field(description="share of a movement's intensity that it reports for other AUs")
    unreported: list[str] = Field(description="AUs that it does not report")
    fade: Share = Field(description="the intensities of a row are multiplied by a random number between this and 1")
    crosstalk: Share = Field(
        description="probability that a wrinkled nose (AU09) also shows as AU04, AU07 and AU10, for each of them"
    )


class Realism(Schema):
    """How real faces and their coders deviate from a table's prototypes.

    Coders pass the FACS test at an agreement of 0.7 (Ekman, Friesen & Hager 2002). A positive AU of Du et al. (2014) is
    shown by 70 % of the people.
    """

    missed: Share = Field(description="share of an emotion's AUs that are not shown or not coded")
    false_alarms: Share = Field(description="share of all other AUs that are coded")
    brought_along: Share = Field(
        description="probability that an AU brings along one that often accompanies it, as AU26 brings AU25"
    )
    present: IntensityRange = Field(description="intensities of AUs that are shown")
    absent: IntensityRange = Field(description="intensities of AUs that are not shown")
    presence_only: Share = Field(description="share of rows that are coded 0 or 100, as many coders do")
    tool: ToolNoise = Field(description="further rows, as OpenFace reports faces")


class GenerateAus(Schema):
    """Action Unit data are drawn from AU tables."""

    table: str = Field(description="AU table: which AUs belong to which emotion")
    samples: Count = Field(description="rows per emotion")
    neutral: bool = Field(description="neutral as a seventh class")
    intensities: Intensities = Field(description="intensities of the rows that follow the table exactly, 0..100")
    realistic_tables: Annotated[list[AuTableName], Field(min_length=1)] = Field(
        description="tables that the realistic rows are drawn from, in turn"
    )
    realism: Realism = Field(description="errors of human coders and tools; the AU network is trained on such rows")
    test_share: SplitShare = Field(description="share of all rows")
    validation_share: SplitShare = Field(description="share of the rows that are not test rows")


class Variation(Schema):
    """How much faces differ in what has nothing to do with emotion."""

    identity: Share = Field(description="shape of the face, skin, hair")
    pose: Share = Field(description="rotation of the head")
    scale: Share = Field(description="size and position of the face in the image")
    light: Share = Field(description="direction, brightness and contrast")
    noise: Share = Field(description="blur and grain of the camera")
    occlusion: Share = Field(description="share of faces that are partly hidden")


class RenderFaces(Schema):
    """Grey faces are drawn from Action Units."""

    faces: Count = Field(description="train and test together, at least 10 per class")
    test_share: Annotated[float, Field(gt=0, le=0.5)] = Field(description="share of the faces")
    proportions: Annotated[dict[Literal[FER2013], Count], Field(min_length=2)] = Field(  # type: ignore[valid-type]
        description="class balance, here that of FER2013's training images"
    )
    variation: Variation = Field(description="0: none, 1: strongest")
