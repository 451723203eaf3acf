"""Figures: what they name, also in scripts that no font has."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien.plots.faces import class_counts, mistake_grid
from mien.plots.png import save_png


def test_the_sheet_of_mistakes_names_each_and_may_be_empty() -> None:
    cases = pd.DataFrame({"actual": ["sad", "fear"], "predicted": ["happy", "sad"], "confidence": [0.987, 0.5]})
    faces = np.random.default_rng(0).integers(0, 256, (2, 48, 48), dtype=np.uint8)
    sheet = mistake_grid(faces, cases, "mistakes")
    titles = [axes.get_title() for axes in sheet.axes]
    assert titles == ["sad → happy\n98.7%", "fear → sad\n50.0%", "", "", "", ""]
    empty = mistake_grid(faces[:0], cases[:0], "mistakes")
    assert [text.get_text() for text in empty.texts] == ["mistakes", "no mistakes"]


def test_names_that_no_font_has_are_noted_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.plots.png._OTHER_FONTS", re.compile("none"))  # as where none is installed
    save_png(class_counts({"train": {"快乐": 3, "радость": 1}}, "classes"), tmp_path / "a.png")
    assert capsys.readouterr().err == (
        "note: a.png: boxes stand for 乐快, which no font has; install one, such as Noto Sans\n"
    )
    save_png(class_counts({"train": {"ärger": 3, "радость": 1}}, "classes"), tmp_path / "b.png")
    assert capsys.readouterr().err == ""
