"""Runs that must be refused, and damaged files for them."""

import io
import os
import re
import shlex
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest

from helpers.networks import brightness_network
from helpers.pictures import png, write_files, zipped
from helpers.repository import Repository
from helpers.stages import keep_log, run_stage
from mien.aus.facs import COLUMNS
from mien.cli import main

Content = bytes | str


Make = Callable[[Path], object]


class Case(NamedTuple):
    """A run that must be refused.

    run: a stage, or a command line of mien. says: words of the error. files: what is written before, by name. make:
    what does so where names and bytes are not enough. params: what is changed in params.yaml, else its text.
    """

    run: str
    says: Sequence[str]
    files: Mapping[str, Content] = {}
    make: Make | None = None
    params: Mapping[str, Mapping[str, Any]] | str = {}
    environment: Mapping[str, str] = {}


def cases(*groups: Sequence[Case]) -> Any:
    """Parametrise a test with cases, named by what runs and what it says."""
    every = [case for group in groups for case in group]
    return pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.run}: {case.says[0]}") for case in every])


def refused(
    case: Case, workspace: Repository, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Check that a case stops with exit code 2 and one line that says all its words, and leaves nothing."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DVC_ROOT", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    keep_log(monkeypatch)
    folder = workspace.path
    write_files(folder, {name: as_bytes(content) for name, content in case.files.items()})
    if case.make:
        case.make(folder)
    if isinstance(case.params, str):
        (folder / "params.yaml").write_text(case.params)
    elif case.params:
        workspace.set_params(case.params)
    before = contents(folder)
    words = shlex.split(case.run)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", words)
    run = main if words[0] == "mien" else partial(run_stage, case.run)
    with pytest.raises(SystemExit) as stopped:
        run()
    assert stopped.value.code == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if not line.startswith(("note: ", "mlflow: "))]
    *more, line = [text for text in lines if not text.startswith(("usage: ", " "))]  # argparse explains itself
    assert more == []
    assert re.match("(mien.*: )?error: ", line)
    for word in case.says:
        assert word in line
    assert contents(folder) == before


def as_bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return the files of a folder by their paths, None for links; without the log of a stage for MLflow."""
    files = [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]
    kept = [path for path in files if not {".mlflow-outbox", "mlflow.db"} & set(path.parts)]
    return {str(path): None if path.is_symlink() else path.read_bytes() for path in kept}


ROW = ",".join(["50"] * len(COLUMNS))


FACES = {
    f"{split}/{name}/{i}.png": png(i) for i, split in enumerate(("train", "val", "test")) for name in ("happy", "sad")
}


def packed(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    zipped(stream, entries, compression)  # type: ignore[arg-type]
    return stream.getvalue()


PIXELS = "7 " * 2304


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


LABELS_OF_3 = np.arange(3, dtype=np.uint8)


def answers_logits(folder: Path) -> None:
    """Write a network whose answers are not probabilities."""
    brightness_network(folder)
    network = onnx.load(folder / "best.onnx")
    network.graph.node[-1].op_type = "Identity"
    onnx.save(network, folder / "best.onnx")


JOINTS = "NAME,Scale,Activity,Category\na.jpg,1,running,sports\n"
