"""params.yaml explains each key as its field does."""

import json
import re
import shutil
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import modify_yaml

from mien._io.nested import flatten
from mien._io.yaml import parse_yaml
from mien.config import Params
from mien.config.comments import commented, keys, reference

ROOT = Path(__file__).parents[2]
PARAMS = (ROOT / "params.yaml").read_text()


def test_the_committed_files_have_the_descriptions_of_the_fields() -> None:
    hint = "run: python -m mien.config.comments"
    assert commented(PARAMS) == PARAMS, hint
    assert (ROOT / "docs/params.md").read_text() == reference(), hint


@pytest.mark.parametrize("key", keys(), ids=lambda key: key.name)
def test_each_key_is_in_params_yaml_with_its_comment(key: tuple[str, ...]) -> None:
    name, _, _, description = key
    lines = "".join(
        re.sub(r"^\s*#", "", line) if line.startswith(" " * 30) else f"\n{line}" for line in PARAMS.splitlines()
    )
    found = [line for line in lines.splitlines() if re.match(rf"\s*{name.split('.')[-1]}:.*#", line)]
    assert any(line.endswith(description) for line in found)


def test_all_keys_are_explained() -> None:
    params = parse_yaml(PARAMS, "params.yaml")
    named = {key.name for key in keys()}
    mappings = ("render_faces.proportions", "generate_aus.realism.tool.rest")  # of emotions and of AUs
    assert {key for key in flatten(params) if key.rpartition(".")[0] not in mappings} <= named
    assert all(key.description for key in keys())


def test_comments_change_no_value_and_come_back() -> None:
    bare = re.sub(r"(\n +| +)#.*", "", PARAMS)
    assert bare.count("#") == 2
    assert commented(bare) == PARAMS
    changed = PARAMS.replace("seed: 20 ", "seed: 4321 ")
    changed = re.sub(r"units: .*\n  - 128\n  - 64", "units: [64]", changed)
    assert parse_yaml(commented(changed), "") == parse_yaml(changed, "")
    assert "seed: 4321                          # all randomness" in commented(changed)
    assert "units: [64]                         # width of each" in commented(changed)


def test_params_and_pipeline_are_in_the_style_that_dvc_writes(tmp_path: Path) -> None:
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    apply_overrides(tmp_path / "params.yaml", ["base.seed=20"])  # what dvc exp run -S does: lists get one line per item
    with modify_yaml(tmp_path / "dvc.yaml"):
        pass
    for name in ("params.yaml", "dvc.yaml"):
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), f"{name}: not as DVC writes it"


def test_a_json_schema_can_be_had_for_editors() -> None:
    schema = json.loads(json.dumps(Params.model_json_schema()))
    fields = [field for section in schema["$defs"].values() for field in section["properties"].values()]
    assert len(fields) > 80
    assert all(field["description"] for field in fields)
    network = schema["$defs"]["TrainCnn"]["properties"]["network"]
    assert {"mien", "vgg16"} <= set(network["enum"])
