"""The metadata in a network's ONNX file, so that no file beside it can mismatch.

The file's `metadata_props` contain, as text:

    mien.format       "1"
    mien.kind         "face" or "aus"
    mien.classes      JSON list of the class names, in the order of the probabilities
    mien.temperature  decimal number that calibrates the confidence; 1.0 if absent
    mien.tta_temperatures
                      JSON object: the same for answers with test-time augmentation, {"mirror": 0.8, "ten": 0.7}; where
                      one is absent, mien.temperature serves
    mien.priors       JSON list: the share of each class in what the network learned from, in the order of mien.classes;
                      absent in files of former versions and for Action Units
    mien.set_thresholds
                      JSON object: the least probability in a prediction set for coverages of 50, 51 .. 99 %, without
                      and with test-time augmentation, {"none": [0.61, ..], "mirror": [..], ..}; absent likewise
    mien.input        JSON object: {"size": 48, "colour": "grey", "dtype": "uint8"} for faces,
                      {"columns": ["AU01", ..], "range": [0, 100], "dtype": "float32"} for Action Units
    aus               names of the AUs whose intensities, 0..100, a network for faces gives as a second output `aus`,
                      float32 (N, AUs): AU01,AU02,..; absent where it gives none

Needs neither TensorFlow nor the package onnx.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

from mien._io.classes import is_class_list
from mien._io.errors import InputError

Kind = Literal["face", "aus"]

#: The coverages of prediction sets that thresholds are known for, in percent.
PERCENTS = range(50, 100)

_FORMAT = "1"
_PREFIX = "mien."
_AUS = re.compile(r"AU\d\d(,AU\d\d)*")
_TOLERANCE = 1e-3  # tolerance of a sum of shares


@dataclass(frozen=True)
class Metadata:
    """The contract of a network.

    Attributes:
        kind: what it reads emotions from: "face" or "aus".
        classes: the names of its outputs, in order.
        input: its input, see the module.
        temperature: divides its logits so that confidence matches accuracy; 1.0 changes nothing.
        tta_temperatures: the same for probabilities averaged by test-time augmentation, by its name.
        aus: the AUs that a network for faces also reads, such as "AU01", in the order of its output `aus`.
        priors: the share of each class in the training targets, see `mien.data.balance.training_priors`; empty if
            unknown.
        set_thresholds: thresholds of prediction sets for each coverage of PERCENTS, by test-time augmentation or
            "none"; empty if unknown.
    """

    kind: Kind
    classes: list[str]
    input: Mapping[str, Any]
    temperature: float = 1.0
    tta_temperatures: Mapping[str, float] = field(default_factory=dict)
    aus: Sequence[str] = ()
    priors: tuple[float, ...] = ()
    set_thresholds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def of_faces(
        cls,
        classes: Sequence[str],
        size: int,
        temperature: float = 1.0,
        tta_temperatures: Mapping[str, float] | None = None,
        aus: Sequence[str] = (),
    ) -> Self:
        """Describe a network for grey faces, uint8 (N, size, size)."""
        inputs = {"size": size, "colour": "grey", "dtype": "uint8"}
        return cls("face", list(classes), inputs, temperature, dict(tta_temperatures or {}), tuple(aus))

    @classmethod
    def of_aus(cls, classes: Sequence[str], columns: Sequence[str]) -> Self:
        """Describe a network for AU intensities 0..100, float32 (N, columns). columns: such as "AU01"."""
        return cls("aus", list(classes), {"columns": list(columns), "range": [0, 100], "dtype": "float32"})

    def to_props(self) -> dict[str, str]:
        """Return the metadata in the file's form."""
        measured = {
            "mien.tta_temperatures": self.tta_temperatures,
            "mien.priors": self.priors,
            "mien.set_thresholds": self.set_thresholds,
        }
        return {
            "mien.format": _FORMAT,
            "mien.kind": self.kind,
            "mien.classes": json.dumps(self.classes),
            "mien.temperature": str(self.temperature),
            **{key: json.dumps(value) for key, value in measured.items() if value},
            "mien.input": json.dumps(self.input),
            **({"aus": ",".join(self.aus)} if self.aus else {}),
        }

    def temperature_of(self, tta: str) -> float:
        """Return the temperature for a kind of test-time augmentation, or "none"."""
        return self.tta_temperatures.get(tta, self.temperature)

    @classmethod
    def from_props(cls, props: Mapping[str, str]) -> Self | None:
        """Read the form of `to_props`; None if a file has no metadata of mien.

        Raises:
            InputError: a value is missing or damaged, or this version does not know its format.
        """
        if not any(key.startswith(_PREFIX) for key in props):
            return None
        if (version := props.get("mien.format")) != _FORMAT:
            raise InputError(f"mien.format: found {version!r}, expected {_FORMAT!r}, which this version of mien reads")
        if (kind := props.get("mien.kind")) not in get_args(Kind):
            raise InputError(f"mien.kind: found {kind!r}, expected one of {', '.join(get_args(Kind))}")
        classes, inputs = _json(props, "mien.classes"), _json(props, "mien.input")
        if not is_class_list(classes):
            raise InputError(f"mien.classes: found {str(classes)[:80]}, expected a list of distinct names")
        if not isinstance(inputs, dict):
            raise InputError(f"mien.input: found {str(inputs)[:80]}, expected an object")
        temperature = _temperature("mien.temperature", props.get("mien.temperature", "1.0"))
        measured = _tta_temperatures(props), _aus(props), _priors(props, len(classes)), _set_thresholds(props)
        return cls(kind, classes, inputs, temperature, *measured)  # type: ignore[arg-type]


def _json(props: Mapping[str, str], key: str) -> Any:
    try:
        return json.loads(props[key])
    except KeyError:
        raise InputError(f"{key}: missing") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{key}: is not JSON ({error})") from None


def _by_tta(props: Mapping[str, str], key: str) -> dict[str, Any]:
    """Return a JSON object by kind of test-time augmentation; empty if the file has none."""
    by_name = _json(props, key) if key in props else {}
    if not isinstance(by_name, dict):
        raise InputError(f"{key}: found {str(by_name)[:80]}, expected an object")
    return by_name


def _tta_temperatures(props: Mapping[str, str]) -> dict[str, float]:
    key = "mien.tta_temperatures"
    return {name: _temperature(f"{key}: {name}", value) for name, value in _by_tta(props, key).items()}


def _set_thresholds(props: Mapping[str, str]) -> dict[str, tuple[float, ...]]:
    key = "mien.set_thresholds"
    by_name = _by_tta(props, key)
    for name, thresholds in by_name.items():
        if not _is_shares(thresholds) or len(thresholds) != len(PERCENTS) or sorted(thresholds)[::-1] != thresholds:
            raise InputError(
                f"{key}: {name}: found {str(thresholds)[:80]}, expected {len(PERCENTS)} numbers within 0..1 that fall"
            )
    return {name: tuple(thresholds) for name, thresholds in by_name.items()}


def _priors(props: Mapping[str, str], classes: int) -> tuple[float, ...]:
    if (key := "mien.priors") not in props:
        return ()
    shares = _json(props, key)
    if not _is_shares(shares) or 0 in shares or len(shares) != classes or abs(sum(shares) - 1) > _TOLERANCE:
        raise InputError(f"{key}: found {str(shares)[:80]}, expected {classes} shares above 0 that sum to 1")
    return tuple(shares)


def _is_shares(value: Any) -> bool:
    return isinstance(value, list) and all(type(share) in (int, float) and 0 <= share <= 1 for share in value)


def _aus(props: Mapping[str, str]) -> tuple[str, ...]:
    text = props.get("aus", "")
    names = tuple(text.split(",")) if text else ()
    if len(set(names)) != len(names) or (text and not _AUS.fullmatch(text)):
        raise InputError(f"aus: found {text[:80]!r}, expected distinct AUs: AU01,AU02,..")
    return names


def _temperature(key: str, value: Any) -> float:
    try:
        temperature = float(value)
    except (TypeError, ValueError):
        temperature = math.nan
    if not 0 < temperature < math.inf:
        raise InputError(f"{key}: found {str(value)[:80]!r}, expected a number above 0")
    return temperature
