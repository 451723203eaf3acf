"""A network that is trained already."""

import pytest
from helpers.training import Trained, train


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A small network after its training. Tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("trained") / "model"
    return Trained(folder, train(folder))
