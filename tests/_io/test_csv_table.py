from pathlib import Path

import pytest

from mien._io.csv_table import read_csv_table
from mien._io.errors import InputError


def test_a_late_word_among_many_numbers_leaves_a_column_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("age\n" + "1\n" * 300_000 + "old\n")
    assert read_csv_table(path, "a table")["age"].value_counts().to_dict() == {"1": 300_000, "old": 1}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a,b\n1,2,3\n", "found rows of more cells than the header, expected a table"),
        (b"a,b\n1,2\n1,2,3\n", "cannot be read"),
        (b"", "cannot be read"),
        (None, "no such file"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, data: bytes | None, says: str) -> None:
    path = tmp_path / "a.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=f"a.csv: {says}"):
        read_csv_table(path, "a table")
