"""Files that attack: each is shown to do harm where nothing guards against it, and to do none to mien.

Files that are only damaged or too large are in test_malformed.py; ruff's rules S forbid `pickle`, `marshal`, `eval`,
`exec`, `yaml.load` and shells in the code.
"""

import ast
import csv
import json
import pickle
import stat
import struct
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import yaml
from helpers.matlab import cell as cells
from helpers.networks import LEVELS, brightness_network
from helpers.pictures import encoded, png, read, zipped
from helpers.repository import ROOT, Repository
from onnx import TensorProto, helper
from scipy.io import savemat

from mien._io.errors import InputError
from mien._io.output import cell
from mien._io.yaml import read_yaml
from mien.actions.context_classifier import FILE, ContextClassifier
from mien.actions.mpii import read_mpii
from mien.app.markup import alert, bars, picture, table
from mien.cli import main
from mien.config import load_params
from mien.data.arrays import Images
from mien.experiments.recipes import recipe_flags
from mien.inference.networks.face_classifier import FaceClassifier
from mien.models.keras_backend import keras
from mien.models.serialization import load_best


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that the code of an attack would make."""
    return tmp_path / "attacked"


class Attack:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self._marker,)


def works(attack: Callable[[], object], marker: Path) -> None:
    """Show that an attack does its work where nothing guards against it, and clean up."""
    attack()
    assert marker.exists()
    marker.unlink()


# --- networks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def keras_file(tmp_path: Path) -> Path:
    """A folder with a network in Keras' own format, of 4 numbers and 2 classes."""
    inputs = keras.Input((4,), name="inputs")
    keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="last")(inputs)).save(tmp_path / "best.keras")
    (tmp_path / "classes.json").write_text('["one", "two"]')
    return tmp_path / "best.keras"


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the last layer in the config of a `.keras` file."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(entries["config.json"])
    change(config["config"]["layers"][-1])
    zipped(path, entries | {"config.json": json.dumps(config).encode()})


def test_code_in_a_keras_file_does_not_run(tmp_path: Path, marker: Path) -> None:
    place, inputs = str(marker), keras.Input((4,))
    code = keras.layers.Lambda(lambda x: (__import__("pathlib").Path(place).touch(), x)[1], output_shape=(4,))
    keras.Model(inputs, code(inputs)).save(tmp_path / "best.keras")
    (tmp_path / "classes.json").write_text('["a", "b", "c", "d"]')
    marker.unlink(missing_ok=True)
    works(lambda: keras.saving.load_model(tmp_path / "best.keras", safe_mode=False)(np.zeros((1, 4))), marker)
    with pytest.raises(InputError, match=r"best\.keras: not a readable model \(.*Lambda"):
        load_best(tmp_path)
    assert not marker.exists()


def _calls_system(layer: dict[str, Any]) -> None:
    layer |= {"module": "os", "class_name": "system", "config": {"command": "touch attacked"}}


def _names_system(layer: dict[str, Any]) -> None:
    layer["config"]["activation"] = {
        "class_name": "function",
        "config": "system",
        "module": "os",
        "registered_name": "os",
    }


def _names_a_builtin(layer: dict[str, Any]) -> None:
    layer |= {"module": "builtins", "class_name": "exec", "config": {"source": "open('attacked', 'w')"}}


def _turns_safe_mode_off(layer: dict[str, Any]) -> None:
    layer |= {
        "module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {}, "registered_name": None,
    }  # fmt: skip


def _loads_another_file(layer: dict[str, Any]) -> None:
    layer |= {"module": "keras.saving", "class_name": "load_model", "config": {"filepath": "other.keras"}}


def _reads_a_local_file(layer: dict[str, Any]) -> None:
    layer |= {
        "module": "keras.layers", "class_name": "StringLookup", "registered_name": None,
        "config": {"name": "last", "vocabulary": "/etc/passwd", "dtype": "string"},
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        _calls_system, _names_system, _names_a_builtin, _turns_safe_mode_off, _loads_another_file, _reads_a_local_file,
    ],
)  # fmt: skip
def test_a_keras_file_calls_nothing_but_layers(
    keras_file: Path, marker: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], None]
) -> None:
    monkeypatch.chdir(keras_file.parent)
    load_best(keras_file.parent)
    rewrite(keras_file, change)
    with pytest.raises(InputError, match=r"best\.keras: not a readable model"):
        load_best(keras_file.parent)
    assert not marker.exists()


def external(folder: Path, location: str) -> None:
    """Let the bias of a network be what some file holds."""
    network = onnx.load(folder / "best.onnx")
    (bias,) = (tensor for tensor in network.graph.initializer if tensor.name == "bias")
    bias.ClearField("raw_data")
    bias.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "12")):
        bias.external_data.add(key=key, value=value)
    (folder / "best.onnx").write_bytes(network.SerializeToString())


@pytest.mark.parametrize("place", ["../secret", "{}/secret", "a/../../secret"])
def test_weights_elsewhere_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "secret").write_bytes(np.ones(3, np.float32).tobytes())
    folder = brightness_network(tmp_path / "net")
    external(folder, place.format(tmp_path))
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match=r"net/best\.onnx: not a readable ONNX model"):
        FaceClassifier.from_pretrained(folder)


def test_an_operator_of_another_library_is_not_looked_for(tmp_path: Path) -> None:
    folder = brightness_network(tmp_path / "net")
    network = onnx.load(folder / "best.onnx")
    network.graph.node[-1].domain = "attacked.so"
    network.opset_import.append(helper.make_opsetid("attacked.so", 1))
    onnx.save(network, folder / "best.onnx")
    with pytest.raises(InputError, match="not a registered function"):
        FaceClassifier.from_pretrained(folder)


def test_a_network_that_wants_terabytes_gets_none(tmp_path: Path) -> None:
    folder = brightness_network(tmp_path / "net")
    network = onnx.load(folder / "best.onnx")
    graph = network.graph
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([2**42], np.int64), "count"))
    graph.node.insert(0, helper.make_node("ConstantOfShape", ["count"], ["huge"]))
    graph.node.insert(1, helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=1))
    graph.node[-1].output[0] = "before"
    graph.node.append(helper.make_node("Add", ["before", "sum"], ["probabilities"]))
    onnx.save(network, folder / "best.onnx")
    with pytest.raises(InputError, match=r"net/best\.onnx: cannot be run"):
        FaceClassifier.from_pretrained(folder).predict_proba(np.zeros((1, 48, 48), np.uint8))


# --- arrays and tables ------------------------------------------------------------------------------------------------


def test_a_pickle_in_an_array_is_not_loaded(tmp_path: Path, marker: Path) -> None:
    Images(np.zeros((1, 16, 16), np.uint8), np.zeros(1, np.uint8), ["one"]).save(tmp_path, "train")
    np.save(tmp_path / "train_labels.npy", np.array([Attack(marker)], object), allow_pickle=True)
    works(lambda: np.load(tmp_path / "train_labels.npy", allow_pickle=True), marker)
    with pytest.raises(InputError, match="train images cannot be read"):
        Images.load(tmp_path, "train")
    assert not marker.exists()


@pytest.mark.parametrize("as_array", [True, False])
def test_a_pickle_for_a_classifier_is_not_loaded(tmp_path: Path, marker: Path, as_array: bool) -> None:
    path = tmp_path / FILE
    if as_array:
        np.savez(path, contexts=np.array([Attack(marker)], object))
        works(lambda: np.load(path, allow_pickle=True)["contexts"], marker)
    else:
        path.write_bytes(pickle.dumps(Attack(marker)))
        works(lambda: np.load(path, allow_pickle=True), marker)
    with pytest.raises(InputError, match=r"context\.npz: cannot be read"):
        ContextClassifier.load(tmp_path)
    assert not marker.exists()


def test_tags_of_yaml_make_no_objects(tmp_path: Path, marker: Path) -> None:
    tag = f"!!python/object/apply:os.mknod [{marker}]"
    works(lambda: yaml.load(tag, yaml.UnsafeLoader), marker)
    params = (ROOT / "params.yaml").read_text().replace("seed: 20 ", f"seed: {tag} ")
    (tmp_path / "params.yaml").write_text(params)
    with pytest.raises(InputError, match=r"params\.yaml: not valid YAML: line \d+: could not determine a constructor"):
        load_params(tmp_path / "params.yaml")
    assert not marker.exists()


def test_a_matlab_file_that_claims_gigabytes_gets_none(tmp_path: Path) -> None:
    path = tmp_path / "mpii.mat"
    savemat(path, {"RELEASE": cells(1, 2, 3)})
    shape, claimed = struct.pack("<ii", 1, 3), struct.pack("<ii", 1, 2**31 - 1)
    assert path.read_bytes().count(shape) == 1
    path.write_bytes(path.read_bytes().replace(shape, claimed))
    with pytest.raises(InputError, match=r"mpii\.mat: cannot be read \(.*Unable to allocate"):
        read_mpii(path)


# --- zips -------------------------------------------------------------------------------------------------------------


def tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize(
    "name", ["../../attacked/sad/1.png", "/tmp/attacked/sad/1.png", "train/../../sad/attacked.png"]
)
def test_a_path_that_leads_out_of_a_zip_writes_nothing(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "a.zip", {"happy/1.png": png(1), name: png(2)})
    before = tree(tmp_path)
    with pytest.raises(InputError, match="leads out of the zip"):
        read(path)
    assert tree(tmp_path) == before
    assert not Path("/tmp/attacked").exists()


def test_a_link_in_a_zip_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png(7))
    link = zipfile.ZipInfo("sad/1.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(zipped(tmp_path / "a.zip", {"happy/1.png": png(1)}), "a") as archive:
        archive.writestr(link, str(tmp_path / "secret.png"))
    index = read(tmp_path / "a.zip")[1].set_index("origin")
    assert index.loc["sad/1.png", "hash"] == ""
    assert index.loc["happy/1.png", "hash"]


def test_code_named_as_an_image_is_not_run(tmp_path: Path, marker: Path) -> None:
    attack = pickle.dumps(Attack(marker))
    works(lambda: pickle.loads(attack), marker)
    script = f"#!/bin/sh\ntouch {marker}\n".encode()
    path = zipped(tmp_path / "a.zip", {"happy/1.png": png(1), "sad/1.png": attack, "sad/2.png": script})
    assert (read(path)[1]["hash"] == "").sum() == 2
    assert not marker.exists()


@pytest.mark.parametrize("claimed", [2**28, 1000])
def test_a_zip_bomb_is_not_unfolded(tmp_path: Path, claimed: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("happy/1.bmp", bytes(2**28))
    path.write_bytes(path.read_bytes().replace((2**28).to_bytes(4, "little"), claimed.to_bytes(4, "little")))
    tracemalloc.start()
    refused = claimed == 2**28
    with pytest.raises(InputError, match="would unpack to 268,435,456 bytes") if refused else nullcontext():
        assert (read(path)[1]["hash"] == "").all()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


# --- names of files and classes ---------------------------------------------------------------------------------------

ESCAPE = "\x1b]0;attacked\x07\x1b[2J.png"


def test_names_do_not_steer_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ESCAPE).write_bytes(encoded(np.full((48, 48), LEVELS[0], np.uint8)))
    (tmp_path / f"bad{ESCAPE}").write_bytes(b"")
    network = brightness_network(tmp_path / "net")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mien", "image", "--crop", "--model", str(network), ESCAPE, f"bad{ESCAPE}"])
    with pytest.raises(SystemExit, match="2"):
        main()
    out, err = capsys.readouterr()
    assert out.startswith("\\x1b]0;attacked\\x07\\x1b[2J.png: angry ")
    assert out.isascii()
    assert "error: bad\\x1b]0;attacked\\x07\\x1b[2J.png: is not a picture" in err
    assert "\x1b" not in out + err


@pytest.mark.parametrize("name", ["=HYPERLINK(1).png", "+1.png", "-1.png", "@SUM(1).png", "\t=1.png"])
def test_names_are_no_formulas_in_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).write_bytes(encoded(np.full((48, 48), LEVELS[0], np.uint8)))
    network = brightness_network(tmp_path / "net")
    monkeypatch.chdir(tmp_path)
    outputs = ["--output-csv", "a.csv", "--faces-csv", "b.csv"]
    monkeypatch.setattr(sys, "argv", ["mien", "image", "--crop", "--model", str(network), *outputs, "--", name])
    main()
    for output in ("a.csv", "b.csv"):
        with Path(output).open(newline="") as file:
            (row,) = csv.DictReader(file)
        assert row["file"] == f"./{name}"
        assert Path(row["file"]).samefile(name)
    assert cell(Path("sad/=1.png")) == "sad/=1.png"


SCRIPT = "<script>attacked()</script>"


@pytest.mark.parametrize(
    "html",
    [
        alert(SCRIPT), bars({SCRIPT: 0.5, "b": 0.5}), picture(b"", f'"{SCRIPT}'),
        table(pd.DataFrame({SCRIPT: [SCRIPT]}, index=[SCRIPT])),
    ],
)  # fmt: skip
def test_names_are_no_scripts_in_the_page(html: str) -> None:
    assert "attacked()" in html
    assert "<script" not in html


# --- shells -----------------------------------------------------------------------------------------------------------


def test_params_reach_no_shell(spare: Repository) -> None:
    stages = read_yaml(ROOT / "dvc.yaml")["stages"]
    assert [stage for stage in stages.values() if "${" in stage["cmd"]] == []
    spare.set_params({"prepare_fer": {"source": "$(touch attacked); touch attacked `touch attacked` ${IFS}"}})
    result = spare.run("dvc", "repro", "prepare_fer", "--single-item")
    spare.ok("git", "checkout", "--quiet", ".")
    assert result.returncode != 0
    assert not (spare.path / "attacked").exists()


def test_a_recipe_is_no_script(workspace: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.path)
    attack = "'$(touch${IFS}attacked);`touch${IFS}attacked`;#"
    Path("recipes").mkdir()
    Path("recipes/mine.yaml").write_text(f'prepare_fer: {{source: "{attack}"}}\n')
    printed = " ".join(recipe_flags("mine"))
    done = workspace.run("sh", "-c", 'flags="$(echo "$printed")" && printf "%s\\n" $flags', printed=printed)
    quoted = attack.replace("'", r"\'")
    assert done.stdout.splitlines() == ["-S", f"prepare_fer.source='{quoted}'"]
    assert not Path("attacked").exists()
    works(lambda: workspace.run("sh", "-c", 'eval "$printed"', printed=printed), Path("attacked"))


# --- the code itself --------------------------------------------------------------------------------------------------

CODE = [path for folder in ("src", "stages", "benchmarks", ".github") for path in (ROOT / folder).rglob("*.py")]
#: What runs what it reads, and ruff does not know.
FORBIDDEN = {"joblib", "dill", "enable_unsafe_deserialization", "register_custom_ops_library"}


def test_no_reader_can_run_what_it_reads() -> None:
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            assert getattr(node, "id", getattr(node, "attr", "")) not in FORBIDDEN, path
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            keywords = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
            assert "cloudpickle.load" not in name, path
            if name == "np.load":
                assert keywords.get("allow_pickle") is False, path
            if name.endswith("load_model"):
                assert keywords.get("safe_mode") is True, path
            if name == "YAML":
                assert keywords.get("typ", "rt") in ("rt", "safe"), path
