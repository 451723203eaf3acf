"""YAML is read by YAML 1.2; what is wrong is one line that names the key or the line."""

from pathlib import Path
from typing import Any

import pytest

from mien._io.bounded import Count, Share
from mien._io.errors import InputError
from mien._io.yaml import Schema, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-05", 1e-05),
        ("1E5", 1e5),
        ("1.", 1.0),
        ("-.5", -0.5),
        (".inf", float("inf")),
        ("+1", 1),
        ("012", 12),
        ("0o17", 15),
        ("-0x1F", -31),
        ("0b11", 3),
        ("1_000", 1000),
        *(
            (word, word)
            for word in ("yes", "no", "on", "off", "Yes", "tRue", "1:30", "2024-01-01", "<<", "=", "1e", "_1")
        ),
        ("TRUE", True),
        ("false", False),
        ("~", None),
        ("", None),
        ("'1'", "1"),
    ],
)
def test_plain_values_mean_what_yaml_1_2_says(text: str, value: Any) -> None:
    read = parse_yaml(f"key: {text}\n", "file")["key"]
    assert (read, type(read)) == (value, type(value))


def test_dvc_and_mien_read_the_same_values() -> None:
    from dvc.utils.serialize import loads_yaml

    text = (Path(__file__).parents[2] / "params.yaml").read_text() + "low: 1e-05\nyes: on\noctal: 0o17\nten: 010\n"
    assert parse_yaml(text, "params.yaml") == loads_yaml(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "line 5: duplicate key 'c'"),
        ("1: 1\n0x1: 1\n", "line 2: duplicate key 1"),
        ("a: 1\nb: [\n", "line 3: .*<stream end>"),
        ("a: *none\n", "line 1: found undefined alias"),
        ("a: !!python/object/apply:os.system [id]\n", "line 1: could not determine a constructor"),
        ("a: !x y\n", "line 1: could not determine a constructor"),
        ("? [1]\n: 2\n", "line 1: found unhashable key"),
        ("a: \x07\n", "special characters are not allowed"),
        ("a: " + "9" * 5000, "5000 digits"),
        ("[" * 5000, "recursion"),
        ("a: 1\n---\nb: 2\n", "line 2: but found another document"),
    ],
)
def test_what_is_not_yaml_is_one_line_with_the_line_number(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=f"^{path}: not valid YAML: .*{message}") as caught:
        read_yaml(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.yaml: no such file"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"odd.yaml: cannot be read .*utf-8"):
        read_yaml(tmp_path / "odd.yaml")


class Inner(Schema):
    count: Count
    share: Share


class Outer(Schema):
    name: str
    inner: Inner


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\ninner: {count: 1}\n", "inner.share: missing"),
        ("name: a\ninner: {count: 1, share: 0.5, more: 1}\n", "inner.more: unknown key"),
        ("name: 1\ninner: {count: 0, share: 0.5}\n", "name: found 1, expected a valid string (and 1 more)"),
        ("name: a\ninner: {count: 1.5, share: 1}\n", "inner.count: found 1.5, expected a valid integer"),
        ("name: a\ninner: {count: 1, share: 1e400}\n", "inner.share: found inf, expected a finite number"),
        ("name: a\ninner: [1, 2]\n", "inner: found [1, 2], expected a mapping of keys"),
        (
            'name: "a\\0b"\ninner: {count: 1, share: 1}\n',
            "name: found 'a\\x00b', expected text without null characters",
        ),
        ("- 1\n", "the whole file: found [1], expected a mapping of keys"),
    ],
)
def test_a_wrong_key_is_named_with_what_was_found_and_expected(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        Outer.read(tmp_path / "file.yaml")
    assert str(caught.value) == f"{tmp_path / 'file.yaml'}: {message}"


def test_a_value_made_of_a_billion_aliases_is_short_in_the_message(tmp_path: Path) -> None:
    laughs = "l0: &l0 [x]\n" + "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 12))
    (tmp_path / "file.yaml").write_text(f"{laughs}name: *l11\ninner: {{count: 1, share: 1}}\n")
    with pytest.raises(InputError) as caught:
        Outer.read(tmp_path / "file.yaml")
    assert len(str(caught.value)) < 1000
