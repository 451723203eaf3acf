"""The public names of mien: complete, loaded lazily, and documented by examples that run."""

import ast
import doctest
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from helpers.photos import PORTRAIT

import mien

CLASSES = [mien.EmotionRecognizer, mien.Face, mien.FaceClassifier, mien.AUClassifier]


def test_all_is_all_that_is_public() -> None:
    (block,) = (node for node in ast.parse(inspect.getsource(mien)).body if isinstance(node, ast.If))
    typed = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert {*typed, "__version__"} == set(mien.__all__)
    assert set(mien.__all__) <= set(dir(mien))
    for name in mien.__all__:
        assert getattr(mien, name) is not None
    public = {name for name, value in vars(mien).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert public - {"TYPE_CHECKING"} == typed


def test_the_version_is_that_of_the_distribution() -> None:
    assert mien.__version__ == version("mien")


def test_other_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="module 'mien' has no attribute 'Emotion'"):
        mien.Emotion  # noqa: B018


def test_types_are_marked() -> None:
    assert Path(inspect.getfile(mien)).with_name("py.typed").is_file()


def test_import_mien_alone_loads_nothing_large() -> None:
    code = "import sys, mien; print(sorted({name.partition('.')[0] for name in sys.modules} & set(sys.argv[1:])))"
    modules = ("numpy", "cv2", "pandas", "pydantic", "PIL", "onnxruntime", "tensorflow", "keras")
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("documented", CLASSES, ids=lambda documented: documented.__name__)
def test_the_examples_in_docstrings_run(
    documented: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Examples:" in (documented.__doc__ or "")
    (tmp_path / "photo.jpg").write_bytes(PORTRAIT.read_bytes())
    monkeypatch.chdir(tmp_path)
    results = doctest.DocTestRunner()
    for test in doctest.DocTestFinder(recurse=False).find(documented, documented.__name__, globs={}):
        assert test.examples
        results.run(test)
    assert results.summarize(verbose=False).failed == 0, capsys.readouterr().out
