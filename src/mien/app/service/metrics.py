"""Counters of the service, in the text format of Prometheus (exposition format 0.0.4)."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mien.inference.face import Face

#: The media type of the text.
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
_STATM = Path("/proc/self/statm")


class Metrics:
    """Counters of one server. All methods are called in the thread of the event loop.

    Attributes:
        gauges: functions that return a current value, by name.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self.gauges: dict[str, Callable[[], float]] = {}
        self._requests: Counter[str] = Counter()
        self._emotions: Counter[str] = Counter()
        self._photos: Counter[str] = Counter({"read": 0, "unreadable": 0})
        self._seconds, self._read = 0.0, 0
        self._within: Counter[float] = Counter()

    @property
    def mean_seconds(self) -> float:
        """The mean time of the requests that were read; 0 before the first."""
        return self._seconds / self._read if self._read else 0.0

    def count_response(self, status: int | str) -> None:
        """Count a response by its HTTP status; "disconnected" if the client had gone."""
        self._requests[str(status)] += 1

    def count_read(self, seconds: float, photos: Sequence[Sequence[Face] | None]) -> None:
        """Count a request that was read: the time a worker took, and the faces of each photo (None for a bad photo)."""
        self._seconds += seconds
        self._read += 1
        self._within.update(bound for bound in _BUCKETS if seconds <= bound)
        for faces in photos:
            self._photos["unreadable" if faces is None else "read"] += 1
            self._emotions.update(face.emotion for face in faces or ())

    def text(self) -> str:
        """Return all metrics."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _counter("mien_responses_total", "Responses by HTTP status.", "status", self._requests)
        yield from _counter("mien_photos_total", "Photos by what became of them.", "result", self._photos)
        yield from _counter("mien_faces_total", "Faces by their emotion.", "emotion", self._emotions)
        yield "# HELP mien_read_seconds What a worker took for a request."
        yield "# TYPE mien_read_seconds histogram"
        for bound in _BUCKETS:
            yield f'mien_read_seconds_bucket{{le="{bound}"}} {self._within[bound]}'
        yield f'mien_read_seconds_bucket{{le="+Inf"}} {self._read}'
        yield f"mien_read_seconds_sum {self._seconds:.6f}"
        yield f"mien_read_seconds_count {self._read}"
        for name, value in {**self.gauges, **_process_gauges()}.items():
            yield f"# TYPE {name} gauge"
            yield f"{name} {value():g}"


def _counter(name: str, meaning: str, label: str, counts: Mapping[str, int]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} counter"
    for key, count in sorted(counts.items()):
        yield f'{name}{{{label}="{_escaped(key)}"}} {count}'


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _process_gauges() -> dict[str, Callable[[], float]]:
    """Return the gauges that only Linux has."""
    if not _STATM.exists():
        return {}
    page = os.sysconf("SC_PAGE_SIZE")
    return {"process_resident_memory_bytes": lambda: int(_STATM.read_text().split()[1]) * page}
