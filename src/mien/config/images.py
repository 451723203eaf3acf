"""The sections prepare_fer and oversample_augment: labelled face images become arrays."""

import re
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mien._io.bounded import Count, Share, SplitShare
from mien._io.errors import InputError
from mien._io.urls import has_password, without_secrets
from mien._io.yaml import Schema
from mien.config.types import OptionalPath, distinct
from mien.emotions import FER_PLUS, canonical, is_emotion
from mien.emotions.label_sets import MAX_CLASSES, Merge, name_fault, normalized

AuditAction = Literal["report", "drop", "fail"]
DetectorName = Literal["none", "yunet", "haar", "mtcnn"]
FaceName = Literal["largest", "middle"]


def _class_name(name: str) -> str:
    if fault := name_fault(name):
        raise ValueError(fault)
    return name


def _has_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"found {pattern!r}, expected a regular expression ({error})") from None
    if not groups:
        raise ValueError(f"found {pattern!r}, expected a group in brackets, which is the person")
    return pattern


def _not_one(folds: int) -> int:
    if folds == 1:
        raise ValueError("found 1, expected 0 or at least 2")
    return folds


def _without_password(source: str) -> str:
    if has_password(source):
        raise ValueError(f"found a password in {without_secrets(source)}, expected none where Git and DVC keep it")
    return source


class FerPlus(Schema):
    """How the taggers' votes become labels. As in the paper, an emotion's single vote does not count.

    The policies are those of the paper (Barsoum et al. 2016) where they are "drop".
    """

    votes: OptionalPath = Field(description="path of FER+'s fer2013new.csv")
    ties: Literal["drop", "keep"] = Field(
        description="images without a majority of the votes; keep: the choice with the most votes"
    )
    unknown: Literal["drop", "ignore"] = Field(
        description="images that most taggers marked as unknown; ignore: leave out only those votes"
    )
    not_a_face: Literal["drop", "ignore"] = Field(
        description="images in which most taggers see no face; ignore: leave out only those votes"
    )
    share: Share = Field(description="share of the votes in a softened target; the rest is the label")


class Audit(Schema):
    """What to do with an image that has a problem. The first problem that drops an image is its reason.

    report: count and list it. drop: also keep it out of training. fail: stop the stage. Validation and test keep their
    images, so that figures stay comparable, with two exceptions: an unreadable image or one without a face cannot be in
    an array, and a validation image that is also in test must not choose the model that test measures.
    """

    unreadable: Literal["drop", "fail"] = Field(description="cannot be decoded as an image")
    no_face: Literal["drop", "fail"] = Field(description="detector finds no face")
    blank: AuditAction = Field(description="almost one grey level")
    not_face_shaped: AuditAction = Field(description="one side is more than twice the other")
    wrong_size: AuditAction = Field(description="another size than more than half of the source")
    leaks: AuditAction = Field(description="in train and also in validation or test; in validation and also in test")
    conflicts: AuditAction = Field(description="an equal image has another emotion; drop removes all of them")
    duplicates: AuditAction = Field(description="an equal image comes earlier in the same split")
    near_leaks: AuditAction = Field(
        description="like leaks, for near-duplicates (the same image encoded anew, resized or mirrored); drop and fail "
        "also keep near-duplicates together when splits are cut"
    )
    near_duplicates: AuditAction = Field(description="like duplicates, for near-duplicates")


class PrepareFer(Schema):
    """A source of labelled face images becomes arrays."""

    source: Annotated[str, AfterValidator(_without_password)] = Field(
        description="a zip or folder of [train|validation|test/]EMOTION/IMAGE, a fer2013.csv, or a CSV of image paths "
        "and labels; path or URL"
    )
    label_names: dict[int | str, str] = Field(
        description="meaning of folder names or cells of the column emotion that are numbers or other names: {1: "
        "surprise, suprise: surprise}; skip: leave the images out"
    )
    unknown_classes: Literal["skip", "fail"] = Field(
        description="what to do with images whose label is neither an emotion nor a class; skip: leave them out and "
        "count them; fail: stop"
    )
    merge: dict[str, list[str]] = Field(
        description="labels that are merged into one class, before classes are selected; votes are summed: {negative: "
        "[angry, disgust, fear, sad]}"
    )
    detector: DetectorName = Field(
        description="finds the face in each image, levels and crops it, as mien image does; none: each image is one "
        "face already; yunet: also tilted, turned and small faces"
    )
    face: FaceName = Field(
        description="which of several faces in an image to use; middle: the one nearest to the centre of the image"
    )
    labels: Literal["fer2013", "fer2013_softened", "ferplus_majority", "ferplus_votes"] = Field(
        description="fer2013: the labels of the source; fer2013_softened: the same, softened by FER+'s votes in train; "
        "ferplus_majority: the majority of FER+'s taggers; ferplus_votes: the same, with the votes as soft targets"
    )
    ferplus: FerPlus = Field(description="FER+'s votes, if labels needs them; images are named by row of fer2013.csv")
    aus: OptionalPath = Field(
        description="a table of Action Units (AUs) with one row per image, by OpenFace, py-feat or tools/label_aus.py; "
        "its AUs become columns of data/fer/index.csv (docs/face_aus.md)"
    )
    classes: Annotated[
        list[Annotated[str, AfterValidator(_class_name)]],
        Field(max_length=MAX_CLASSES),
        AfterValidator(partial(distinct, key=normalized)),
    ] = Field(
        description="classes in label order, such as [happy, sad, surprise, neutral], or your own, such as [engaged, "
        "bored]; []: all emotions of the source"
    )
    size: Annotated[int, Field(ge=16, le=512)] = Field(description="width and height of the arrays, in pixels")
    validation_share: SplitShare = Field(description="cut from train if the source has no validation split")
    test_share: SplitShare = Field(description="cut from train if the source has no test split")
    label_error_folds: Annotated[int, Field(ge=0, le=20), AfterValidator(_not_one)] = Field(
        description="folds of a cross-validation that lists doubtful labels in reports/prepare_fer/label_errors.csv; "
        "no label is changed; 0: no such list"
    )
    audit: Audit = Field(description="what to do with images that have a problem: report, drop (from train) or fail")

    @property
    def known_classes(self) -> list[str]:
        """The names that labels may have in addition to emotions, and the names of their classes."""
        return list(dict.fromkeys([*self.classes, *Merge.of(self.merge).labels]))

    @model_validator(mode="after")
    def _names_only_what_is_known(self) -> Self:
        try:
            merge = Merge.of(self.merge)
        except InputError as error:
            raise ValueError(f"merge: {error}") from None
        for name in self.classes:
            if (group := merge.class_of(name)) != name:
                raise ValueError(f"classes: found {name!r}, which merge makes {group}, expected classes after that")
        own = {*map(normalized, self.known_classes)}
        for label, name in self.label_names.items():
            if name != "skip" and not is_emotion(name) and normalized(name) not in own:
                expected = f"an emotion ({', '.join(FER_PLUS)}), a name in classes or merge, or skip"
                raise ValueError(f"label_names.{label}: found {name!r}, expected {expected}")
        return self

    @model_validator(mode="after")
    def _has_votes_for_its_classes(self) -> Self:
        if self.labels in ("ferplus_majority", "ferplus_votes"):
            merge = Merge.of(self.merge)
            voted = {*FER_PLUS, *merge.classes_of(FER_PLUS)}
            for name in self.classes:
                if name not in voted:
                    means = f" (for {name}: {canonical(name)})" if is_emotion(name) else ""
                    raise ValueError(
                        f"classes: found {name!r} while labels is {self.labels}, expected what FER+'s taggers chose "
                        f"among: {', '.join(FER_PLUS)}{means}, or groups of them by merge"
                    )
        return self

    @model_validator(mode="after")
    def _has_votes_to_label_by(self) -> Self:
        if self.labels != "fer2013" and not self.ferplus.votes.path:
            raise ValueError(
                f"ferplus.votes: found {self.ferplus.votes}, expected the path of fer2013new.csv while labels is "
                f"{self.labels}"
            )
        return self


class Augmentation(Schema):
    """How far an augmented image may deviate from its original; 0 (or false) switches a change off.

    Sources: cutout by DeVries & Taylor 2017, cubic interpolation by Keys 1981. Bilinear interpolation blurs every
    augmented training image, while images at inference are sharp.
    """

    flip: bool = Field(description="mirror half of the augmented images")
    rotation: Annotated[float, Field(ge=0, le=180)] = Field(description="degrees, at most")
    shift: Share = Field(description="share of the width, at most")
    zoom: Annotated[float, Field(ge=0, lt=1)] = Field(description="share more or less, at most")
    brightness: Annotated[float, Field(ge=0, le=255)] = Field(description="grey levels, at most")
    contrast: Annotated[float, Field(ge=0, lt=1)] = Field(description="share more or less, at most")
    cutout: Share = Field(description="side of a square filled with the mean, as a share of the width")
    interpolation: Literal["linear", "cubic"] = Field(description="cubic keeps images nearly as sharp as they are")
    degraded: Share = Field(
        default=0.0, description="share of the images that are also blurred, noisy or compressed as JPEG, at random"
    )


class ExtraFaces(Schema):
    """Faces of a further source join train; validation and test stay those of prepare_fer.

    Splits of the source are kept. Otherwise some of its people are held out, and evaluate measures on them.
    """

    source: OptionalPath = Field(description="a zip or folder of EMOTION/IMAGE; none: no more faces")
    detector: DetectorName = Field(description="as prepare_fer.detector")
    face: FaceName = Field(description="as prepare_fer.face")
    person: Annotated[str, AfterValidator(_has_group)] = Field(
        description="regular expression for the whole file name without suffix, whose first group is the person; (.*): "
        "every image shows another person"
    )
    test_share: SplitShare = Field(description="share of the people who are held out for evaluate")
    ratio: Share = Field(
        description="raise each class of the other people's faces, by copies, to this share of their largest class"
    )


class OversampleAugment(Schema):
    """Rare classes are raised in train, and in no other split."""

    extra: ExtraFaces = Field(description="more training faces, added before classes are raised")

    method: Literal["none", "random", "augment", "weights"] = Field(
        description="none: no change; random: copies; augment: augmented images; weights: class weights in the loss"
    )
    ratio: Share = Field(description="raise each class to this share of the largest")
    target: dict[str, Count] = Field(
        description="number of images of single classes instead: -S +oversample_augment.target.disgust=2000"
    )
    augmentation: Augmentation = Field(description="how augmented images differ from the originals")
