"""AU tables of the kinds that people and tools write."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mien.aus.facs import COLUMNS

OPENFACE_AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
PYFEAT_AUS = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)


def write_au_table(path: Path, columns: Mapping[str, Sequence[object]], separator: str = ",") -> Path:
    rows = zip(*columns.values(), strict=True)
    lines = [separator.join(columns), *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def native_columns(**changes: Sequence[object]) -> dict[str, Sequence[object]]:
    return {**{name: [0, 0] for name in COLUMNS}, **changes}


def write_sad_table(folder: Path) -> Path:
    """Write a table of rules that knows only sadness."""
    path = folder / "sad.yaml"
    path.write_text("source: test\nemotions:\n  sad: {positive: [15], negative: [], optional: {}}\n")
    return path
