"""Networks in 8-bit integers: near those that they are made of, smaller, and the same bytes each time."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from helpers.pictures import picture

from mien._io.errors import InputError
from mien.inference.networks import pretrained
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.pretrained import FACE_NETWORKS, find_face_network
from mien.models.quantization import quantize

FACES = np.stack([picture(seed, 48) for seed in range(40)])


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("quantized") / "best_int8.onnx"
    source = FACE_NETWORKS["mien_small"]
    quantize(source, path, FACES, OnnxModel.load(source, threads=1).metadata)
    return path


def test_a_network_in_8_bit_integers_answers_nearly_the_same(quantized: Path) -> None:
    source = FaceClassifier.from_pretrained("mien_small")
    small = FaceClassifier.from_pretrained(quantized)
    expected, found = source.predict_proba(FACES), small.predict_proba(FACES)
    assert (small.classes_, small.temperature) == (source.classes_, source.temperature)
    assert 0 < np.abs(found - expected).mean() < 0.05
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert quantized.stat().st_size < 0.3 * FACE_NETWORKS["mien_small"].stat().st_size


def test_the_weights_are_8_bit_integers_and_the_probabilities_are_not(quantized: Path) -> None:
    session = onnxruntime.InferenceSession(quantized, providers=["CPUExecutionProvider"])
    assert session.get_outputs()[0].type == "tensor(float)"


def test_the_same_faces_give_the_same_bytes(quantized: Path, tmp_path: Path) -> None:
    source = FACE_NETWORKS["mien_small"]
    again = tmp_path / "again.onnx"
    quantize(source, again, FACES, OnnxModel.load(source, threads=1).metadata)
    assert again.read_bytes() == quantized.read_bytes()


@pytest.mark.parametrize("name", FACE_NETWORKS)
def test_the_pretrained_networks_are_there_in_both_precisions(name: str) -> None:
    plain, small = (FaceClassifier.from_pretrained(name, precision=precision) for precision in ("fp32", "int8"))
    assert small.classes_ == plain.classes_
    assert np.abs(small.predict_proba(FACES) - plain.predict_proba(FACES)).mean() < 0.05


def test_auto_takes_int8_where_the_cpu_is_fast_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for fast, suffix in ((True, "_int8"), (False, "")):
        monkeypatch.setattr(pretrained, "multiplies_int8_fast", lambda fast=fast: fast)
        assert find_face_network("mien", "auto").name == f"mien{suffix}.onnx"
        assert find_face_network(None, "fp32").name == "mien_wild.onnx"


@pytest.mark.parametrize(("words", "fast"), [("flags : fpu avx512_vnni", True), ("flags : fpu avx2", False)])
def test_the_cpu_says_what_it_can(words: str, fast: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(words)
    monkeypatch.setattr(pretrained, "_CPU_INFO", tmp_path / "cpuinfo")
    pretrained.multiplies_int8_fast.cache_clear()
    assert pretrained.multiplies_int8_fast() == fast
    monkeypatch.setattr(pretrained, "_CPU_INFO", tmp_path / "nothing")
    pretrained.multiplies_int8_fast.cache_clear()
    assert pretrained.multiplies_int8_fast()
    monkeypatch.undo()
    pretrained.multiplies_int8_fast.cache_clear()


def test_a_network_without_8_bit_integers_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "best.onnx").write_bytes(FACE_NETWORKS["mien_small"].read_bytes())
    assert FaceClassifier.from_pretrained(folder, precision="auto").size == 48
    with pytest.raises(InputError, match=r"precision: found int8, but there is no .*best_int8.onnx"):
        FaceClassifier.from_pretrained(folder, precision="int8")
    with pytest.raises(InputError, match="precision: found 'bf16', expected one of auto, fp32, int8"):
        FaceClassifier.from_pretrained(folder, precision="bf16")  # type: ignore[arg-type]
