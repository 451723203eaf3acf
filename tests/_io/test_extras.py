"""A feature whose packages are missing names its extra."""

import subprocess
import sys

import pytest

from mien._io.errors import InputError
from mien._io.extras import require


def test_a_missing_module_is_one_line_that_names_the_extra() -> None:
    with pytest.raises(InputError) as caught:
        require("app", "json", "no_such_package", what="mien app")
    assert str(caught.value) == "mien app needs the extra `app`: pip install '.[app]' in a clone of mien"


def test_installed_modules_are_not_imported_by_the_check() -> None:
    code = (
        "import sys; from mien._io.extras import require\n"
        "require('pipeline', 'tensorflow', 'sklearn', what='mien exp report')\n"
        "print({'tensorflow', 'sklearn'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
