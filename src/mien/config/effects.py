"""Which params act only together with others, so that none is silently without effect.

A param that requests something impossible is refused. A param of a feature that is switched off is only named in a
note, because experiments switch features off and on.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from mien.config.training import TransferNetworkName
from mien.config.types import PLACEHOLDERS

if TYPE_CHECKING:
    from mien.config.params import Params


class Effect(NamedTuple):
    """When a key acts.

    - key: joined by dots, such as train_cnn.mixup.share.
    - usual: its default value in params.yaml.
    - condition: the values of other keys under which it acts, in words.
    - acts: the same as a function of params.
    - is_request: a value that differs from the usual one is a request, and is refused if it cannot act.
    """

    key: str
    usual: object
    condition: str
    acts: "Callable[[Params], bool]"
    is_request: bool = False


def _raises_classes(params: "Params") -> bool:
    return params.oversample_augment.method in ("random", "augment")


def _augments_classes(params: "Params") -> bool:
    return params.oversample_augment.method == "augment"


def _has_extra_faces(params: "Params") -> bool:
    return params.oversample_augment.extra.source.path is not None


def _takes_votes(params: "Params") -> bool:
    return params.prepare_fer.labels != "fer2013"


def _finds_faces(params: "Params") -> bool:
    return params.prepare_fer.detector != "none"


def _has_own_aus(params: "Params") -> bool:
    return params.train_au.source.path is not None


def _has_teachers(params: "Params") -> bool:
    return params.train_cnn.distillation.share > 0


def _starts_from_weights(params: "Params") -> bool:
    return params.train_cnn.transfer.start != "none"


def _adds_tool_rows(params: "Params") -> bool:
    return params.generate_aus.realism.tool.share > 0


def _moves_pixels(params: "Params") -> bool:
    augmentation = params.train_cnn.augmentation
    return bool(augmentation.rotation or augmentation.shift or augmentation.zoom)


_EXTRA = f"oversample_augment.extra.source is a file or folder, not one of {PLACEHOLDERS}"
_AUGMENTS = "oversample_augment.method is augment; else only views.png shows it"
_RAISES = "oversample_augment.method is random or augment"
_VOTES = "prepare_fer.labels is not fer2013"
_START = "train_cnn.transfer names weights or a path to start from"
_FACES = "prepare_fer.detector is not none"
_TOOL = "generate_aus.realism.tool.share is above 0"
_OWN_AUS = f"train_au.source is a file, not one of {PLACEHOLDERS}"

EFFECTS = (
    Effect(
        "generate_aus.intensities.neutral",
        [0.0, 40.0],
        "generate_aus.neutral is true",
        lambda p: p.generate_aus.neutral,
    ),
    *(
        Effect(f"generate_aus.realism.tool.{key}", usual, _TOOL, _adds_tool_rows)
        for key, usual in (
            ("gain", 0.5),
            ("faint_rest", 1.0),
            ("faint_gain", 0.1),
            ("unreported", ["AU16", "AU24"]),
            ("fade", 0.5),
            ("crosstalk", 0.9),
        )
    ),
    Effect(
        "generate_aus.realism.tool.neutral_ratio",
        3.0,
        f"{_TOOL}, and generate_aus.neutral is true",
        lambda p: _adds_tool_rows(p) and p.generate_aus.neutral,
    ),
    Effect("prepare_fer.face", "largest", _FACES, _finds_faces),
    Effect("prepare_fer.audit.no_face", "drop", _FACES, _finds_faces),
    Effect("prepare_fer.ferplus.votes", str(PLACEHOLDERS / "ferplus_votes"), _VOTES, _takes_votes),
    *(Effect(f"prepare_fer.ferplus.{key}", "drop", _VOTES, _takes_votes) for key in ("ties", "unknown", "not_a_face")),
    Effect(
        "prepare_fer.ferplus.share",
        0.5,
        "prepare_fer.labels is fer2013_softened",
        lambda p: p.prepare_fer.labels == "fer2013_softened",
    ),
    *(
        Effect(f"oversample_augment.extra.{key}", usual, _EXTRA, _has_extra_faces)
        for key, usual in (
            ("detector", "yunet"),
            ("face", "largest"),
            ("person", "(.*)"),
            ("test_share", 0.2),
            ("ratio", 0.0),
        )
    ),
    *(
        Effect(f"oversample_augment.augmentation.{key}", usual, _AUGMENTS, _augments_classes)
        for key, usual in (
            ("flip", True),
            ("rotation", 10.0),
            ("shift", 0.08),
            ("zoom", 0.1),
            ("brightness", 20.0),
            ("contrast", 0.2),
            ("cutout", 0.0),
            ("degraded", 0.0),
            ("interpolation", "cubic"),
        )
    ),
    Effect("oversample_augment.ratio", 0.4, _RAISES, _raises_classes),
    Effect("oversample_augment.target", {}, _RAISES, _raises_classes, is_request=True),
    Effect("train_au.combine", "replace", _OWN_AUS, _has_own_aus, is_request=True),
    Effect("train_au.labelled.label", "emotion", _OWN_AUS, _has_own_aus),
    Effect("train_au.labelled.person", "auto", _OWN_AUS, _has_own_aus),
    Effect("train_au.labelled.classes", [], _OWN_AUS, _has_own_aus, is_request=True),
    *(Effect(f"train_au.labelled.{key}", 0.15, _OWN_AUS, _has_own_aus) for key in ("validation_share", "test_share")),
    Effect(
        "train_cnn.augmentation.interpolation",
        "cubic",
        "train_cnn.augmentation has rotation, shift or zoom",
        _moves_pixels,
    ),
    Effect(
        "train_cnn.mixup.share",
        0.0,
        "train_cnn.mixup.alpha is above 0",
        lambda p: p.train_cnn.mixup.alpha > 0,
        is_request=True,
    ),
    Effect("train_cnn.mixup.alpha", 0.2, "train_cnn.mixup.share is above 0", lambda p: p.train_cnn.mixup.share > 0),
    *(
        Effect(f"train_cnn.distillation.{key}", usual, "train_cnn.distillation.share is above 0", _has_teachers, asks)
        for key, usual, asks in (
            ("teacher", "src/mien/inference/weights/mien.onnx", False),
            ("ensemble", [], True),
            ("precision", "fp32", False),
            ("views", 0, True),
        )
    ),
    Effect(
        "train_cnn.distillation.extra",
        True,
        f"train_cnn.distillation.share is above 0, and {_EXTRA}",
        lambda p: _has_teachers(p) and _has_extra_faces(p),
    ),
    Effect(
        "train_cnn.transfer.input_size",
        96,
        f"train_cnn.network is {', '.join(get_args(TransferNetworkName)[:-1])} or {get_args(TransferNetworkName)[-1]}",
        lambda p: p.train_cnn.network in get_args(TransferNetworkName),
    ),
    Effect("train_cnn.transfer.frozen_epochs", 0, _START, _starts_from_weights, is_request=True),
    Effect(
        "train_cnn.transfer.tuning_rate",
        0.1,
        "train_cnn.transfer.frozen_epochs is above 0",
        lambda p: p.train_cnn.transfer.frozen_epochs > 0,
    ),
    Effect("train_cnn.transfer.start_share", 0.0, _START, _starts_from_weights, is_request=True),
    Effect(
        "action_map.smoothing",
        10.0,
        f"action_map.emotic is EMOTIC, not one of {PLACEHOLDERS}",
        lambda p: p.action_map.emotic.path is not None,
    ),
)


def without_effect(params: "Params") -> Iterator[tuple[Effect, Any]]:
    """Yield the keys that are set but cannot act, with their values."""
    for effect in EFFECTS:
        value: Any = params
        for name in effect.key.split("."):
            value = getattr(value, name)
        if value != effect.usual and not effect.acts(params):
            yield effect, value


def notes(params: "Params", section: str) -> list[str]:
    """Return one line per key of a section that is set but has no effect."""
    return [
        f"{effect.key}: {value!r} has no effect: it acts only if {effect.condition}"
        for effect, value in without_effect(params)
        if effect.key.startswith(f"{section}.")
    ]
