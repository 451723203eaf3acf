"""The sections train_au and train_cnn: networks, and how they are trained."""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, model_validator

from mien._io.bounded import Count, Share, SplitShare
from mien._io.yaml import Schema
from mien.config.images import Augmentation
from mien.config.types import PLACEHOLDERS, OptionalPath, distinct
from mien.emotions.label_sets import reserved_fault

#: Networks of keras.applications, which may start from pretrained weights.
TransferNetworkName = Literal["vgg16", "resnet50v2", "efficientnet_b0"]

#: Networks for face images. A name is a module of `mien.models` and its function that builds the network.
NetworkName = Literal[
    "mien",
    "mien_small",
    "three_block",
    "four_conv",
    "global_pool",
    "base_cnn",
    "small_cnn",
    "complex_cnn",
    TransferNetworkName,
]

#: Pretrained networks of the package.
PretrainedName = Literal["mien", "mien_small"]

#: Start weights by name; none: random weights.
StartWeightsName = Literal["none", "imagenet", PretrainedName]

#: Names of networks for faces that may be teachers. DVC watches them by the SHA256SUMS of the pretrained networks.
TeacherName = Literal["mien_wild", "mien", "mien_small"]

#: The output folder of train_cnn, so nothing in it can be a dep of that stage.
_OUTPUT = Path("models/cnn")


def _unreserved(name: str) -> str:
    if fault := reserved_fault(name):
        raise ValueError(fault)
    return name


class TrainingConfig(Schema):
    """How a network is trained.

    - learning_rate: rises from a tenth of this value during the first twentieth of the epochs (at least one), then
      falls to zero along a cosine (Loshchilov & Hutter 2017).
    - adam: Kingma & Ba 2015. muon: see `mien.training.muon`. sgd: with Nesterov momentum 0.9.
    - weight_decay: decoupled, for kernels only (Loshchilov & Hutter 2019).
    - bfloat16: makes most networks 1.4 to 1.8 times as fast on CPUs that support it; weights stay float32.
    """

    epochs: Count = Field(description="maximum number of epochs")
    patience: Count = Field(description="early stopping: epochs without a lower validation loss before training ends")
    batch_size: Count = Field(description="rows or images per step")
    optimizer: Literal["adam", "muon", "sgd"] = Field(description="muon: with a learning_rate of about 0.02")
    learning_rate: PositiveFloat = Field(description="peak learning rate; warm-up, then cosine decay to zero")
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = Field(description="decoupled, of kernels only")
    precision: Literal["float32", "bfloat16"] = Field(description="bfloat16: up to 1.8 times as fast on newer CPUs")


class LabelledTable(Schema):
    """How a labelled AU table is read and split.

    A column `split` (train, validation, test) is kept. Missing splits are cut from train, stratified by class. If a
    table names people, no person is in two splits.
    """

    label: str = Field(description="column with the class")
    person: str = Field(
        description="column that identifies people; auto: person, subject, participant, speaker or actor, also with "
        "_id; none: rows are split one by one"
    )
    classes: Annotated[
        list[Annotated[str, Field(min_length=1), AfterValidator(_unreserved)]], AfterValidator(distinct)
    ] = Field(
        description="classes in label order, with any names, such as [engaged, bored]; rows of others are left out; "
        "[]: all emotions of the table"
    )
    validation_share: SplitShare = Field(description="share of the rows that are not test rows")
    test_share: SplitShare = Field(description="share of all rows")


class TrainAu(TrainingConfig):
    """The network for Action Units."""

    source: OptionalPath = Field(
        description="a labelled AU table to train on: AU01 .. (0..100), OpenFace's or py-feat's output, and a column "
        "with the class; none: synthetic rows"
    )
    combine: Literal["replace", "add"] = Field(
        description="replace: train on source alone; add: train on source and the synthetic rows, with the rows of "
        "source repeated until they are about as many; validation and test always come from source"
    )
    labelled: LabelledTable = Field(description="how source is read and split")
    units: Annotated[list[Count], Field(min_length=1)] = Field(description="width of each dense layer")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(description="share of units, after each dense layer")
    focal_gamma: NonNegativeFloat = Field(description="0: plain cross-entropy")


class Mixup(Schema):
    """Mixup (Zhang et al. 2018): blends of two images, with both labels in the same shares."""

    share: Share = Field(description="share of the images of a batch that are blended; 0: none")
    alpha: NonNegativeFloat = Field(description="the weights of the two images follow Beta(alpha, alpha); 0: none")


def _not_an_output(network: str) -> str:
    if Path(network).resolve().is_relative_to(_OUTPUT.resolve()):
        raise ValueError(f"found {network}, which train_cnn replaces; copy it out of {_OUTPUT} and name the copy")
    return network


class Distillation(Schema):
    """Knowledge distillation (Hinton et al. 2015): a student learns from the answers of its teachers, trained networks.

    views above 0 is consistent teaching (Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and
    consistent"), see `mien.training.consistent`. extra: false is learning without forgetting (Li & Hoiem 2016), if the
    teacher is the network that is fine-tuned.
    """

    teacher: Annotated[str, AfterValidator(_not_an_output)] = Field(
        description="a trained network of the same classes and size: an ONNX file, or a folder with best.onnx; or a "
        "folder of several ONNX files, which all teach"
    )
    ensemble: Annotated[list[TeacherName], AfterValidator(distinct)] = Field(
        description="pretrained networks that teach beside it; the target is the mean of all answers"
    )
    precision: Literal["fp32", "int8"] = Field(
        description="fp32: the files as they are named; int8: NAME_int8.onnx beside each NAME.onnx, a third of the time"
    )
    share: Share = Field(description="share of the teachers' answer in each target; the rest is the label; 0: none")
    views: Annotated[int, Field(ge=0, le=1000)] = Field(
        description="0: the teachers answer once for each image, with ten copies of it; above 0: augmented images "
        "return after so many epochs, and the teachers answer for each of them and its mirror image"
    )
    extra: bool = Field(
        description="whether the teachers also teach the faces of oversample_augment.extra; false: these keep their "
        "labels, so that a network learns them and forgets less of the others"
    )


class Transfer(Schema):
    """Fine-tuning: training starts from pretrained weights (Yosinski et al. 2014).

    start_share: see Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT).
    """

    weights: StartWeightsName = Field(
        description="mien and mien_small: the pretrained network of that name; imagenet: a download, for "
        "vgg16, resnet50v2 and efficientnet_b0"
    )
    path: Annotated[OptionalPath, AfterValidator(_not_an_output)] = Field(
        default=OptionalPath(PLACEHOLDERS / "start_network"),
        description="other weights: a folder of a trained network of the same architecture, such as a copy of "
        "models/cnn; for vgg16, resnet50v2 and efficientnet_b0 also a file of weights without the top",
    )
    input_size: Annotated[int, Field(ge=32, le=512)] = Field(
        description="width and height that vgg16, resnet50v2 and efficientnet_b0 enlarge faces to, in pixels"
    )
    frozen_epochs: Annotated[int, Field(ge=0)] = Field(
        description="epochs in which only the last layer is trained, at learning_rate; then all layers are"
    )
    tuning_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        description="share of learning_rate at which all layers are trained after frozen_epochs"
    )
    start_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="weight of the start weights in a weighted mean with the trained ones (WiSE-FT); above 0 keeps "
        "more of what they knew"
    )

    @classmethod
    def from_weights(cls, start: str | Path = "none", input_size: int = 96) -> Self:
        """Make a start from the name of weights or a path, with all layers tuned at the full learning rate."""
        is_name = start in get_args(StartWeightsName)
        where = {"weights": start} if is_name else {"weights": "none", "path": str(start)}
        rest = {"input_size": input_size, "frozen_epochs": 0, "tuning_rate": 1.0, "start_share": 0.0}
        return cls.model_validate(where | rest)

    @property
    def start(self) -> str:
        """The start weights: none, a name, or the path of a folder or file."""
        return str(self.path.path or self.weights)

    @property
    def start_key(self) -> str:
        """The key that sets them, for messages."""
        return f"train_cnn.transfer.{'path' if self.path.path else 'weights'}"

    @model_validator(mode="after")
    def _starts_from_one_network(self) -> Self:
        if self.path.path and self.weights != "none":
            raise ValueError(f"found both weights {self.weights} and path {self.path}, expected weights none")
        return self


class TrainCnn(TrainingConfig):
    """The network for face images."""

    network: NetworkName = Field(description="architecture")
    seed_offset: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        description="added to base.seed for start weights, augmentation and the order of images; networks of several "
        "offsets are validated on the same images, those of several base.seed on others"
    )
    backend: Literal["tensorflow", "jax"] = Field(description="jax: in separate processes; needs the extra `scale`")
    replicas: Annotated[int, Field(gt=0, le=1024)] = Field(
        description="copies of the network that share each batch, one per device: with tensorflow the GPUs of this "
        "host; with jax one process each, on one host or several"
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="share of each target that is spread evenly over the classes"
    )
    augmentation: Augmentation = Field(description="augmentation of each training image, different in every epoch")
    mixup: Mixup = Field(description="blends pairs of augmented images of a batch")
    distillation: Distillation = Field(description="knowledge distillation from a trained network, the teacher")
    transfer: Transfer = Field(description="fine-tuning: training starts from pretrained weights")

    @model_validator(mode="after")
    def _leaves_epochs_to_tune(self) -> Self:
        frozen = self.transfer.frozen_epochs
        if frozen >= self.epochs:
            raise ValueError(f"transfer.frozen_epochs: found {frozen}, expected fewer than epochs, {self.epochs}")
        return self

    @model_validator(mode="after")
    def _transfers_only_what_fits(self) -> Self:
        weights, downloads = self.transfer.weights, get_args(TransferNetworkName)
        is_other_network = weights in get_args(PretrainedName) and weights != self.network
        if is_other_network or (weights == "imagenet" and self.network not in downloads):
            names = "imagenet, " if self.network in downloads else ""
            names += f"{self.network}, " if self.network in get_args(PretrainedName) else ""
            raise ValueError(
                f"transfer.weights: found {weights}, expected none, {names}or path: a folder of a trained "
                f"{self.network} while network is {self.network}"
            )
        return self

    @model_validator(mode="after")
    def _shares_batches_evenly(self) -> Self:
        if self.batch_size % self.replicas:
            raise ValueError(
                f"batch_size: found {self.batch_size}, expected a multiple of replicas, {self.replicas}, which share it"
            )
        return self
