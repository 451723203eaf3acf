"""Harmed files of every form, given to the commands that read them; benchmarks/faults harms many more."""

from pathlib import Path

import pytest
from helpers.damaged import Harness
from helpers.readings import readings

TRIES = 6


@pytest.mark.parametrize("name", readings())
def test_a_harmed_file_is_read_or_refused_in_words(name: str, tmp_path: Path) -> None:
    harness = Harness(readings()[name], tmp_path)
    tried = [harness.attempt(seed) for seed in range(TRIES)]
    assert [each.problem for each in tried if each.problem] == []
