"""How long and with what a network is trained: the params that all trainings share."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from mien._io.yaml import Count, Schema


class Plan(Schema):
    """The course of a training.

    epochs: at most so many. patience: stop after so many without a lower validation loss. learning_rate: the
    highest; it rises from a tenth during the first twentieth of the epochs (at least one), then falls to zero as a
    cosine (Loshchilov & Hutter 2017).
    optimizer: adam (Kingma & Ba 2015), muon (see `mien.training.muon`; with a learning_rate of about 0.02) or sgd with
    Nesterov momentum 0.9. weight_decay: decoupled, of kernels only (Loshchilov & Hutter 2019). precision: bfloat16
    halves the time of convolutions on CPUs that have it; weights stay float32.
    """

    epochs: Count
    patience: Count
    batch_size: Count
    optimizer: Literal["adam", "muon", "sgd"]
    learning_rate: PositiveFloat
    weight_decay: Annotated[float, Field(ge=0, lt=1)]
    precision: Literal["float32", "bfloat16"]
