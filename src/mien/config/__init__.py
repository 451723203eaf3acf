"""params.yaml: every key with its type, bounds and meaning. All other rooms depend on it.

Each key is explained once, in the description of its field. `mien.config.comments` writes the comments of params.yaml
from it, and `Params.model_json_schema()` provides it to editors.
"""

from mien.config.aus import AuTableName, GenerateAus, Intensities, Realism, RenderFaces, ToolNoise, Variation
from mien.config.images import Audit, Augmentation, ExtraFaces, FerPlus, OversampleAugment, PrepareFer
from mien.config.params import ActionMap, Base, Compute, Evaluate, ExecutorName, Params, load_params, read_params
from mien.config.training import (
    Distillation,
    LabelledTable,
    Mixup,
    NetworkName,
    PretrainedName,
    TeacherName,
    TrainAu,
    TrainCnn,
    TrainingConfig,
    Transfer,
    TransferNetworkName,
)

__all__ = [
    "ActionMap",
    "AuTableName",
    "Audit",
    "Augmentation",
    "Base",
    "Compute",
    "Distillation",
    "Evaluate",
    "ExecutorName",
    "ExtraFaces",
    "FerPlus",
    "GenerateAus",
    "Intensities",
    "LabelledTable",
    "Mixup",
    "NetworkName",
    "OversampleAugment",
    "Params",
    "PrepareFer",
    "PretrainedName",
    "Realism",
    "RenderFaces",
    "TeacherName",
    "ToolNoise",
    "TrainAu",
    "TrainCnn",
    "TrainingConfig",
    "Transfer",
    "TransferNetworkName",
    "Variation",
    "load_params",
    "read_params",
]
