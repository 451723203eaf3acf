"""The formats of AU tables: how each one names and scales AUs.

Sources: Baltrusaitis et al., OpenFace 2.0, 2018, and its wiki on output columns; Cheong et al., py-feat, 2023; Chang et
al., LibreFace, 2024.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mien._io.errors import InputError
from mien.aus.facs import AUS, MOUTH_STRETCH, column
from mien.aus.readers.column_names import abbreviated

#: The AUs that a table may contain: those of AUS, and AU27, which counts as AU26.
READ_AUS = frozenset({*AUS, MOUTH_STRETCH})


@dataclass(frozen=True)
class Format:
    """How one kind of table writes AUs.

    Attributes:
        description: its name in notes.
        header: matches the name of an AU column; its group is the number of the AU.
        signature: matches the name of a column that only this format has.
        max_intensity: the value that means 100.
        beside: matches the names of columns that stand beside those of intensities, and tell the same.
        rare: AUs that need no column, because the tool cannot detect them or few coders code them.
        min_reliable: by column, if present (in any spelling of its words), the lowest value with which a row counts.
        confidence: the one of these columns that tells how sure the tool is of the face, 0..1.
    """

    description: str
    header: re.Pattern[str]
    signature: re.Pattern[str]
    max_intensity: float
    rare: frozenset[int]
    min_reliable: dict[str, float] = field(default_factory=dict)
    confidence: str = "confidence"
    beside: re.Pattern[str] = re.compile(r"(?!)")


_PLAIN = re.compile(  # AU1, au_1, AU 01, AU01_intensity, FAU01; FaceReader's Action Unit 12 - Lip Corner Puller
    r"(?:f?au|action[\W_]*unit)[\W_]*0*(\d{1,3})(?:[\W_]*intensity|\s*[-:(]\s*[a-z][a-z ]*\)?)?", re.IGNORECASE
)
_AU = r"(?:f?au|action[\W_]*unit)[\W_]*\d{1,3}(?!\d)"
_ANY_AU = re.compile(rf"(?:(?:l|r|left|right)[\W_]*)?{_AU}.*", re.IGNORECASE)
_LEFT = re.compile(rf"{_AU}[\W_]*l", re.IGNORECASE)  # AU12L, AU12_L, of which AU12_R is the other side
_LIBREFACE = re.compile(r"au_(\d{1,2})_intensity")

#: In the order in which a header is tried. A row without a face has zeros in OpenFace and empty AU cells in the other
#: formats. The limit of half for confidence is mien's choice: a lost face is worse than a doubtful one, so only mostly
#: doubtful faces are dropped.
FORMATS = {
    "openface": Format(
        "OpenFace (AUxx_r, 0..5)",
        re.compile(r"au0*(\d{1,3})(?:_r)?", re.IGNORECASE),
        re.compile(r"au\d+_[rc]", re.IGNORECASE),
        5.0,
        frozenset({16, 24}),
        {"success": 1.0, "confidence": 0.5},
        beside=re.compile(r"au\d+_c", re.IGNORECASE),
    ),
    "pyfeat": Format(
        "py-feat (AUxx, 0..1)",
        _PLAIN,
        re.compile(r"FaceScore|(?i:face[\W_]*rect[\W_]*(x|y|width|height))"),  # face_score may be anyone's
        1.0,
        frozenset({16}),
        {"FaceScore": 0.5},
        "FaceScore",
    ),
    "presence": Format(
        "OpenFace's presence (AUxx_c, 0 or 1, as there is no AUxx_r)",
        re.compile(r"au0*(\d{1,3})_c", re.IGNORECASE),
        re.compile(r"au\d+_c", re.IGNORECASE),
        1.0,
        frozenset({16, 24}),
        {"success": 1.0, "confidence": 0.5},
    ),
    "libreface": Format(
        "LibreFace (au_x_intensity, 0..5)",
        _LIBREFACE,
        _LIBREFACE,
        5.0,
        frozenset({7, 10, 16, 23, 24}),
        beside=re.compile(r"au_\d+", re.IGNORECASE),
    ),
    "native": Format("native (AUxx, 0..100)", _PLAIN, _PLAIN, 100.0, frozenset({16})),
}


def choose_format(names: Sequence[str], wanted: str | None) -> Format:
    """Return the format that the user names, or the one that fits the columns. Raises InputError if none has AUs.

    OpenFace's intensities (AUxx_r) have priority over its presence (AUxx_c), which counts only if nothing else is
    there.
    """
    names = _of_both_sides(names)
    if not has_aus(names):
        raise InputError(f"found columns {abbreviated(names)}, expected AU columns (AU01 or AU01_r ..)")
    if wanted == "openface" and not _has(FORMATS["openface"].header, names):
        wanted = None
    if wanted:
        return FORMATS[wanted]
    return next(kind for kind in FORMATS.values() if _has(kind.signature, names) and _has(kind.header, names))


def has_aus(names: Sequence[str]) -> bool:
    """Tell whether a table has an AU column of any format."""
    names = _of_both_sides(names)
    return any(_has(kind.header, names) for kind in FORMATS.values())


def _of_both_sides(names: Sequence[str]) -> list[str]:
    """Return names without AU12_L and AU12_R, the sides of a face. Without AU12_L, AU12_R is OpenFace's intensity."""
    left = {name for name in names if _LEFT.fullmatch(name)}
    sides = left | {name[:-1] + ("R" if name[-1] == "L" else "r") for name in left}
    return ["" if name in sides else name for name in names]


def _has(pattern: re.Pattern[str], names: Sequence[str]) -> bool:
    return any(pattern.fullmatch(name) for name in names)


def au_columns(names: Sequence[str], kind: Format) -> tuple[dict[int, int], list[str]]:
    """Return the column position of each AU that counts, and what other columns of AUs are ignored.

    These are other AUs, such as AU14, and columns that the format does not have, such as AU12_L.

    Raises:
        InputError: an AU has two columns, or no AU has a column.
    """
    positions: dict[int, int] = {}
    ignored: list[str] = []
    for position, name in enumerate(_of_both_sides(names)):
        if not (match := kind.header.fullmatch(name)):
            ignored += [names[position]] * _is_unknown(names[position], kind)
            continue
        au = int(match[1])
        if au not in READ_AUS:
            ignored.append(column(au))
        elif au in positions:
            raise InputError(f"columns {names[positions[au]]} and {name} are both {column(au)}, expected it once")
        else:
            positions[au] = position
    if not positions:
        raise InputError(f"found columns {abbreviated(names)}, expected AU columns of {kind.description}")
    return positions, ignored


def _is_unknown(name: str, kind: Format) -> bool:
    return bool(_ANY_AU.fullmatch(name)) and not kind.beside.fullmatch(name)
