"""Tables of mien: names stay as they were written."""

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from mien._io.errors import InputError
from mien._io.tables import parse_csv, read_csv


def test_names_stay_text_and_empty_numbers_are_missing() -> None:
    cases = pd.DataFrame({"actual": ["0", "None", "NA"], "predicted": ["1", "null", "nan"], "loss": [0.5, None, 2]})
    read = parse_csv(StringIO(cases.to_csv(index=False)))
    assert read["actual"].tolist() == ["0", "None", "NA"]
    assert read["predicted"].tolist() == ["1", "null", "nan"]
    assert read["loss"].isna().tolist() == [False, True, False]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.csv: cannot be read"):
        read_csv(tmp_path / "no.csv")
