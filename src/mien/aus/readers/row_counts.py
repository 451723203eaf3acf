"""What is counted while the rows of an AU table are read, and the notes on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mien.aus.readers.identity import SharedFrames

_MAX_OF_TOOLS = 5  # of OpenFace's intensities


@dataclass
class RowCounts:
    """Rows so far: all, those without a face (empty: by empty AU cells), and unreadable ones."""

    rows: int = 0
    unreliable: int = 0
    empty: int = 0
    bad: int = 0
    first_bad: str = ""
    highest: float = 0.0
    decimal_commas: bool = False
    shared_frames: SharedFrames = field(default_factory=SharedFrames)

    def notes(self, expected: Sequence[str], max_intensity: float) -> list[str]:
        """Return notes on rows that are left out or in doubt.

        Args:
            expected: what a row with a face has.
            max_intensity: the value that means 100.
        """
        notes = []
        if self.unreliable:
            words = " and ".join([*expected, *["filled AU columns"] * bool(self.empty)])
            notes.append(f"{self.unreliable:,} of {self.rows:,} rows have no prediction: expected {words}")
        if max_intensity == 100 and 0 < self.highest <= _MAX_OF_TOOLS:
            notes.append(f"no intensity is above {self.highest:g} of 100; is the --format openface or pyfeat?")
        if self.shared_frames.count:
            notes.append(
                f"{self.shared_frames.count:,} of {self.rows:,} rows are from the same frame as the row before: "
                "several faces, but no column face_id identifies them"
            )
        return [*notes, *([self.bad_rows] if self.bad_rows else [])]

    @property
    def bad_rows(self) -> str | None:
        """A note on unreadable rows; None if there are none."""
        if not self.bad:
            return None
        first = f"the first: {self.first_bad}"
        return f"{self.bad:,} of {self.rows:,} rows cannot be read and have no prediction, {first}"

    def none_readable(self) -> str:
        """Return an error for a table of which no row can be read so far."""
        first = f"none of the first {self.rows:,} rows can be read: " if self.rows > 1 else ""
        return first + self.first_bad
