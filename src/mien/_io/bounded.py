"""Numbers with bounds, as types of the keys of a `Schema`."""

from typing import Annotated

from pydantic import AfterValidator, Field


def _ascending(bounds: list[float]) -> list[float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"found {bounds}, expected [low, high] with low <= high")
    return bounds


Share = Annotated[float, Field(ge=0, le=1)]
#: Share of rows or images that a split takes from another one, which must keep some.
SplitShare = Annotated[float, Field(gt=0, lt=1)]
Intensity = Annotated[float, Field(ge=0, le=100)]
#: A count. A number beyond what any disk can hold must be a typing error.
Count = Annotated[int, Field(gt=0, le=10_000_000)]
IntensityRange = Annotated[list[Intensity], Field(min_length=2, max_length=2), AfterValidator(_ascending)]
