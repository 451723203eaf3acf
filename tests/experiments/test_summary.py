"""Tables of reports in Markdown."""

from mien.experiments.summary import markdown_table


def test_what_is_missing_is_an_empty_cell() -> None:
    rows: dict[str, dict[str, float | None]] = {
        "first": {"share": 0.5, "minutes": None},
        "second": {"share": float("nan"), "minutes": 0},
    }
    assert markdown_table("name", rows) == (
        "| name | share | minutes |\n|---|---:|---:|\n| first | 0.5 |  |\n| second |  | 0 |"
    )
