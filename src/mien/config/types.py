"""Types of settings that several sections use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

#: Folder of committed placeholders for "none", because DVC requires each dep of a stage to exist.
PLACEHOLDERS = Path("data/none")


def distinct(names: list[str], *, key: Callable[[str], str] = str) -> list[str]:
    """Validate for pydantic that names are all different by their key. Raises ValueError if not."""
    if len(set(map(key, names))) < len(names):
        raise ValueError(f"found {names}, expected each name once")
    return names


class OptionalPath(str):
    """Path of an optional input, or of the placeholder for none."""

    __slots__ = ()

    @property
    def path(self) -> Path | None:
        """The input, None if it is a placeholder."""
        path = Path(self)
        return None if path.parent == PLACEHOLDERS else path

    @classmethod
    def __get_pydantic_core_schema__(cls, _: type[Self], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(cls._of, handler(str))

    @classmethod
    def _of(cls, text: Any) -> Self:
        if not text:
            raise ValueError(f"found '', expected a path; the files in {PLACEHOLDERS} stand for none")
        return cls(text)
