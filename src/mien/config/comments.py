"""The comments of params.yaml and docs/params.md, written from the descriptions of the fields.

`python -m mien.config.comments` rewrites both, in the root of the repository.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import yaml

from mien.config.effects import EFFECTS
from mien.config.params import Params

_COLUMN = 38  # the column of comments, unless the code is longer
_WIDTH = 120
_MIN_WIDTH = 40  # minimum width of a comment after long code


class Key(NamedTuple):
    """A key of params.yaml.

    - name: joined by dots, such as train_cnn.mixup.share.
    - values: the allowed values, such as "0 .. 1" or "adam | muon | sgd"; empty for a section.
    - choices: the values of a closed list, if the description does not explain each one.
    - description: its meaning.
    """

    name: str
    values: str
    choices: str
    description: str

    @property
    def comment(self) -> str:
        """The choices, and the meaning of the key."""
        return "; ".join(part for part in (self.choices, self.description) if part)


def keys() -> list[Key]:
    """Return all keys of params.yaml, sections included, in the order of the fields."""
    schema = Params.model_json_schema()
    return list(_keys(schema, schema["$defs"], ""))


def commented(text: str) -> str:
    """Return params.yaml with the comments of its fields. Values and the order of lines stay unchanged.

    Comments in the first column stay, too, and so do comments of entries that are not fields, such as single emotions.
    """
    comments = {key.name: key.comment for key in keys()}
    ends = dict(_code_ends(yaml.compose(text, yaml.SafeLoader), ""))
    lines: list[str] = []
    for number, line in enumerate(text.splitlines()):
        name, end = ends.get(number, ("", 0))
        if name in comments:
            lines += _with_comment(line[:end], comments[name])
        elif line.startswith("#") or not line.lstrip().startswith("#"):
            lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def reference() -> str:
    """Return the page docs/params.md."""
    lines = [
        "# Parameters",
        "",
        "All keys of `params.yaml`. `python -m mien.config.comments` writes this page from `mien.config`.",
    ]
    conditions = {effect.key: [effect.condition] for effect in EFFECTS}
    for key in keys():
        section, _, name = key.name.partition(".")
        meaning = "; ".join([key.description, *(f"acts only if {text}" for text in conditions.get(key.name, ()))])
        cells = [text.replace("|", "\\|") for text in (key.values, meaning)]
        if name:
            lines.append(f"| `{name}` | {' | '.join(cells)} |")
        else:
            lines += ["", f"## {section}", "", f"{key.description[0].upper()}{key.description[1:]}.", ""]
            lines += ["| key | values | meaning |", "|---|---|---|"]
    return "\n".join(lines) + "\n"


def _keys(schema: Mapping[str, Any], definitions: Mapping[str, Any], prefix: str) -> Iterator[Key]:
    for name, field in schema["properties"].items():
        inner = definitions[field["$ref"].rpartition("/")[2]] if "$ref" in field else None
        choices = field.get("enum") or field.get("items", {}).get("enum") or []
        explained = all(f"{choice}: " in field["description"] for choice in choices)
        shown = "" if explained else " | ".join(choices)
        yield Key(f"{prefix}{name}", "" if inner else _values(field), shown, field["description"])
        if inner:
            yield from _keys(inner, definitions, f"{prefix}{name}.")


def _values(field: Mapping[str, Any]) -> str:
    """Describe the allowed values in words, from the JSON Schema."""
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    match field["type"]:
        case "array":
            return f"{'[low, high],' if field.get('maxItems') == 2 else 'list of'} {_values(field['items'])}"
        case "object":
            return f"mapping to {_values(field['additionalProperties'])}"
        case "string":
            return "text"
        case "boolean":
            return "true | false"
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    bounds = [
        *([f"{'above' if 'exclusiveMinimum' in field else 'from'} {low:g}"] if low is not None else []),
        *([f"{'below' if 'exclusiveMaximum' in field else 'to'} {_short(high)}"] if high is not None else []),
    ]
    return " ".join([field["type"], *bounds])


def _short(number: float) -> str:
    return f"{number:,}" if number >= 10_000 else f"{number:g}"


def _code_ends(node: yaml.Node | None, prefix: str) -> Iterator[tuple[int, tuple[str, int]]]:
    """Yield for each key the line where its code ends, its name, and the column after the code."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        block = isinstance(value, yaml.CollectionNode) and not value.flow_style
        end = key.end_mark if block else value.end_mark
        yield end.line, (name, end.column + block)  # a key's mark ends before its colon
        yield from _code_ends(value, f"{name}.")


def _with_comment(code: str, comment: str) -> list[str]:
    column = max(_COLUMN, len(code) + 2)
    first, *more = wrap(comment, max(_MIN_WIDTH, _WIDTH - column - 2), break_long_words=False, break_on_hyphens=False)
    return [f"{code:<{column}}# {first}", *(f"{'':<{column}}# {line}" for line in more)]


def main() -> None:
    """Write the comments of params.yaml, and docs/params.md."""
    path = Path("params.yaml")
    path.write_text(commented(path.read_text()), encoding="utf-8")
    Path("docs/params.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
