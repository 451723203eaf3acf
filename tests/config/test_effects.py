"""Params that cannot act: what asks for something is refused, a mere setting is named in a note."""

from pathlib import Path
from typing import Any

import pytest

from mien._io.errors import InputError
from mien._io.yaml import check, read_yaml
from mien.config import Augmentation, Params, load_params
from mien.config.effects import EFFECTS, Effect, notes, without_effect

ROOT = Path(__file__).parents[2]
#: Another value of each key.
OTHER: dict[str, Any] = {
    "generate_aus.intensities.neutral": [0.0, 30.0],
    "generate_aus.realism.tool.gain": 0.4,
    "generate_aus.realism.tool.faint_rest": 2.0,
    "generate_aus.realism.tool.faint_gain": 0.2,
    "generate_aus.realism.tool.unreported": [],
    "generate_aus.realism.tool.fade": 0.6,
    "generate_aus.realism.tool.crosstalk": 0.5,
    "generate_aus.realism.tool.neutral_ratio": 2.0,
    "prepare_fer.face": "middle",
    "prepare_fer.audit.no_face": "fail",
    "prepare_fer.ferplus.votes": "votes.csv",
    "prepare_fer.ferplus.ties": "keep",
    "prepare_fer.ferplus.unknown": "ignore",
    "prepare_fer.ferplus.not_a_face": "ignore",
    "prepare_fer.ferplus.share": 0.3,
    "oversample_augment.extra.detector": "none",
    "oversample_augment.extra.face": "middle",
    "oversample_augment.extra.person": r"(.+)_\d+",
    "oversample_augment.extra.test_share": 0.3,
    "oversample_augment.extra.ratio": 0.1,
    "oversample_augment.augmentation.flip": False,
    "oversample_augment.augmentation.rotation": 20.0,
    "oversample_augment.augmentation.shift": 0.1,
    "oversample_augment.augmentation.zoom": 0.2,
    "oversample_augment.augmentation.brightness": 0.0,
    "oversample_augment.augmentation.contrast": 0.0,
    "oversample_augment.augmentation.cutout": 0.2,
    "oversample_augment.augmentation.degraded": 0.5,
    "oversample_augment.augmentation.interpolation": "linear",
    "oversample_augment.ratio": 0.5,
    "oversample_augment.target": {"happy": 5},
    "train_au.combine": "add",
    "train_au.labelled.label": "class",
    "train_au.labelled.person": "subject",
    "train_au.labelled.classes": ["happy", "sad"],
    "train_au.labelled.validation_share": 0.1,
    "train_au.labelled.test_share": 0.1,
    "train_cnn.augmentation.interpolation": "linear",
    "train_cnn.mixup.share": 0.5,
    "train_cnn.mixup.alpha": 0.4,
    "train_cnn.distillation.teacher": "teacher.onnx",
    "train_cnn.distillation.ensemble": ["mien_wild"],
    "train_cnn.distillation.precision": "int8",
    "train_cnn.distillation.views": 8,
    "train_cnn.distillation.extra": False,
    "train_cnn.transfer.input_size": 64,
    "train_cnn.transfer.frozen_epochs": 2,
    "train_cnn.transfer.tuning_rate": 0.2,
    "train_cnn.transfer.start_share": 0.3,
    "action_map.smoothing": 5.0,
}
START: dict[str, Any] = {"train_cnn.transfer.path": "my_network"}  # weights by a path count as those by a name
#: Changes under which keys act (first) and do not act (second), by the beginning of a key.
SWITCHES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "generate_aus.intensities": (
        {},
        {"generate_aus.neutral": False, "render_faces.proportions": {"happy": 1, "sad": 1}},
    ),
    "generate_aus.realism.tool": ({}, {"generate_aus.realism.tool.share": 0.0}),
    "prepare_fer.face": ({"prepare_fer.detector": "haar"}, {}),
    "prepare_fer.audit.no_face": ({"prepare_fer.detector": "haar"}, {}),
    "prepare_fer.ferplus": ({"prepare_fer.labels": "fer2013_softened", "prepare_fer.ferplus.votes": "votes.csv"}, {}),
    "oversample_augment.extra": ({"oversample_augment.extra.source": "faces.zip"}, {}),
    "oversample_augment": ({}, {"oversample_augment.method": "weights"}),
    "train_au": ({"train_au.source": "aus.csv"}, {}),
    "train_cnn.augmentation": (
        {},
        {f"train_cnn.augmentation.{key}": 0.0 for key in ("rotation", "shift", "zoom")},
    ),
    "train_cnn.mixup.share": ({}, {"train_cnn.mixup.alpha": 0.0}),
    "train_cnn.mixup.alpha": ({"train_cnn.mixup.share": 0.5}, {}),
    "train_cnn.distillation.extra": (
        {"train_cnn.distillation.share": 0.5, "oversample_augment.extra.source": "faces.zip"},
        {"train_cnn.distillation.share": 0.5},
    ),
    "train_cnn.distillation": ({"train_cnn.distillation.share": 0.5}, {}),
    "train_cnn.transfer.input_size": ({"train_cnn.network": "vgg16"}, {}),
    "train_cnn.transfer.tuning_rate": ({**START, "train_cnn.transfer.frozen_epochs": 2}, START),
    "train_cnn.transfer": (START, {}),
    "action_map": ({"action_map.emotic": "emotic.mat"}, {}),
}


def _params(changes: dict[str, Any]) -> Params:
    tree = read_yaml(ROOT / "params.yaml")
    for key, value in changes.items():
        *sections, last = key.split(".")
        section = tree
        for name in sections:
            section = section[name]
        section[last] = value
    return check(Params, tree, Path("params.yaml"))


def _switches(effect: Effect) -> tuple[dict[str, Any], dict[str, Any]]:
    return next(changes for prefix, changes in SWITCHES.items() if effect.key.startswith(prefix))


def test_nothing_is_set_in_vain_in_params_yaml_as_it_comes() -> None:
    assert list(without_effect(load_params(ROOT / "params.yaml"))) == []
    assert set(OTHER) == {effect.key for effect in EFFECTS}


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.key)
def test_a_key_may_be_set_where_it_acts_and_is_named_where_it_does_not(effect: Effect) -> None:
    active, idle = _switches(effect)
    section = effect.key.split(".")[0]
    change = {effect.key: OTHER[effect.key]}
    assert effect.key not in {other.key for other, _ in without_effect(_params(active | change))}
    assert effect.key not in {other.key for other, _ in without_effect(_params(idle))}  # what is usual is never named
    if effect.is_request:
        with pytest.raises(InputError, match=f"params.yaml: {effect.key}: found .*: it acts only if "):
            _params(change | idle)
    else:
        (text,) = [text for text in notes(_params(change | idle), section) if text.startswith(f"{effect.key}: ")]
        assert text.endswith(f"has no effect: it acts only if {effect.condition}")


def test_every_kind_of_augmentation_is_known() -> None:
    section = "oversample_augment.augmentation."
    assert {effect.key for effect in EFFECTS if effect.key.startswith(section)} == {
        section + name for name in Augmentation.model_fields
    }
