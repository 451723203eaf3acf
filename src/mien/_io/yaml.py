"""YAML files with a schema: typed, checked as a whole, with one-line errors that name the key.

Plain values follow YAML 1.2, as in DVC; PyYAML alone follows YAML 1.1. So 1e-05, as DVC writes it, is a number, yes
and on are text, and 012 is twelve.
"""

import re
from collections.abc import Hashable
from pathlib import Path
from reprlib import Repr
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from mien._io.errors import InputError


class Schema(BaseModel):
    """A mapping with known keys. Unknown ones are refused, and missing ones without a default. None is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _has_no_null_character(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError(f"found {_short(value)}, expected text without null characters")
        return value

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check a YAML file. Raises InputError that names the file, the key, what was found and expected."""
        return check(cls, read_yaml(path), path)


_S = TypeVar("_S", bound=Schema)

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 100
_SHORT.maxlist = _SHORT.maxdict = 4
_SHORT.maxlevel = 2


def read_yaml(path: Path) -> Any:
    """Read a YAML file. Raises InputError if it is missing or not valid YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    return parse_yaml(text, path)


def parse_yaml(text: str, path: object) -> Any:
    """Parse YAML text. Raises InputError that names `path` and, if known, the line."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506  _Loader is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InputError(f"{path}: not valid YAML: {line}{error.problem}") from None
    except Exception as error:  # noqa: BLE001  of odd values and deep nesting, ValueError and RecursionError among it
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


class _Loader(yaml.SafeLoader):
    """Reads values as YAML 1.2, refuses repeated keys, and keeps merge keys (<<), dates and sexagesimals as text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  none of YAML 1.1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = yaml.constructor.BaseConstructor.construct_mapping(self, node, deep)
        if len(mapping) < len(node.value):
            self._refuse_duplicate(node)
        return mapping

    def _refuse_duplicate(self, node: yaml.MappingNode) -> None:
        known = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in known:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key!r}", key_node.start_mark)
            known.add(key)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        text = str(self.construct_scalar(node)).replace("_", "")
        prefixed = text.lstrip("+-")[:2].lower() in ("0x", "0o", "0b")
        return int(text, 0 if prefixed else 10)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
for _tag, _pattern, _characters in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)", [*"-+0123456789"]),
    ("float", r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*)(?:[eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
    ("float", r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+", [*"-+0123456789"]),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", [*"-+."]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _characters)


def check(schema: type[_S], tree: Any, path: Path) -> _S:
    """Check what was read from `path` against a schema. Raises InputError that names the first wrong key."""
    try:
        return schema.model_validate(tree)
    except ValidationError as error:
        raise InputError(f"{path}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    first, *others = error.errors()
    key = ".".join(map(str, first["loc"]))
    more = f" (and {len(others)} more)" if others else ""
    match first["type"]:
        case "missing":
            return f"{key}: missing{more}"
        case "extra_forbidden":
            return f"{key}: unknown key{more}"
        case "model_type":
            return f"{key or 'the whole file'}: found {_short(first['input'])}, expected a mapping of keys{more}"
        case "value_error":
            return f"{key}: {first['ctx']['error']}{more}".removeprefix(": ")
    expected = first["msg"].removeprefix("Input should be ")
    return f"{key}: found {_short(first['input'])}, expected {expected}{more}"


def _short(value: Any) -> str:
    """Return a value as text of limited length, as a few lines of YAML with aliases can stand for a billion values."""
    return _SHORT.repr(value)
